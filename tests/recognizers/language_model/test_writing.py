"""One answer in the making: what is chosen, what is told of it, and what is read ahead."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest
from tiny_language_model import tiny_tokenizer

from maksud.errors import EngineError
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.habits import Habits
from maksud.recognizers.language_model.prompt import Prompt
from maksud.recognizers.language_model.writing import (
    FARTHEST,
    NEAR,
    TOP,
    Answer,
    ConstrainedWriting,
    FreeWriting,
    Step,
    Table,
    Writing,
)

TOKENIZER = tiny_tokenizer()
PROMPT = Prompt(TOKENIZER, "")
END = PROMPT.end_id
CATALOG = Catalog(
    (
        Intent("play", parameters=(Parameter("song"), Parameter("artist"))),
        Intent("play_music", positional=True, parameters=(Parameter("title"),)),
        Intent("volume_down"),
        Intent("lamp", parameters=(Parameter("note", copied=False), Parameter("night", "boolean"))),
    )
)
CONSTRAINT = Constraint(CATALOG, TOKENIZER)
UTTERANCE = 'putar lagu Hampa (live) "remix" nomor 12'

Model = Callable[[list[int]], np.ndarray]
"""Logits for what comes behind some tokens."""


def model_of(seed: int, spread: float = 3.0, **wishes: float) -> Model:
    """A model that wants anything at all, always the same behind the same tokens."""

    def logits(tokens: list[int]) -> np.ndarray:
        digest = hashlib.sha256(repr((seed, tokens)).encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        found = (rng.normal(size=700) * spread).astype(np.float32)
        for text, more in wishes.items():
            found[END if text == "end" else PROMPT.text_ids(text)[0]] += more
        return found

    return logits


def write(
    writing: Writing, model: Model, alternatives: int = 0, ahead: int = 0
) -> tuple[Answer, int]:
    """Drives a writing, and what forks off, to the end; the answer, and how often it was asked."""
    going: list[tuple[Writing, list[int]]] = [(writing, [])]
    passes = 0
    while going:
        each, seen = going.pop(0)
        read = list(each.unread)
        whole = seen + read
        passes += each is writing
        asked = range(len(whole) - each.asks + 1, len(whole) + 1)
        forks = each.go_on(Table(np.stack([model(whole[:n]) for n in asked])), alternatives, ahead)
        assert 1 <= each.stands <= len(read)
        stands = seen + read[: each.stands]  # the model forgets the others
        going += [(w, stands) for w in (each, *forks) if not w.ended]
    return writing.answer(), passes


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - float(logits.max())
    return shifted - math.log(np.exp(shifted).sum())


def expected(model: Model, utterance: str, room: int, prompt: list[int]) -> Answer:
    """The greedy answer of a constrained model, token by token, as its definition says."""
    guide = CONSTRAINT.over(utterance)
    state, written = guide.answers.start, list[int]()
    log_ps, free_log_ps, allowed, free = [], [], [0.0], True
    steps = list[Step]()
    intent, other, outside, naming = 0.0, FARTHEST, FARTHEST, True
    while True:
        logits = model(prompt + written)
        everywhere = log_softmax(logits)
        ids = CONSTRAINT.allowed(guide, state).tolist()
        ids += [END] if guide.answers.ends(state) else []
        scores = log_softmax(logits[ids])
        allowed.append(float(np.log(np.exp(everywhere[ids]).sum())))
        for at in np.argsort(-logits[ids], kind="stable"):
            token = ids[at]
            after = CONSTRAINT.step(guide, state, token) if token != END else frozenset()
            if token == END or guide.answers.left(after) < room - len(written):
                break
        if naming:
            text = CONSTRAINT.text(written)

            def names(t: int, text: bytes = text) -> frozenset[bytes]:
                longer = text + CONSTRAINT.text([t])
                return frozenset(
                    n for n in CONSTRAINT.names if n.startswith(longer) or longer.startswith(n)
                )

            own = names(token)
            for k in range(len(ids)):
                if k != at and names(ids[k]) != own and intent + scores[k] >= FARTHEST:
                    other = max(other, intent + float(scores[k]))
            to_none = [k for k, t in enumerate(ids) if t != END and b"none()" in names(t)]
            if b"none()".startswith(text) and to_none and b"none()" not in own:
                outside = max(FARTHEST, intent + float(np.log(np.exp(scores[to_none]).sum())))
            intent += float(scores[at])
            naming = len(own) > 1
            if own == {b"none()"}:
                outside = max(FARTHEST, intent)
        log_ps.append(float(scores[at]))
        free_log_ps.append(float(everywhere[token]))
        free = free and token == int(logits.argmax())
        if token == END:
            break
        written.append(token)
        best = sorted(zip(ids, scores.tolist(), strict=True), key=lambda each: -each[1])[:TOP]
        steps.append(Step(token, float(scores[at]), tuple(best)))
        state = after
        forced = CONSTRAINT.forced(guide, state, written)
        steps += [Step(more, 0.0) for more in forced]
        for more in forced:
            state = CONSTRAINT.step(guide, state, more)
        if guide.answers.ends(state) and not guide.answers.choices(state):
            written += forced  # behind these tokens the model is not asked
            free = False
            break
        for more in forced:
            logits = model(prompt + written)
            free_log_ps.append(float(log_softmax(logits)[more]))
            free = free and more == int(logits.argmax())
            written.append(more)
    return Answer(
        CONSTRAINT.text(written).decode(),
        len(written) + 1,
        sum(log_ps),
        sum(free_log_ps),
        min(log_ps),
        min(free_log_ps),
        min(allowed),
        intent,
        other,
        outside,
        free,
        steps=tuple(steps),
    )


def same(found: Answer, wanted: Answer) -> None:
    for key, value in asdict(wanted).items():
        got = getattr(found, key)
        if isinstance(value, float):
            assert got == pytest.approx(value, abs=1e-3), key
        elif key == "steps":
            assert [s.token for s in got] == [s.token for s in value]
            for a, b in zip(got, value, strict=True):
                told, due = [(s.log_p, *(p for _, p in s.top)) for s in (a, b)]
                assert told == pytest.approx(due, abs=1e-3)
                assert a.top[:1] == () or a.top[0][0] == b.top[0][0]
        else:
            assert got == value, key


PROMPTED = [5, 6, 7]
MODELS = [
    *[model_of(seed) for seed in range(12)],
    *[model_of(seed, play=9, end=4) for seed in range(8)],
    *[model_of(seed, none=8) for seed in range(3)],
    *[model_of(seed, play=14, Hampa=12, end=12, artist=6) for seed in range(5)],
    model_of(1, 0.1),
]


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_an_answer_and_its_evidence_are_those_of_the_definition(number: int) -> None:
    for room in (14, 40):
        writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, room, PROMPTED)
        answer, _ = write(writing, MODELS[number])
        same(answer, expected(MODELS[number], UTTERANCE, room, PROMPTED))
        assert answer.tokens <= room and type(answer.free) is bool


def test_reading_ahead_changes_nothing_but_the_passes() -> None:
    habits, saved = Habits(), 0
    for _ in range(2):
        for model in MODELS[1::5]:
            plain, passes = write(
                ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED), model
            )
            for ahead in (0, 2, 8):
                writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED, habits)
                answer, fewer = write(writing, model, ahead=ahead)
                same(answer, plain)
                assert fewer <= passes and (ahead or fewer == passes)
                saved += passes - fewer
    assert saved > 5


def test_no_more_is_read_ahead_than_was_asked_for() -> None:
    model, habits = model_of(0, play=14, Hampa=12, end=12), Habits()
    write(ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED, habits), model)
    for ahead in range(6):
        writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED, habits)
        seen = list[int]()
        while not writing.ended:
            read = list(writing.unread)
            assert 1 <= writing.asks <= len(read)
            whole = seen + read
            asked = range(len(whole) - writing.asks + 1, len(whole) + 1)
            writing.go_on(Table(np.stack([model(whole[:n]) for n in asked])), 0, ahead)
            seen += read[: writing.stands]
            if not writing.ended:
                assert len(writing.unread) - writing._sure <= ahead


def test_alternatives_are_whole_answers_with_other_intents() -> None:
    many = 0
    for model in MODELS[1::5]:
        for most in (0, 1, 4):
            writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED)
            answer, _ = write(writing, model, alternatives=most)
            alone, _ = write(ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED), model)
            # All the evidence is the same, however many alternatives are written beside it.
            same(answer, Answer(**{**asdict(alone), "alternatives": answer.alternatives}))
            texts = [text for text, _ in answer.alternatives]
            assert len(texts) <= most * 3 and len(set(texts)) == len(texts)
            assert answer.text not in texts
            log_ps = [p for _, p in answer.alternatives]
            assert log_ps == sorted(log_ps, reverse=True)
            for text in texts:
                calls = parse_calls(text)
                assert CATALOG.violations(calls, UTTERANCE) == []
                assert calls[0].intent != parse_calls(answer.text)[0].intent
            many += len(texts)
            if most == 0:
                assert texts == []
    assert many > 5


def test_what_an_alternative_is_worth_is_its_own() -> None:
    """Of the fork's first token, and of all behind it."""
    first = {n: PROMPT.text_ids(n)[0] for n in ("volume_down", "lamp", "none")}

    def model(tokens: list[int]) -> np.ndarray:
        logits = np.full(700, -40, np.float32)
        if tokens == PROMPTED:
            logits[first["volume_down"]], logits[first["none"]] = 0, -1
            logits[first["lamp"]] = NEAR - 3
        else:
            logits[PROMPT.text_ids(")")[0]] = 30
            logits[PROMPT.text_ids(";")[0]], logits[END] = 1, 2
        return logits

    writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED)
    answer, _ = write(writing, model, alternatives=3)
    start = -math.log(1 + math.exp(-1) + math.exp(NEAR - 3))
    end = -math.log(1 + math.exp(-1))
    assert answer.text == "volume_down()" and answer.alternatives == (
        ("none()", pytest.approx(start - 1, abs=1e-3)),
    )
    assert answer.log_p == pytest.approx(start + end, abs=1e-3)
    assert answer.other_intent == answer.outside == pytest.approx(start - 1, abs=1e-3)
    assert answer.lowest == pytest.approx(start if start < end else end, abs=1e-3)


def test_a_fork_that_finds_no_room_is_not_written() -> None:
    long = Catalog((Intent("a"), Intent("b" * 30)))
    constraint = Constraint(long, TOKENIZER)
    a, b = (PROMPT.text_ids(n)[0] for n in ("a", "b"))
    for room, forks in ((20, 0), (60, 1)):
        writing = ConstrainedWriting(constraint, "x", END, room, PROMPTED)
        logits = np.full((1, 700), -20, np.float32)
        logits[0, [a, b]] = 1, 0.5
        assert len(writing.go_on(Table(logits), 2)) == forks


def test_the_smallest_room_is_that_of_the_shortest_answer() -> None:
    """In bytes, for a byte is what any tokenizer can write: `lamp()` and the end."""
    for room in range(1, 12):
        if room < 7:
            with pytest.raises(EngineError, match=f"no answer fits {room} tokens. Raise max_new"):
                ConstrainedWriting(CONSTRAINT, UTTERANCE, END, room, PROMPTED)
        else:
            answer, _ = write(
                ConstrainedWriting(CONSTRAINT, UTTERANCE, END, room, PROMPTED), model_of(3)
            )
            assert answer.tokens <= room


# ---------------------------------------------------------------- free


class Plain:
    """As much of a prompt as a free answer needs."""

    end_id = 0

    def decode(self, ids: list[int]) -> str:
        return {(1, 2): "none()"}.get(tuple(ids), " ".join(map(str, ids)))


def write_free(room: int, *rows: tuple[int, float]) -> tuple[FreeWriting, int]:
    """A free answer of wished tokens, each with its lead over four others."""
    writing = FreeWriting(Plain(), room, [8, 9])  # type: ignore[arg-type]
    assert (writing.unread, writing.asks, writing.ended) == ([8, 9], 1, False)
    asked = 0
    for token, lead in rows:
        read = len(writing.unread)
        logits = np.zeros((writing.asks, 5), np.float32)  # behind the last token only
        logits[0, token] = lead
        assert writing.go_on(Table(logits), alternatives=3, ahead=3) == ()
        assert writing.stands == read
        asked += 1
        if writing.ended:
            break
        assert writing.unread == [token]
    return writing, asked


def log_p(lead: float) -> float:
    return lead - math.log(math.exp(lead) + 4)


def test_a_free_answer_ends_where_the_model_ends_it_or_the_room_does() -> None:
    writing, asked = write_free(9, (3, 2.0), (2, 1.0), (0, 5.0), (1, 1.0))
    assert writing.ended and asked == 3
    whole = log_p(2) + log_p(1) + log_p(5)
    same(
        writing.answer(),
        Answer("3 2", 3, whole, whole, log_p(1), log_p(1), 0.0, 0.0, FARTHEST, FARTHEST, True),
    )
    writing, asked = write_free(2, (3, 2.0), (2, 1.0), (3, 5.0))
    assert writing.ended and asked == 2 and writing.answer().text == "3 2"
    assert writing.answer().tokens == 2 and writing.answer().free is True


def test_a_free_answer_that_is_none_is_outside() -> None:
    writing, _ = write_free(9, (1, 2.0), (2, 1.0), (0, 5.0))
    answer = writing.answer()
    assert answer.text == "none()" and answer.outside == pytest.approx(answer.log_p)


# ---------------------------------------------------------------- habits


def test_habits_guess_what_followed_the_longest_piece_most_often() -> None:
    habits = Habits()
    assert habits.guess([1]) is None and habits.guess([]) is None
    habits.learn([1, 2, 3, 4])
    assert habits.guess([1, 2, 3]) == 4 and habits.guess([9, 9, 3]) == 4
    assert habits.guess([1, 2]) == 3 and habits.guess([1]) == 2
    assert habits.guess([4]) is None  # nothing followed the last one
    habits.learn([7, 2, 3, 5])
    habits.learn([8, 2, 3, 5])
    assert habits.guess([0, 2, 3]) == 5  # more often
    assert habits.guess([1, 2, 3]) == 4  # a longer piece says more
    habits.learn([6, 4])
    habits.learn([6, 5])
    assert habits.guess([6]) == 4  # the first of equals


def test_habits_reach_back_three_tokens() -> None:
    habits = Habits()
    habits.learn([1, 2, 3, 4, 5])
    habits.learn([9, 2, 3, 4, 6])
    habits.learn([9, 2, 3, 4, 6])
    assert habits.guess([1, 2, 3, 4]) == 6


def test_habits_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Habits, "_MOST", 3)
    habits = Habits()
    habits.learn([1, 2])
    habits.learn([3, 4, 5])  # four pieces in all
    assert habits.guess([1]) == 2
    habits.learn([6, 7])
    assert habits.guess([1]) is None and habits.guess([6]) == 7
    habits.learn([8, 9, 8])
    assert habits.guess([6]) == 7  # three pieces may stay


def test_an_answer_is_learnt_with_its_end_and_an_alternative_is_not() -> None:
    learnt: list[list[int]] = []

    class Watched(Habits):
        def learn(self, tokens: list[int]) -> None:  # type: ignore[override]
            learnt.append(list(tokens))

    for model in MODELS[:2]:
        learnt.clear()
        writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED, Watched())
        answer, _ = write(writing, model, alternatives=3)
        assert [CONSTRAINT.text(tokens[:-1]).decode() for tokens in learnt] == [answer.text]
        assert learnt[0][-1] == END


def test_habits_look_at_pieces_of_every_length() -> None:
    habits = Habits()
    habits.learn([1, 2, 3])
    habits.learn([9, 2, 4])
    habits.learn([9, 2, 4])
    assert habits.guess([0, 1, 2]) == 3 and habits.guess([0, 0, 2]) == 4


def test_another_spelling_of_the_same_intent_hides_no_other_intent() -> None:
    letter, lamp = PROMPT.text_ids("v")[0], PROMPT.text_ids("lamp")[0]
    logits = np.full((1, 700), -30, np.float32)
    logits[0, PROMPT.text_ids("volume_down")[0]] = 3
    logits[0, letter], logits[0, lamp] = 2, 1
    assert letter != PROMPT.text_ids("volume_down")[0]
    writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED)
    (fork,) = writing.go_on(Table(logits), 2)
    assert isinstance(fork, ConstrainedWriting) and fork._text().startswith("la")
    total = math.log(sum(map(math.exp, (1, 2, 3))))
    assert writing._other_intent == pytest.approx(1 - total, abs=1e-3)
    alone = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED)
    assert alone.go_on(Table(logits), 0) == []
    assert alone._other_intent == writing._other_intent  # the third likeliest, if none is written


def test_what_was_said_before_is_read_in_few_passes() -> None:
    """What is forced is read with what is guessed, and no more is guessed than may be read."""
    reached = 0
    for number in range(20, 28):
        model, habits = MODELS[number], Habits()
        first, passes = write(
            ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED, habits), model, ahead=30
        )
        again, fewer = write(
            ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED, habits), model, ahead=30
        )
        same(again, first)
        assert fewer <= passes
        for ahead in range(1, 9):
            writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 40, PROMPTED, habits)
            seen = list[int]()
            while not writing.ended:
                read = list(writing.unread)
                whole = seen + read
                asked = range(len(whole) - writing.asks + 1, len(whole) + 1)
                writing.go_on(Table(np.stack([model(whole[:n]) for n in asked])), 0, ahead)
                seen += read[: writing.stands]
                if not writing.ended:
                    reached += len(writing.unread) - writing._sure == ahead
    assert reached > 0


def test_an_answer_is_free_only_if_every_token_was_the_likeliest_of_all() -> None:
    wanted = [*PROMPT.text_ids("play(song=Hampa);lamp(night=true)"), END]
    never = PROMPT.text_ids("Z")[0]  # stands in no answer to the utterance
    seen = set()
    for bad in (None, *range(len(wanted))):

        def model(tokens: list[int], bad: int | None = bad) -> np.ndarray:
            at = len(tokens) - len(PROMPTED)
            logits = np.full(700, -5, np.float32)
            logits[wanted[min(at, len(wanted) - 1)]] = 9
            logits[never] = 12 if at == bad else -5
            return logits

        answer, passes = write(ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 60, PROMPTED), model)
        assert answer.text == "play(song=Hampa);lamp(night=true)" and passes < len(wanted)
        assert answer.free is (bad is None), bad
        # Only what the model was asked for counts, and that is all of it.
        assert (answer.free_lowest < -2) == (bad is not None)
        seen.add(round(answer.free_log_p, 2))
    assert len(seen) <= 3


def test_nothing_is_guessed_of_a_name_and_all_behind_it() -> None:
    wanted = [*PROMPT.text_ids("play(song=Hampa);lamp(night=true)"), END]

    def model(tokens: list[int]) -> np.ndarray:
        logits = np.full(700, -5, np.float32)
        logits[wanted[min(len(tokens) - len(PROMPTED), len(wanted) - 1)]] = 9
        return logits

    habits, passes = Habits(), []
    for _ in range(2):
        writing = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 60, PROMPTED, habits)
        answer, asked = write(writing, model, ahead=40)
        passes.append(asked)
        assert answer.text == "play(song=Hampa);lamp(night=true)"
    naming = ConstrainedWriting(CONSTRAINT, UTTERANCE, END, 60, PROMPTED, habits)
    rounds = 0
    while naming._naming:
        assert naming.asks == (1 if rounds == 0 else naming._sure)  # what was chosen, no guess
        start = len(PROMPTED) if rounds == 0 else len(PROMPTED) + len(naming._written)
        first = start - naming.asks + 1
        naming.go_on(Table(np.stack([model([0] * n) for n in range(first, start + 1)])), 0, 40)
        rounds += 1
    assert passes[1] == rounds + 1 < passes[0]  # one pass for all that is left
