"""Examples become clauses; nothing is lost without being counted."""

import random

from joint_data import several, single

from maksud.data.dataset import Example
from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.joint.alignment import build_corpus, count_untrimmed
from maksud.recognizers.joint.corpus import Corpus


def corpus(*examples: Example) -> Corpus:
    catalog = infer_catalog([e.calls for e in examples], [e.instruction for e in examples])
    return build_corpus(examples, catalog)


def test_values_become_spans() -> None:
    (clause,) = corpus(Example("putar Bunga Terakhir ya", "play(song=Bunga Terakhir)")).clauses
    assert clause.words == ["putar", "bunga", "terakhir", "ya"]
    assert clause.spans == [(1, 3, "song")]


def test_a_repeated_value_takes_the_next_place() -> None:
    (clause,) = corpus(Example("dari a ke a", "go(start=a, end=a)")).clauses
    assert clause.spans == [(1, 2, "start"), (3, 4, "end")]


def test_connectives_are_learned_from_the_data() -> None:
    made = corpus(*single(200), *several(200, seed=1))
    found = {c for c, n in made.connectives.items() if n >= 5}
    assert found == {("lalu",), ("and", "then"), (",",), ("habis", "itu"), ("terus",)}
    assert not made.skipped
    known = {tuple(c.words) for c in corpus(*single(2000)).clauses}
    assert sum(tuple(c.words) in known for c in made.clauses) > 0.97 * len(made.clauses)


def test_connectives_are_learned_without_single_calls() -> None:
    made = corpus(*several(300, seed=2))
    common = [c for c, _ in made.connectives.most_common(5)]
    assert set(common) == {("lalu",), ("and", "then"), (",",), ("habis", "itu"), ("terus",)}


def test_turns_of_one_call_stay_one_clause() -> None:
    text = "Saya mau kembalikan barang. Nomornya A123."
    made = corpus(*several(20), Example(text, "refund(number=A123)"))
    (clause,) = [c for c in made.clauses if c.intent == "refund"]
    assert len(clause.words) == 8 and clause.spans == [(6, 7, "number")]


def test_a_value_inside_a_word_teaches_what_to_trim() -> None:
    made = corpus(
        Example("batalkan order778", "cancel(id=778)"), Example("batalkan order12", "cancel(id=12)")
    )
    count_untrimmed(made)
    assert made.trims[("id", "<", "order")] == [2, 2]


def test_a_value_that_was_not_said_is_a_choice() -> None:
    made = corpus(
        *[Example(f"nyalakan lampu {k}", f"light(state=on, id={k})") for k in range(5)],
        *[Example(f"padamkan lampu {k}", f"light(state=off, id={k})") for k in range(5)],
    )
    assert made.choices == {"state": ["off", "on"]}
    assert made.clauses[0].choices == {"state": "on"} and made.clauses[0].tagged


def test_what_cannot_be_used_is_counted() -> None:
    many = [Example("catat ini", f"note(text=isi nomor {k})") for k in range(300)]
    made = corpus(Example(" ", "none()"), *many)
    assert made.skipped["utterance without a word"] == 1
    assert made.skipped["value that does not stand in its utterance"] == 300
    assert len(made.clauses) == 300 and not made.clauses[0].tagged


def test_words_that_are_not_read_are_counted() -> None:
    long = Example("putar hampa " + "ya " * 511, "play(song=hampa)", source="d.json", line=7)
    made = corpus(long, Example("putar hampa " + "ya " * 510, "play(song=hampa)"))
    reason = "words beyond the first 512 of an utterance"
    assert made.skipped == {reason: 1} and made.places == {reason: ["d.json:7"]}
    assert [len(c.words) for c in made.clauses] == [512, 512]


def test_what_cannot_be_used_has_its_places() -> None:
    many = [Example("catat", f"note(text=no {k})", source="d.json", line=k) for k in range(1, 301)]
    made = corpus(Example(" ", "none()", source="e.json", line=4), *many)
    assert made.places == {
        "utterance without a word": ["e.json:4"],
        "value that does not stand in its utterance": [f"d.json:{k}" for k in range(1, 6)],
    }


def test_none_never_joins() -> None:
    made = corpus(*several(20), Example("siapa presiden", "none()"))
    assert made.call_counts == {2: 20, 1: 1}


def test_a_sign_that_separates_is_of_no_clause() -> None:
    texts = ["putar lagu {}, matikan lampu", "putar lagu {}. matikan lampu",
             "putar lagu {}? matikan lampu"]  # fmt: skip
    rows = [Example(t.format(s), f"play(song={s});off()") for t in texts for s in "abcdefg"]
    rows += [Example(f"putar lagu {s}", f"play(song={s})") for s in "abcdefg"]
    rows += [Example("matikan lampu", "off()")]
    rows += [Example("alarm 5 p.m., matikan lampu", "alarm(time=5 p.m.);off()")]
    made = corpus(*rows)
    assert made.connectives[(",",)] == 8 and made.connectives[(".",)] == 7
    ends = {(c.intent, c.words[-1]) for c in made.clauses} - {("play", s) for s in "abcdefg"}
    assert ends == {("off", "lampu"), ("play", "?"), ("alarm", ".")}  # the last is of a value


def test_clauses_that_stand_alone_tell_what_only_joins() -> None:
    """`what` follows `and` all the time, and still belongs to its clause."""
    rng = random.Random(3)
    places = [f"{a} {b}" for a in ("oslo", "rome", "lima", "cairo") for b in ("north", "south")]
    clauses = [(f"what is the weather in {p}", f"weather(place={p})") for p in places]
    clauses += [(f"find the show {p} tonight", f"find(show={p})") for p in places]
    clauses += [(f"play {p} and friends", f"play(song={p} and friends)") for p in places]
    joiners = ["and", "and then", ", and also"]
    rows = [Example(*c) for c in clauses[::2]]
    for k in range(300):
        (a, f), (b, g) = rng.sample(clauses, 2)
        rows.append(Example(f"{a} {joiners[k % 3]} {b}", f"{f};{g}"))
    corpus = build_corpus(rows, infer_catalog(r.calls for r in rows))
    assert set(corpus.connectives) == {("and",), ("and", "then"), (",", "and", "also")}
    assert {" ".join(c.words) for c in corpus.clauses} == {u for u, _ in clauses}


def test_a_place_of_the_utterance_is_used_once() -> None:
    made = corpus(Example("dari oslo ke rome", "go(start=oslo, end=oslo)"))
    (clause,) = made.clauses
    assert clause.spans == [(1, 2, "start")] and not clause.tagged
    assert made.skipped == {"value that does not stand in its utterance": 1}


def test_a_value_stands_in_a_word_only_where_it_stands_nowhere_else() -> None:
    (clause,) = corpus(Example("lampunya di lampu", "on(what=lampu)")).clauses
    assert clause.spans == [(2, 3, "what")]


def test_values_that_interleave_can_not_be_cut() -> None:
    made = corpus(Example("putar hampa di bandung", "weather(city=bandung);play(song=hampa)"))
    assert made.skipped == {"several calls whose values interleave": 1} and not made.clauses
