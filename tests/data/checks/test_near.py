"""Nearly the same utterances: all that are one word apart, and none that are not."""

import numpy as np
import pytest
from checked import found, good, only, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.data.checks import check
from maksud.data.checks.near import is_tiny
from maksud.data.dataset import Dataset, Example
from maksud.data.neighbours import LONGEST, SHORTEST, deletion_keys, long_keys

EVALUATED = [*rows("play", 5, "test"), *rows("stop", 5, "test")]
BASE = "one two three four five six"


def hashes(texts: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    words = np.array([hash(w) for t in texts for w in t], np.int64).view(np.uint64)
    return words, np.array([len(t) for t in texts], np.int32)


def meet(a: list[str], b: list[str]) -> bool:
    keys, of = deletion_keys(*hashes([a, b]))
    return bool(set(keys[of == 0].tolist()) & set(keys[of == 1].tolist()))


def neighbourhood(words: list[str]) -> set[tuple[str, ...]]:
    """The definition, slowly: the text, and from six words on the text without any one word."""
    out = {tuple(words)}
    if len(words) >= SHORTEST:
        out |= {tuple(words[:k] + words[k + 1 :]) for k in range(len(words))}
    return out


TEXT = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=9)


@given(TEXT, TEXT)
@settings(max_examples=300)
def test_keys_meet_exactly_where_neighbourhoods_do(a: list[str], b: list[str]) -> None:
    assert meet(a, b) == bool(neighbourhood(a) & neighbourhood(b))


@given(st.lists(st.sampled_from("abcdefgh"), min_size=SHORTEST, max_size=LONGEST), st.data())
def test_one_word_apart_always_meets(words: list[str], data: st.DataObject) -> None:
    k = data.draw(st.integers(0, len(words) - 1))
    other = words[:k] + ["x"] + words[k + 1 :]
    assert meet(words, other)
    assert meet(words, words[:k] + words[k + 1 :])
    if len(words) < LONGEST:
        assert meet(words, words[:k] + ["y"] + words[k:])


def test_long_texts_share_a_band_where_most_of_them_agrees() -> None:
    rng = np.random.default_rng(0)
    near = far = 0
    for _ in range(50):
        words = [f"w{n}" for n in rng.integers(0, 5000, 80)]
        changed = [*words[:40], "changed", *words[41:]]
        other = [f"w{n}" for n in rng.integers(0, 5000, 80)]
        keys, of = long_keys(*hashes([words, changed, other]))
        groups = [set(keys[of == k].tolist()) for k in range(3)]
        near += bool(groups[0] & groups[1])
        far += bool(groups[0] & groups[2])
    assert near >= 49 and far == 0


def test_near_copies_across_splits_are_told() -> None:
    base = [Example(BASE, "play()", split="train")]
    for said in ("one two three four five seven", "one two three four five", f"{BASE} seven"):
        near = Example(said, "play()", split="test")
        assert "I-LEAK" in found([*EVALUATED, *base, near]).codes, said
        assert "I-LEAK" not in found([*EVALUATED, near]).codes
    far = Example("one two three four seven eight", "play()", split="test")
    assert "I-LEAK" not in found([*EVALUATED, *base, far]).codes


def test_what_leaks_exactly_is_not_told_twice() -> None:
    data = [Example(BASE, "play()"), Example(f"{BASE} now", "play()")]
    findings = found([*EVALUATED, *data, Example(BASE, "play()", split="test")])
    assert "W-LEAK" in findings.codes and "I-LEAK" not in findings.codes


def test_near_copies_with_the_same_answer() -> None:
    finding = only(found([Example(BASE, "play()"), Example(f"{BASE} ya", "play()")]), "I-NEARDUP")
    assert "1 row (" in finding.why
    other = [Example(BASE, "play(song=six)"), Example(BASE.replace("six", "ten"), "play(song=ten)")]
    assert "I-NEARDUP" not in found(other).codes


@pytest.mark.parametrize(
    ("a", "b", "tiny"),
    [
        ("putar daftar lagu saya", "putar daftarlagu saya", True),
        ("set an alarm for me", "please set an alarm for me", True),
        ("turn the the lights off", "turn the lights off", True),
        ("matikan lampunya sekarang", "matikan lampunnya sekarang", True),
        ("matikan lampunya sekarang", "matikan lanpumya sekarang", False),  # two letters
        ("matikan lampu sekarang", "matikan lampuku sekarang", False),
        ("putar lagu kami", "putar lagu kamu", True),
        ("putar lagu itu", "putar lagu iku", False),  # of a short word, one letter is much
        ("sekarang matikan lampu", "matikan lampu sekarang", True),
        ("turn the lights on", "turn the lights off", False),
        ("order a card", "order a virtual card", False),
        ("do it", "do not it", False),
        ("bangunkan pukul 1000", "bangunkan pukul 1001", False),
        ("get my card", "get my card active", False),
    ],
)
def test_what_changes_no_wish(a: str, b: str, tiny: bool) -> None:
    assert is_tiny(a.split(), b.split()) is tiny
    assert is_tiny(b.split(), a.split()) is tiny


def test_near_contradictions() -> None:
    a = Example("tolong nyalakan lampu ruang tamu itu", "play()", source="t", line=1)
    b = Example("tolong nyalakan lampuu ruang tamu itu", "stop()", source="t", line=2)
    finding = only(found([a, b]), "W-NEARCONFLICT")
    assert finding.place == "t:2" and "at line 1" in finding.message
    letters = [Example("putar daftar lagu", "play()"), Example("putar daftarlagu", "stop()")]
    assert "W-NEARCONFLICT" in found(letters).codes
    wishes = [
        Example("tolong nyalakan lampu ruang tamu itu", "play()"),
        Example("tolong matikan lampu ruang tamu itu", "stop()"),
    ]
    assert "W-NEARCONFLICT" not in found(wishes).codes


def test_long_texts_are_compared_by_letters() -> None:
    words = [f"kata{k}" for k in range(60)]
    long = Example(" ".join(words), "play()")
    near = Example(" ".join([*words[:30], "lain", *words[31:]]), "play()", split="test")
    far = Example(" ".join(reversed(words)), "play()", split="test")
    assert "I-LEAK" in found([*EVALUATED, long, near]).codes
    assert "I-LEAK" not in found([*EVALUATED, long, far]).codes


def test_chunks_and_parts_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    from maksud.data import neighbours

    data = Dataset(
        good()
        + [Example(f"{BASE} {k % 7}", "play()", split=("train", "test")[k % 2]) for k in range(60)]
    )
    whole = check(data)
    monkeypatch.setattr(neighbours, "CHUNK", 7)
    assert check(data).codes == whole.codes
