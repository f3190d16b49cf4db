"""New intents at once, on a tiny encoder with random weights."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from joint_data import several, single
from tiny_encoder import write_tiny_encoder
from typer.testing import CliRunner

import maksud
from maksud.cli import app
from maksud.data.dataset import Dataset, Example
from maksud.errors import CatalogError, InputError, NotFoundError, RunError
from maksud.recognizers.contract import UNKNOWN_LANGUAGE
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.encoder.adding import Workshop, describe
from maksud.recognizers.encoder.recognizer import EncoderRecognizer
from maksud.recognizers.joint.answers import FEATURES
from maksud.recognizers.joint.tokens import tokenize
from maksud.recognizers.negation import Negation
from maksud.recognizers.new_intents import (
    add_intent,
    claims_on,
    list_added,
    remove_intent,
    rows_of,
    save_rows,
)
from maksud.recognizers.recognition import Recognizer
from maksud.recognizers.runs import Run

FROZEN = {"threads": 1, "views": 4, "batch_size": 16, "head_rate": 5e-3, "frame": 0.0,
          "depth": "frozen", "head_epochs": 20, "companions": 0}  # fmt: skip
FOOD = ["zat gizi sup mie", "sup mie dong", "mau zat gizi", "sup zat mie", "gizi mie sup"]
ASKED = ["mie sup zat", "gizi sup dong", "zat mie dong"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    base = write_tiny_encoder(tmp_path_factory.mktemp("base") / "tiny")
    none = [Example(t, "none()") for t in ("siapa presiden kita", "what is love", "aku lapar")]
    rows = [Example(e.instruction, e.output, split="train") for e in single(120) + several(40, 1)]
    rows += [Example(e.instruction, e.output, split="train") for e in none * 4]
    held = [Example(e.instruction, e.output, split="dev") for e in single(40, 7)]
    out = tmp_path_factory.mktemp("runs") / "tiny"
    return train(Dataset(rows + held), out=out, base=str(base), on_progress=False, **FROZEN)


@pytest.fixture(scope="module")
def more(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return add_intent(
        run, "order_food", describe="sup mie", examples=FOOD,
        parameters=["size:small|large", "count?:number", "city"],
        out=tmp_path_factory.mktemp("runs") / "more",
    )  # fmt: skip


def load(run: Run) -> EncoderRecognizer:
    made = load_recognizer(run)
    assert isinstance(made, EncoderRecognizer)
    return made


def test_the_new_intent_is_found_and_the_others_stay(run: Run, more: Run) -> None:
    before, after = load(run), load(more)
    answers = after.recognize(ASKED)
    assert [a.calls[0].intent for a in answers] == ["order_food"] * 3
    assert all(0 < a.confidence <= 1 for a in answers)
    old = maksud.evaluate(before, single(60, 9)).figures["exact_match"]
    assert maksud.evaluate(after, single(60, 9)).figures["exact_match"] >= old - 0.02
    for proposal in after.propose(ASKED):
        assert len(proposal.features) == len(FEATURES) and np.isfinite(proposal.features).all()


def test_it_composes_with_trained_ones(more: Run) -> None:
    first = {"lights off please": "lights_off", "keraskan suaranya": "volume_up",
             "turn it up please": "volume_up", "matikan lampu": "lights_off"}  # fmt: skip
    joins = (" lalu ", " and then ")
    texts = [(f"{wish}{join}{FOOD[1]}", name) for wish, name in first.items() for join in joins]
    answers = load(more).recognize([text for text, _ in texts])
    both = [
        {c.intent for c in answer.calls} == {name, "order_food"}
        for answer, (_, name) in zip(answers, texts, strict=True)
    ]
    assert sum(both) >= 6


def test_the_contract_is_new_and_the_rest_of_the_run_is_not(run: Run, more: Run) -> None:
    assert more.contract.id != run.contract.id
    assert more.contract.catalog.names == (*run.contract.catalog.names, "order_food")
    assert more.manifest["trained_as"] == run.contract.id
    assert [a["name"] for a in more.manifest["added"]] == ["order_food"]
    assert more.metrics == run.metrics and Run.open(run.path).contract == run.contract
    assert "order_food was added" in (more.path / "log.jsonl").read_text()
    kept = json.loads((run.path / "run.json").read_text())["files"]
    for name in ("model.safetensors", "joint.json", "encoder.onnx"):
        assert more.manifest["files"][name] == kept[name]


def test_values_by_their_form_and_by_trained_names(more: Run) -> None:
    recognizer = load(more)
    text = "sup Large dua di bandung"
    tokens, at = tokenize(text), recognizer.intents.index("order_food")
    city = 1 + recognizer.parameters.index("city")
    call = recognizer.write_call(text, tokens, at, [0, 0, 0, 0, city], [])
    assert {a.name: a.value for a in call.arguments} == {
        "size": "large", "count": "dua", "city": "bandung"
    }  # fmt: skip
    tags = recognizer.heads.intent_tag[at]
    assert tags[city] > -9 > tags[1 + recognizer.parameters.index("song")]
    missing = [m.parameter for m in recognizer("mie sup zat").missing]
    assert "size" in missing and "count" not in missing


def test_a_second_one_stands_beside_the_first(more: Run, tmp_path: Path) -> None:
    both = add_intent(more, "buy_hat", examples=["qq vv xx", "vv qq jj"], out=tmp_path / "both")
    recognizer = load(both)
    assert recognizer("sup mie zat").calls[0].intent == "order_food"
    assert recognizer("vv xx qq").calls[0].intent == "buy_hat"
    assert [i.name for i in list_added(both)] == ["order_food", "buy_hat"]
    assert all(0 <= i.found <= 1 and 0 <= i.taken <= 1 for i in list_added(both))


def test_an_example_that_is_something_else_already_is_told(run: Run, tmp_path: Path) -> None:
    taken, other, foreign = "turn it up please", "lights off please", "включи свет"
    texts = [taken, other, foreign]
    accepted = [a.accepted for a in load(run).recognize(texts)]
    assert accepted == [True, True, False]
    typed = ["intent", "add", str(run.path), "dance", "--example", taken]
    done = CliRunner().invoke(
        app, [*typed, "--example", foreign, "--example", other, "--out", str(tmp_path / "a")]
    )
    lines = done.output.splitlines()
    warned = [line for line in lines if line.startswith("Warning: ")]
    assert len(warned) == 2 and f"{taken!r} as volume_up (" in warned[0]
    assert f"{other!r} as lights_off (" in warned[1]
    assert f"'{foreign}'" in next(line for line in lines if line.startswith("Next: "))
    (claim, _) = claims_on(Run.open(tmp_path / "a"), "dance")
    assert (claim["example"], claim["intents"]) == (taken, ["volume_up"])

    done = CliRunner().invoke(app, [*typed, "--out", str(tmp_path / "b"), "--json"])
    assert json.loads(done.stdout)["claimed"] == [claim]
    done = CliRunner().invoke(app, [*typed, "--out", str(tmp_path / "c")])
    assert "maksud recognize" not in done.output and "Next: maksud intent rows" in done.output


def test_what_is_removed_is_as_if_it_had_never_been(run: Run, more: Run, tmp_path: Path) -> None:
    less = remove_intent(more, "order_food", out=tmp_path / "less")
    assert less.contract.id == run.contract.id and not list_added(less)
    texts = [*ASKED, *(e.instruction for e in single(8, 3))]
    assert load(less).propose(texts) == load(run).propose(texts)
    with pytest.raises(NotFoundError, match="trained, not added"):
        remove_intent(more, "lights_off", out=tmp_path / "no")
    with pytest.raises(NotFoundError, match=r"never.*added.*order_food"):
        remove_intent(more, "order_fod", out=tmp_path / "no")


def test_what_is_removed_leaves_no_reading_behind(run: Run, tmp_path: Path) -> None:
    """Scripts and words that its examples alone made known go with it; those of others stay."""
    one = add_intent(run, "lamps", examples=["mana", "дождь"], out=tmp_path / "one")
    two = add_intent(one, "soup", examples=["ซุป"], out=tmp_path / "two")
    assert "mana" in two.contract.small.meant and "CYRILLIC" in two.contract.scripts
    left = remove_intent(two, "lamps", out=tmp_path / "left")
    direct = add_intent(run, "soup", examples=["ซุป"], out=tmp_path / "direct")
    assert left.contract.id == direct.contract.id and "THAI" in left.contract.scripts
    none = remove_intent(left, "soup", out=tmp_path / "none")
    assert none.contract.id == run.contract.id
    assert "trained_reading" in left.manifest and "trained_reading" not in none.manifest


def test_allowed_intents_hold_for_new_ones(more: Run) -> None:
    recognizer = load(more)
    only = recognizer.recognize([ASKED[0]] * 4, [{"order_food"}, {"lights_off"}, {"none"}, None])
    names = [a.calls[0].intent for a in only]
    assert names[0] == names[3] == "order_food" and names[1] in ("lights_off", "none")
    assert "order_food" not in names[1:3]
    without = recognizer.propose_without([ASKED[0]], [{"order_food"}])
    assert "order_food" not in [c.intent for c in without[0].calls]


def test_refusing_words_refuse_the_new_intent_too(
    more: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = load(more)
    vectors = recognizer.embed([ASKED[0]])
    scores = np.zeros((1, recognizer.trained), np.float32)
    at = recognizer.intents.index("order_food")
    said = [ASKED[0].split()]
    plain = recognizer.judge_intents(scores, said, vectors=vectors)[0][0, at]
    monkeypatch.setattr(recognizer, "negation", Negation(["id"], ["putar"], ()))
    refused = [["jangan", *said[0]]]
    assert recognizer.judge_intents(scores, said, vectors=vectors)[0][0, at] == plain
    lp = recognizer.judge_intents(scores, refused, vectors=vectors)[0][0]
    assert lp[at] < plain - 5 and lp.argmax() == recognizer.none and lp[recognizer.none] > -0.1
    # What the new intent loses none() gains: nothing else is made likelier.
    monkeypatch.setattr(recognizer, "negation", None)
    before = recognizer.judge_intents(scores, refused, vectors=vectors)[0][0]
    assert np.exp(lp).sum() == pytest.approx(np.exp(before).sum(), abs=1e-3)
    monkeypatch.setattr(recognizer, "negation", Negation(["id"], ["putar"], ()))
    # Who gives an example that is worded so means it.
    recognizer.extra.__dict__["examples"] = (("jangan", said[0][0], "ya"),)
    assert recognizer.judge_intents(scores, refused, vectors=vectors)[0][0, at] == plain


def test_probabilities_are_such(more: Run) -> None:
    recognizer = load(more)
    texts = [*ASKED, "putar lagu hampa", "entah"]
    scores = np.random.default_rng(0).normal(size=(5, recognizer.trained)).astype("f4")
    said = [t.split() for t in texts]
    lp, *_ = recognizer.judge_intents(scores, said, vectors=recognizer.embed(texts))
    assert lp.shape == (5, recognizer.trained + 1)
    inside = np.exp(lp[:, [i for i in range(lp.shape[1]) if i != recognizer.none]]).sum(1)
    assert (inside <= 1.3).all()


def test_rows_for_the_next_training(more: Run, tmp_path: Path) -> None:
    rows = rows_of(more)
    assert [e.instruction for e in rows] == FOOD
    assert {e.output for e in rows} == {"order_food()"}
    out = tmp_path / "rows.json"
    done = CliRunner().invoke(app, ["intent", "rows", str(more.path), "--out", str(out)])
    assert done.exit_code == 0 and len(maksud.load(out)) == len(FOOD)
    for place in (out, tmp_path):
        with pytest.raises(InputError, match="exists already"):
            save_rows(rows, place)
    save_rows(rows[:1], out, overwrite=True)
    assert len(maksud.load(out)) == 1
    with pytest.raises(InputError, match="is in a run"):
        save_rows(rows, more.path / "rows.json")


def test_scripts_of_examples_are_read(run: Run, tmp_path: Path) -> None:
    assert "THAI" not in run.contract.scripts
    made = add_intent(run, "thai", examples=["สวัสดีครับ"], out=tmp_path / "thai")
    assert "THAI" in made.contract.scripts and not load(made)("สวัสดี").reason


def test_languages_of_examples_are_answered(run: Run, tmp_path: Path) -> None:
    said = "est-ce que je peux réserver une table pour deux dans le restaurant"
    assert load(run)(said).reason == UNKNOWN_LANGUAGE
    made = add_intent(run, "book", examples=["je veux une table"], out=tmp_path / "book")
    assert not load(made)(said).reason
    assert load(made)("quiero una mesa para dos personas en el centro").reason == UNKNOWN_LANGUAGE


def test_a_run_that_can_only_be_read_stays_so(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "kept"
    shutil.copytree(run.path, place)
    for file in place.iterdir():
        file.chmod(0o440)
    made = add_intent(place, "bare", describe="zat gizi", out=tmp_path / "more")
    assert {file.stat().st_mode & 0o777 for file in place.iterdir()} == {0o440}
    assert load(made)("putar lagu hampa").text


def test_a_text_alone_is_one_example_or_parameter(run: Run, tmp_path: Path) -> None:
    made = add_intent(run, "one", examples="supmie", parameters="size:s|m|s", out=tmp_path / "o")
    assert list_added(made)[0].examples == ("supmie",)
    (parameter,) = made.contract.catalog.get("one").parameters  # type: ignore[union-attr]
    assert parameter.name == "size" and parameter.values == ("s", "m")


def test_a_run_that_was_replaced_meanwhile_is_not_mixed_with_the_new_one(
    run: Run, more: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands on one run, each of which is to replace it: neither is lost without a word."""
    place = tmp_path / "run"
    shutil.copytree(run.path, place)
    opened = load_recognizer

    def replaced_before(run: Run) -> Recognizer:
        shutil.rmtree(place)
        shutil.copytree(more.path, place)
        return opened(run.path)

    monkeypatch.setattr("maksud.recognizers.new_intents.load_recognizer", replaced_before)
    with pytest.raises(RunError, match="was replaced while"):
        add_intent(place, "late", describe="x", out=place, overwrite=True)
    monkeypatch.undo()
    assert [i.name for i in list_added(place)] == ["order_food"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_description_alone_does(run: Run, tmp_path: Path) -> None:
    made = add_intent(run, "bare", describe="zat gizi", out=tmp_path / "bare")
    assert list_added(made)[0].examples == () and load(made)("putar lagu hampa").text


def test_names_become_words() -> None:
    assert describe("bookTable_now", " reserve ") == ["book table now", "reserve"]
    assert describe("x", "") == ["x"]


def test_what_can_not_be_added(run: Run, more: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name, given, error, match in (
        ("lights_off", {"describe": "x"}, InputError, "already"),
        ("order_food", {"describe": "x"}, InputError, r"already.*order_food"),
        ("Lights-OFF", {"describe": "x"}, InputError, "'lights_off'.*in another spelling"),
        ("fresh", {}, InputError, "only a name"),
        ("fresh", {"examples": ["  ...  "]}, InputError, "says nothing"),
        ("fresh", {"examples": ["x " * 600]}, InputError, "longer than 512"),
        ("fresh", {"examples": [f"a{k}" for k in range(51)]}, InputError, "51 examples"),
        ("fresh", {"describe": "x", "parameters": ["n:numbr"]}, InputError, "no known type"),
        ("fresh", {"describe": "x", "parameters": [":number"]}, InputError, "can't be read"),
        ("no name", {"describe": "x"}, CatalogError, "not a name"),
        ("none", {"describe": "x"}, CatalogError, "always there"),
    ):
        with pytest.raises(error, match=match):
            add_intent(more, name, out=out, **given)  # type: ignore[arg-type]
        assert not out.exists()
    with pytest.raises(RunError, match="exists already"):
        add_intent(run, "fresh", describe="x", out=more.path)


def test_another_kind_says_what_to_train(small_data: Dataset, tmp_path: Path) -> None:
    other = train(
        small_data, out=tmp_path / "compact", base="compact", on_progress=False,
        members=1, epochs=1, folds=0,
    )  # fmt: skip
    with pytest.raises(InputError, match="--base e5-small") as caught:
        add_intent(other, "fresh", describe="x", out=tmp_path / "out")
    assert "compact" in str(caught.value) and list_added(other) == []


def test_too_few_intents_say_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = load(run)
    begin = recognizer.near.begin
    monkeypatch.setattr(recognizer.near, "begin", [min(b, 1) for b in begin])
    with pytest.raises(RunError, match="at least 3"):
        Workshop(recognizer)


def test_two_examples_of_each_intent_are_too_few_as_well(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = load(run)
    begin = recognizer.near.begin
    few = np.cumsum([0, *(min(2, b - a) for a, b in zip(begin, begin[1:], strict=False))])
    monkeypatch.setattr(recognizer.near, "begin", few.tolist())
    with pytest.raises(RunError, match="more of some"):
        Workshop(recognizer).odds(1)


def test_files_that_do_not_fit_are_refused(more: Run, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(str(more.path / "added.safetensors"))
    about = json.loads((more.path / "added.json").read_text())
    narrow = {**tensors, "new.sums": tensors["new.sums"][:, :3].copy()}
    beyond = {**tensors, "trained.places": tensors["trained.places"] + 90}
    flat = {**tensors, "trained.variance": tensors["trained.variance"] * 0}
    odd = {**about["intents"][0], "odds": {**about["intents"][0]["odds"], "bias": float("inf")}}
    for k, (weights, content) in enumerate((
        (narrow, about), (beyond, about), (flat, about), (tensors, {**about, "intents": []}),
        (tensors, {**about, "intents": [odd]}), (tensors, {**about, "format": "maksud-added/9"}),
        (tensors, []),
    )):  # fmt: skip
        place = tmp_path / str(k)
        shutil.copytree(more.path, place)
        save_file(weights, str(place / "added.safetensors"))
        (place / "added.json").write_text(json.dumps(content))
        with pytest.raises(RunError, match="were added can't be read"):
            EncoderRecognizer.load(place, more.contract, "x")


def test_the_commands(run: Run, tmp_path: Path) -> None:
    runner, out = CliRunner(), str(tmp_path / "more")
    one = ["intent", "add", str(run.path), "x", "--out", str(tmp_path / "one"), "--example", "sup"]
    assert "x is known by 1 example. " in runner.invoke(app, one).output
    add = ["intent", "add", str(run.path), "order_food", "--describe", "sup mie", "--example",
           FOOD[0], "--example", FOOD[1], "--parameter", "size:big|small",
           "--out", out]  # fmt: skip
    done = runner.invoke(app, [*add, "--json"])
    assert done.exit_code == 0, done.output
    about = json.loads(done.stdout)
    assert about["intent"] == "order_food" and about["examples"] == 2 and 0 <= about["taken"] <= 1
    assert runner.invoke(app, add).exit_code != 0  # it stands
    again = runner.invoke(app, [*add, "--force"])
    assert again.exit_code == 0 and "order_food is known by 2 examples" in again.output
    listed = json.loads(runner.invoke(app, ["intent", "list", out, "--json"]).stdout)
    assert [i["name"] for i in listed if i["added"]] == ["order_food"]
    assert "2 examples" in runner.invoke(app, ["intent", "list", out]).output
    shown = json.loads(runner.invoke(app, ["intent", "rows", out]).stdout)
    assert [e["instruction"] for e in shown] == FOOD[:2]
    less = str(tmp_path / "less")
    gone = runner.invoke(app, ["intent", "remove", out, "order_food", "--out", less, "--json"])
    assert gone.exit_code == 0 and "order_food" not in json.loads(gone.stdout)["intents"]
