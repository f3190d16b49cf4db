"""Whatever the model wants, what is written is valid; and it is written in the right tokens."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_model_cases import answers, catalogs, utterances
from tiny_language_model import tiny_tokenizer

from maksud.errors import EngineError
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.language_model import constraint as constraint_module
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.prompt import Prompt
from maksud.recognizers.language_model.writing import ConstrainedWriting, Table, Writing

TOKENIZERS = {"gpt2": tiny_tokenizer(), "qwen": tiny_tokenizer(qwen=True)}
END = TOKENIZERS["gpt2"].convert_tokens_to_ids("<|im_end|>")
kinds = st.sampled_from(sorted(TOKENIZERS))


def write(writing: Writing, seed: int, alternatives: int = 0) -> list[Writing]:
    """Drives a writing to its end by a model that wants anything at all."""
    rng = np.random.default_rng(seed)
    every = going = [writing]
    while going := [w for w in going if not w.ended]:
        for each in list(going):
            logits = rng.normal(size=(each.asks, 700)).astype(np.float32) * 3
            forks = list(each.go_on(Table(logits), alternatives))
            going += forks
            every += forks
    return every


@settings(max_examples=100, deadline=None)
@given(catalogs, utterances, kinds, st.integers(0, 10**6), st.integers(12, 40))
def test_every_choice_ends_in_a_valid_answer(
    catalog: Catalog, utterance: str, kind: str, seed: int, room: int
) -> None:
    constraint = Constraint(catalog, TOKENIZERS[kind])
    writing = ConstrainedWriting(constraint, utterance, END, room, [5, 6])
    write(writing, seed, alternatives=2)
    answer = writing.answer()
    assert answer.tokens <= room
    assert answer.log_p <= 0 and answer.free_log_p <= answer.log_p + 1e-6
    for text in (answer.text, *(text for text, _ in answer.alternatives)):
        calls = parse_calls(text)
        assert catalog.violations(calls, utterance) == []
        assert catalog.render(calls) == text


@settings(max_examples=100, deadline=None)
@given(st.data(), kinds)
def test_a_valid_answer_can_be_written_in_its_own_tokens(data: st.DataObject, kind: str) -> None:
    """So that what training teaches, token by token, is never forbidden, and never rewritten."""
    catalog, utterance = data.draw(catalogs), data.draw(utterances)
    text = catalog.render(data.draw(answers(catalog, utterance)))
    if catalog.violations(parse_calls(text), utterance):
        return
    tokenizer = TOKENIZERS[kind]
    tokens = Prompt(tokenizer, "").text_ids(text)
    constraint = Constraint(catalog, tokenizer)
    guide = constraint.over(utterance)
    state, written = guide.answers.start, 0
    while written < len(tokens):
        assert tokens[written] in constraint.allowed(guide, state)
        state = constraint.step(guide, state, tokens[written])
        written += 1
        forced = constraint.forced(guide, state, tokens[:written])
        assert forced == tokens[written : written + len(forced)]
        for token in forced:
            state = constraint.step(guide, state, token)
        written += len(forced)
    assert guide.answers.ends(state)


@settings(max_examples=60, deadline=None)
@given(catalogs, utterances, kinds, st.lists(st.integers(0, 10**6), max_size=4))
def test_allowed_tokens_are_those_whose_bytes_fit(
    catalog: Catalog, utterance: str, kind: str, path: list[int]
) -> None:
    """The walk through the sorted vocabulary finds what trying every token finds."""
    constraint = Constraint(catalog, TOKENIZERS[kind])
    guide = constraint.over(utterance)
    state = guide.answers.start
    for choice in path:
        allowed = constraint.allowed(guide, state)
        tried = [t for t in range(len(TOKENIZERS[kind])) if constraint.step(guide, state, t)]
        assert allowed.tolist() == tried
        if not tried:
            break
        state = constraint.step(guide, state, tried[choice % len(tried)])


def test_allowed_tokens_of_one_utterance_are_not_those_of_another() -> None:
    catalog = Catalog((Intent("play", parameters=(Parameter("song"),)),))
    constraint = Constraint(catalog, TOKENIZERS["qwen"])
    tokens = Prompt(TOKENIZERS["qwen"], "").text_ids("play(song=Hampa)")
    for utterance, fits in (("putar Hampa", True), ("putar Bandung", False), ("putar Hampa", True)):
        guide = constraint.over(utterance)
        state = guide.answers.start
        for token in tokens:
            allowed = constraint.allowed(guide, state)
            if token not in allowed:
                assert not fits
                break
            state = constraint.step(guide, state, token)
        else:
            assert fits


def test_forced_text_is_not_asked_for() -> None:
    catalog = Catalog(
        (Intent("play_music", parameters=(Parameter("song"),)), Intent("volume_down"))
    )
    constraint = Constraint(catalog, TOKENIZERS["gpt2"])
    tokens = Prompt(TOKENIZERS["gpt2"], "").text_ids("play_music()")
    guide = constraint.over("Hampa")
    state = constraint.step(guide, guide.answers.start, tokens[0])
    assert constraint.forced(guide, state, tokens[:1]) == tokens[1:4]  # "_", "music", "("
    writing = ConstrainedWriting(constraint, "Hampa", END, 40, [5])
    logits = np.zeros((1, 700), np.float32)
    logits[0, tokens[0]] = 9
    writing.go_on(Table(logits))
    assert writing.unread == tokens[:4] and writing.asks == 4


def test_an_answer_ends_in_the_room_it_has() -> None:
    """A model that never wants to end must end all the same; without room there is an error."""
    catalog = Catalog((Intent("a", parameters=(Parameter("x", copied=False),)),))
    constraint = Constraint(catalog, TOKENIZERS["gpt2"])
    letter = Prompt(TOKENIZERS["gpt2"], "").text_ids("a")[0]
    for room in range(7, 30):
        writing = ConstrainedWriting(constraint, "b", END, room, [5])
        while not writing.ended:
            logits = np.zeros((writing.asks, 700), np.float32)
            logits[:, letter] = 5
            logits[:, END] = -50
            writing.go_on(Table(logits))
        answer = writing.answer()
        assert answer.tokens <= room
        parse_calls(answer.text)
    with pytest.raises(EngineError, match="no answer fits 3 tokens"):
        ConstrainedWriting(constraint, "b", END, 3, [5])


def test_other_intents_that_come_near_are_written_too() -> None:
    catalog = Catalog((Intent("play"), Intent("volume_down"), Intent("weather_search")))
    constraint = Constraint(catalog, TOKENIZERS["gpt2"])
    first = {n: Prompt(TOKENIZERS["gpt2"], "").text_ids(n)[0] for n in (*catalog.names, "none")}
    logits = np.full((1, 700), -30, np.float32)
    logits[0, first["play"]] = 0
    logits[0, first["weather_search"]] = -2
    logits[0, first["none"]] = -4
    logits[0, first["volume_down"]] = -12  # too unlikely to be worth an answer
    writing = ConstrainedWriting(constraint, "b", END, 30, [5])
    forks = writing.go_on(Table(logits), 2)
    assert len(forks) == 2
    for each in (writing, *forks):
        while not each.ended:
            wanted = np.zeros((each.asks, 700), np.float32)
            wanted[:, END] = 9
            assert not each.go_on(Table(wanted), 2)
    answer = writing.answer()
    assert answer.text == "play()"
    assert [text for text, _ in answer.alternatives] == ["weather_search()", "none()"]
    sure = -np.log1p(np.exp(-2) + np.exp(-4))
    assert answer.intent == pytest.approx(sure, abs=1e-3)
    assert answer.other_intent == pytest.approx(sure - 2, abs=1e-3)
    assert answer.outside == pytest.approx(sure - 4, abs=1e-3)


def test_evidence_is_over_all_tokens_and_over_the_allowed_ones() -> None:
    catalog = Catalog((Intent("play"),))
    constraint = Constraint(catalog, TOKENIZERS["gpt2"])
    play, none = (Prompt(TOKENIZERS["gpt2"], "").text_ids(n)[0] for n in ("play", "none"))
    other = Prompt(TOKENIZERS["gpt2"], "").text_ids("Hampa")[0]
    logits = np.full((1, 700), -np.inf, np.float32)
    logits[0, [play, none, other]] = np.log([0.3, 0.1, 0.6])
    writing = ConstrainedWriting(constraint, "b", END, 30, [5])
    writing.go_on(Table(logits))
    assert writing._log_p == pytest.approx(np.log(0.75), abs=1e-4)
    (judged,) = writing._judged
    logit, whole, is_top = judged.told()
    assert logit - whole == pytest.approx(np.log(0.3), abs=1e-4) and not is_top
    assert judged.inside is not None
    assert judged.inside - whole == pytest.approx(np.log(0.4), abs=1e-4)


def test_a_catalog_that_the_tokenizer_can_not_write_is_refused() -> None:
    class Deaf:
        """The tokenizer, as if it had no token for the letter q."""

        def __init__(self) -> None:
            self.backend_tokenizer = TOKENIZERS["gpt2"].backend_tokenizer

        def get_vocab(self) -> dict[str, int]:
            return {t: n for t, n in TOKENIZERS["gpt2"].get_vocab().items() if t != "q"}

    Constraint(Catalog((Intent("plat"),)), Deaf())
    with pytest.raises(EngineError, match="can't write 'plaq'"):
        Constraint(Catalog((Intent("plaq"),)), Deaf())


def test_without_an_allowed_token_there_is_an_error_and_no_free_text() -> None:
    constraint = Constraint(Catalog((Intent("play"),)), TOKENIZERS["gpt2"])
    writing = ConstrainedWriting(constraint, "b", END, 30, [5])
    constraint.allowed = lambda guide, state: np.empty(0, np.int32)  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="leaves no token behind ''"):
        writing.go_on(Table(np.zeros((1, 700), np.float32)))


def test_where_no_token_leaves_room_there_is_an_error_and_no_longer_answer() -> None:
    constraint = Constraint(Catalog((Intent("play"),)), TOKENIZERS["gpt2"])
    writing = ConstrainedWriting(constraint, "b", END, 30, [5])
    writing._guide.answers.left = lambda state: math.inf  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="leaves room to end the answer"):
        writing.go_on(Table(np.zeros((1, 700), np.float32)))


def test_what_is_kept_for_one_utterance_serves_only_its_like() -> None:
    """Tokens reach over the end of a part, so what can be copied changes what may be written."""
    catalog = Catalog((Intent("play", positional=True, parameters=(Parameter("song"),)),))
    kept = Constraint(catalog, TOKENIZERS["qwen"])
    letters = [Prompt(TOKENIZERS["qwen"], "").text_ids(c)[0] for c in "play("]
    for _ in range(2):
        for utterance in ("putar Hampa", "", "putar Bandung", " "):
            fresh = Constraint(catalog, TOKENIZERS["qwen"])
            for prefix in range(len(letters) + 1):
                found = []
                for each in (kept, fresh):
                    guide = each.over(utterance)
                    state = guide.answers.start
                    for token in letters[:prefix]:
                        state = each.step(guide, state, token)
                    found.append(each.allowed(guide, state).tolist())
                assert found[0] == found[1] and found[0]


def test_what_is_kept_is_bounded_and_the_last_used_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    constraint = Constraint(Catalog((Intent("abc"), Intent("xyz"))), TOKENIZERS["gpt2"])
    guide = constraint.over("q")
    states = [guide.answers.start]
    for letter in "ab":
        states.append(guide.answers.step(states[-1], ord(letter)))
    sizes = [1 + len(constraint.allowed(guide, s)) for s in states[:2]]
    assert constraint._kept_size == sum(sizes)
    monkeypatch.setattr(constraint_module, "_KEPT", sum(sizes))
    constraint.allowed(guide, states[0])  # used again: now the second is the oldest
    constraint.allowed(guide, states[2])
    assert constraint._kept_size <= sum(sizes)
    assert constraint._kept_size == sum(1 + len(t) for t in constraint._kept.values())
    kept = {state for state, _ in constraint._kept}
    assert states[2] in kept and states[1] not in kept


def test_nothing_is_forced_on_a_model_that_spells_otherwise() -> None:
    constraint = Constraint(Catalog((Intent("play_music"),)), TOKENIZERS["gpt2"])
    guide = constraint.over("b")
    prompt = Prompt(TOKENIZERS["gpt2"], "")
    state, letters = guide.answers.start, [prompt.text_ids(c)[0] for c in "play"]
    for token in letters:
        state = constraint.step(guide, state, token)
    assert state and prompt.text_ids("play") != letters
    assert constraint.forced(guide, state, letters) == []


def test_no_half_characters_are_forced() -> None:
    """Two names part inside a character, whose first bytes alone are no text."""
    constraint = Constraint(Catalog((Intent("a天"), Intent("a大"))), TOKENIZERS["gpt2"])
    guide = constraint.over("b")
    token = Prompt(TOKENIZERS["gpt2"], "").text_ids("a")[0]
    state = constraint.step(guide, guide.answers.start, token)
    assert state and constraint.forced(guide, state, [token]) == []


@pytest.mark.parametrize("kind", sorted(TOKENIZERS))
def test_what_fits_where_anything_may_be_written(kind: str) -> None:
    """Free text, before and behind its first letter, and tokens that reach into it."""
    catalog = Catalog((Intent("f", parameters=(Parameter("x", copied=False), Parameter("y"))),))
    constraint = Constraint(catalog, TOKENIZERS[kind])
    guide = constraint.over("Hampa")
    for text in ("f(x=a", "f(x=", "f(x", "f(", 'f(x="', 'f(x="a', "f(x=a ", "f(x=a b", "f(x=(", ""):
        state = guide.answers.start
        for byte in text.encode():
            state = guide.answers.step(state, byte)
        tried = [t for t in range(len(TOKENIZERS[kind])) if constraint.step(guide, state, t)]
        assert constraint.allowed(guide, state).tolist() == tried, text
        assert constraint.allowed(guide, state).tolist() == tried


def test_the_name_of_a_control_token_is_written_as_plain_text() -> None:
    value = Parameter("x", type="enumeration", values=("<|im_end|>",))
    constraint = Constraint(Catalog((Intent("f", parameters=(value,)),)), TOKENIZERS["gpt2"])
    guide, written = constraint.over("b"), Prompt(TOKENIZERS["gpt2"], "").text_ids("f(x")
    state = guide.answers.start
    for token in written:
        state = constraint.step(guide, state, token)
    forced = constraint.forced(guide, state, written)
    assert constraint.text(forced).startswith(b"=<|im_end") and END not in forced


def test_what_the_tokenizer_can_not_write_is_not_copied() -> None:
    class Deaf:
        backend_tokenizer = TOKENIZERS["gpt2"].backend_tokenizer

        def get_vocab(self) -> dict[str, int]:
            return {t: n for t, n in TOKENIZERS["gpt2"].get_vocab().items() if t != "q"}

    constraint = Constraint(Catalog((Intent("a", parameters=(Parameter("x"),)),)), Deaf())
    assert not constraint.over("qq").answers.copies and constraint.over("qq b").answers.copies


@settings(max_examples=60, deadline=None)
@given(catalogs, utterances, st.data(), st.integers(0, 10**6))
def test_an_answer_held_to_some_intents_has_no_others(
    catalog: Catalog, utterance: str, data: st.DataObject, seed: int
) -> None:
    known = [*catalog.names, "none"]
    left = data.draw(st.sets(st.sampled_from(known), min_size=1))
    constraint = Constraint(catalog, TOKENIZERS["gpt2"])
    held = constraint.within(left)
    assert constraint.leaves(left) and not constraint.leaves({"\0"})
    writing = ConstrainedWriting(held, utterance, END, 60, [5, 6])
    write(writing, seed, alternatives=2)
    answer = writing.answer()
    for text in (answer.text, *(text for text, _ in answer.alternatives)):
        assert {c.intent for c in parse_calls(text)} <= left
        assert catalog.violations(parse_calls(text), utterance) == []


def test_constraints_of_a_part_are_kept_and_bounded() -> None:
    names = [f"intent{k}" for k in range(constraint_module._NARROWER + 4)]
    constraint = Constraint(Catalog(tuple(map(Intent, names))), TOKENIZERS["gpt2"])
    assert constraint.within([*names, "none", "unknown"]) is constraint
    first = constraint.within(names[:1])
    assert constraint.within((names[0], "unknown")) is first
    for name in names[1:]:
        constraint.within({name})
    assert len(constraint._within) == constraint_module._NARROWER
    assert constraint.within(names[:1]) is not first
    assert first._bytes is constraint._bytes and first._kept is not constraint._kept
