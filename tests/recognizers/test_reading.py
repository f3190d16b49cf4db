"""What models read is in the normal form, in training, answers and figures alike."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.errors import RunError
from maksud.evaluation.report import evaluate
from maksud.language.calls import NONE, Argument, Call, format_calls, parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.languages import Familiar
from maksud.language.small_words import SmallWords
from maksud.recognizers import kinds
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.contract import (
    NOTHING_SAID,
    ONE_WORD,
    ONLY_SMALL_WORDS,
    UNKNOWN_LANGUAGE,
    UNKNOWN_SCRIPT,
    VALUES_ALONE,
    Contract,
)
from maksud.recognizers.conversation import Turn, converse
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.kinds import Kind, Task, Trained
from maksud.recognizers.reading import (
    languages_read,
    normalise_example,
    normalise_examples,
    scripts_read,
)
from maksud.recognizers.recognition import Proposal, Recognizer

CATALOG = Catalog(
    (
        Intent("play", parameters=(Parameter("song"),)),
        Intent("alarm", parameters=(Parameter("time", type="datetime"),)),
    )
)
CURLY = "putar  \u201cDon\u2019t Stop\u201d"


class Copies(Recognizer):
    """Plays what stands behind the first word; keeps what it was asked."""

    kind = "compact"
    longest = 100

    def __init__(self, **changes: object) -> None:
        super().__init__("copies", replace(Contract(CATALOG), **changes))  # type: ignore[arg-type]
        self.asked: list[str] = []

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        self.asked += utterances
        out = []
        for utterance in utterances:
            first, _, rest = utterance.partition(" ")
            name, parameter = ("alarm", "time") if first == "bangunkan" else ("play", "song")
            call = Call(name, (Argument(parameter, rest.strip('"')),)) if rest else NONE
            longer = len(utterance) > self.longest
            out.append(Proposal((call,), (0.0,), ((((call,)), -1.0),), truncated=longer))
        return out


def test_models_read_the_normal_form_and_people_get_what_they_said() -> None:
    recognizer = Copies()
    answer = recognizer(CURLY)
    assert recognizer.asked == ['putar "Don\'t Stop"']
    assert answer.utterance == CURLY and answer.calls[0].named == {"song": "Don\u2019t Stop"}
    assert answer.text == "play(song=Don\u2019t Stop)" == answer.alternatives[0].text
    assert answer.accepted and answer.reason == "" and not answer.doubts


def test_runs_of_before_read_what_was_typed() -> None:
    recognizer = Copies(text="")
    assert recognizer(CURLY).calls[0].named == {"song": " \u201cDon\u2019t Stop\u201d"}
    assert recognizer("👍").reason == "" and recognizer.asked == [CURLY, "👍"]


def test_a_contract_of_before_keeps_its_id(tmp_path: Path) -> None:
    old = replace(Contract(CATALOG), text="")
    assert not {"text", "scripts"} & set(old.to_json())
    old.save(tmp_path / "contract.json")
    again = Contract.load(tmp_path / "contract.json")
    assert again == old and again.id == old.id and again.text == ""
    new = replace(Contract(CATALOG), scripts=("LATIN",))
    assert Contract.from_json(json.loads(json.dumps(new.to_json()))) == new
    assert len({old.id, new.id, Contract(CATALOG).id}) == 3
    with pytest.raises(RunError, match="normal form of text 'text/9'"):
        Contract.from_json({**new.to_json(), "text": "text/9"})


def test_nothing_said_is_out_of_scope_unasked() -> None:
    recognizer = Copies()
    for text in ("😂😂", "?!", "", "\u200b"):
        answer = recognizer(text)
        assert (answer.calls, answer.text, answer.reason) == ((NONE,), "none()", NOTHING_SAID)
        assert not answer.accepted and answer.utterance == text
        assert answer.to_json()["reason"] == NOTHING_SAID
    assert recognizer.asked == []
    assert [a.reason for a in recognizer.recognize(["putar a", "!", "7"])] == ["", NOTHING_SAID, ""]
    assert recognizer.asked == ["putar a", "7"]
    assert Copies(scripts=("LATIN", "SIGNS"))("👍").reason == ""  # data that answers to signs


def test_a_script_that_training_never_saw() -> None:
    recognizer = Copies(scripts=("LATIN",))
    assert recognizer("ตั้งปลุก 7 โมง").reason == UNKNOWN_SCRIPT
    assert recognizer("включи свет").reason == UNKNOWN_SCRIPT
    for text in ("putar 夜に駆ける", "7", "\uff50\uff55\uff54\uff41\uff52 Hampa"):
        assert recognizer(text).reason == ""
    assert Copies()("включи свет").reason == ""  # where it is not known what training saw


SPANISH = "pon la canción de Shakira por favor"


def test_a_language_that_training_never_saw() -> None:
    recognizer = Copies(familiar=Familiar(("Indonesian",), ("putar",)))
    answer = recognizer(SPANISH)
    assert (answer.calls, answer.text, answer.reason) == ((NONE,), "none()", UNKNOWN_LANGUAGE)
    assert not answer.accepted and answer.refusal == "out of scope: language"
    assert answer.to_json()["reason"] == UNKNOWN_LANGUAGE and recognizer.asked == []
    for text in ("putar La Vida Es Una Canción", "por favor", "putar Hampa"):
        assert recognizer(text).reason == ""
    assert Copies()(SPANISH).reason == ""  # where it is not known what training saw


def test_small_words_ask_for_nothing() -> None:
    recognizer = Copies(small=SmallWords(("English", "Indonesian"), ("you", "tolong mas")))
    for text in ("a", "Dari.", "yang itu", "x", "please", "no", "ya"):
        answer = recognizer(text)
        assert (answer.text, answer.reason) == ("none()", ONLY_SMALL_WORDS)
        assert not answer.accepted and answer.refusal == "out of scope: small words"
    assert recognizer.asked == []
    for text in ("putar a", "on", "7", "you", "tolong", "what are you", "a the of it"):
        assert recognizer(text).reason != ONLY_SMALL_WORDS
    assert Copies()("a").reason == ""  # a run of before


def test_values_alone_are_no_wish() -> None:
    recognizer = Copies(small=SmallWords(("English", "Indonesian")))
    proposal = Proposal(parse_calls("play(song=Hampa)"), (0.0,))
    judged = recognizer.judge("Hampa!", proposal)
    assert (judged.text, judged.reason, judged.accepted) == ("none()", VALUES_ALONE, False)
    assert judged.confidence == 0.5
    assert recognizer.judge("putar Hampa", proposal).text == "play(song=Hampa)"
    meant = Copies(small=SmallWords(("English",), (), ("play",)))
    assert meant.judge("Hampa", proposal).text == "play(song=Hampa)"
    assert Copies().judge("Hampa", proposal).reason == ""  # a run of before


def test_a_word_that_many_intents_have_is_no_wish() -> None:
    recognizer = Copies(small=SmallWords((), ambiguous=("musik",)))
    proposal = Proposal(parse_calls("stop()"), (0.0,))
    judged = recognizer.judge("Musik!", proposal)
    assert (judged.text, judged.reason, judged.accepted) == ("none()", ONE_WORD, False)
    assert judged.confidence == 0.5 and judged.refusal == "out of scope: one word"
    assert recognizer.judge("matikan musik", proposal).text == "stop()"
    assert Copies().judge("Musik!", proposal).reason == ""  # a run of before


def test_where_some_call_must_be_made_a_word_alone_makes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recognizer = Copies(small=SmallWords((), ambiguous=("musik",)))
    proposal = Proposal(parse_calls("stop()"), (0.0,))
    for name in ("propose", "propose_within"):
        monkeypatch.setattr(recognizer, name, lambda said, allowed=(): [proposal for _ in said])
    answers = recognizer.recognize(["musik"] * 3, [None, {"stop", "none"}, {"stop"}])
    assert [(a.text, a.reason) for a in answers] == [("none()", ONE_WORD)] * 2 + [("stop()", "")]


def test_what_small_words_mean_is_part_of_the_contract() -> None:
    made = replace(Contract(CATALOG), small=SmallWords(("English",), ("who are you",)))
    again = Contract.from_json(json.loads(json.dumps(made.to_json())))
    assert again == made and again.id == made.id != Contract(CATALOG).id
    assert "small" not in Contract(CATALOG).to_json()
    assert "ambiguous" not in made.to_json()["small"]  # ids of runs of before stay
    more = replace(made, small=replace(made.small, ambiguous=("order",)))
    again = Contract.from_json(json.loads(json.dumps(more.to_json())))
    assert again == more and again.id == more.id != made.id
    with pytest.raises(RunError, match="is not a contract"):
        Contract.from_json({**made.to_json(), "small": {"mean": ["a"]}})


def test_what_is_familiar_is_part_of_the_contract() -> None:
    made = replace(Contract(CATALOG), familiar=Familiar(("Indonesian",), ("putar",)))
    again = Contract.from_json(json.loads(json.dumps(made.to_json())))
    assert again == made and again.id == made.id != Contract(CATALOG).id
    assert "familiar" not in Contract(CATALOG).to_json()
    for wrong in (["Indonesian"], {"tongues": ["x"]}, {"languages": 3}, 7):
        with pytest.raises(RunError, match="is not a contract"):
            Contract.from_json({**made.to_json(), "familiar": wrong})


def test_what_was_not_read_whole_is_not_accepted() -> None:
    recognizer = Copies()
    answer = recognizer("putar " + "la " * 60)
    assert answer.truncated and not answer.accepted and answer.to_json()["truncated"] is True
    assert "truncated" not in recognizer("putar la").to_json()


def test_values_of_another_type_are_told() -> None:
    answer = Copies()("bangunkan Budi")
    assert answer.accepted
    assert answer.to_json()["doubts"] == [
        {"intent": "alarm", "parameter": "time", "value": "Budi", "expected": "datetime"}
    ]
    assert "doubts" not in Copies()("bangunkan besok pagi").to_json()


def test_turns_without_visible_text_are_read_over() -> None:
    turns = [Turn("user", "putar Hampa"), Turn("assistant", "Ya."), Turn("user", "\u200b")]
    assert converse(Copies(), turns).text == "none()"  # nothing was said since
    more = [*turns, Turn("user", "putar Lagu")]
    assert converse(Copies(), more).turns == (3,)
    assert converse(Copies(), [turns[2], turns[0]]).text == "play(song=Hampa)"


def test_examples_and_their_values_are_normalised_together() -> None:
    gold = format_calls([Call("play", (Argument("song", "Don\u2019t  Stop"),))])
    example = normalise_example(Example(CURLY, gold, id="7", source="a.json", line=3), CATALOG)
    assert example.instruction == 'putar "Don\'t Stop"' and example.place == "a.json:3"
    assert example.output == "play(song=Don't Stop)" and example.id == "7"
    plain = Example("putar Hampa", "play(song=Hampa )")
    assert normalise_example(plain, None) is plain
    data = Dataset([Example("a\u00a0b", "f()"), plain], catalog=CATALOG, name="n", version="n@1")
    made = normalise_examples(data)
    assert [e.instruction for e in made] == ["a b", "putar Hampa"]
    assert (made.name, made.version, made.declared_catalog) == ("n", "n@1", CATALOG)


def test_training_reads_the_same_form_and_records_the_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[Task] = []

    def learn(task: Task) -> Trained:
        tasks.append(task)
        (task.directory / "weights").write_text("x")
        return Trained(Contract(task.catalog, system_prompt="", template=""), {}, task.settings)

    def reopen(path: Path, contract: Contract, name: str) -> Recognizer:
        return Copies(catalog=contract.catalog, scripts=contract.scripts)

    kind = Kind("copies", CompactSettings, learn, reopen, bases=("copies",))
    monkeypatch.setitem(kinds._registered, "copies", kind)
    gold = format_calls([Call("play", (Argument("song", "Don\u2019t  Stop"),))])
    rows = [Example(CURLY, gold, split=split) for split in ("train", "dev")]
    rows.append(Example("bangunkan 6", "alarm(time=6)", split="train"))
    run = train(Dataset(rows), out=tmp_path / "run", base="copies", on_progress=False)
    (task,) = tasks
    for rows_read in (task.train_set, task.held_out):
        first, *_ = rows_read
        assert (first.instruction, first.output) == ('putar "Don\'t Stop"', "play(song=Don't Stop)")
    assert all(i.parameters[0].copied for i in task.catalog.intents)
    assert run.contract.scripts == ("LATIN",) and run.contract.text == "text/1"
    assert run.metrics["calibration"]["exact_match"] == 1.0
    assert load_recognizer(run)("включи свет").reason == UNKNOWN_SCRIPT


def test_training_records_the_languages_unless_any_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learn(task: Task) -> Trained:
        (task.directory / "weights").write_text("x")
        return Trained(Contract(task.catalog, system_prompt="", template=""), {}, task.settings)

    def reopen(path: Path, contract: Contract, name: str) -> Recognizer:
        return Copies(catalog=contract.catalog, familiar=contract.familiar)

    kind = Kind("copies", CompactSettings, learn, reopen, bases=("copies",))
    monkeypatch.setitem(kinds._registered, "copies", kind)
    rows = [Example(f"putar yang ada di {x}", "play()", split="train") for x in "abc"]
    rows.append(Example("matikan yang ada di sini", "stop()", split="train"))
    data = Dataset([*rows, Example("putar yang di a", "play()", split="dev")])
    run = train(data, out=tmp_path / "own", base="copies", on_progress=False)
    assert run.contract.familiar == languages_read(rows)
    assert run.contract.familiar.languages == ("Indonesian",)
    assert load_recognizer(run)(SPANISH).reason == UNKNOWN_LANGUAGE
    settings = {"base": "copies", "any_language": True}
    run = train(data, out=tmp_path / "any", on_progress=False, **settings)
    assert run.contract.familiar == Familiar()
    assert load_recognizer(run)(SPANISH).reason == ""


def test_the_scripts_of_the_training_data() -> None:
    rows = [("putar musik", "play()"), ("我想", "play()"), ("7", "play()"), ("👍", "none()")]
    assert scripts_read(Example(*r) for r in rows) == ("CJK", "LATIN")
    assert scripts_read([Example("👍", "play()")]) == ("SIGNS",)


@pytest.mark.parametrize("said", ["Don\u2019t Stop", "Don't Stop", "Don\u2019t\u00a0Stop"])
def test_figures_compare_the_normal_forms(said: str) -> None:
    gold = format_calls([Call("play", (Argument("song", said),))])
    found = evaluate(Copies(), [Example(CURLY, gold)], latency_sample=1, progress=False)
    assert found.exact_match == 1.0 and found.slot_f1 == 1.0 and found["invalid_answers"] == 0
    before = evaluate(Copies(text=""), [Example(CURLY, gold)], latency_sample=1, progress=False)
    assert before.exact_match == 0.0


def test_a_report_counts_what_was_not_read_whole() -> None:
    rows = [Example("putar " + "la " * 60, "play(song=la)"), Example("putar la", "play(song=la)")]
    found = evaluate(Copies(), rows, latency_sample=1, progress=False)
    assert found["truncated"] == 1
