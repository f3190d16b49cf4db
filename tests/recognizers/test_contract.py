"""The contract: one value, one id, and nothing that can drift."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maksud.data.dataset import fold_turns
from maksud.errors import InputError, MaksudError, RunError
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.recognizers.calibration import fit_calibration
from maksud.recognizers.contract import Contract, Decoding
from maksud.recognizers.decision import Rule

CONTRACT = Contract(Catalog((Intent("play", parameters=(Parameter("song"),)),)))
RULE = Rule(wrong_cost=3, max_wrong=0.1, false_accept_rate=0.05)


def calibrated() -> Contract:
    features = [(float(k), 1.0) for k in range(40)]
    calibration = fit_calibration(features, [k > 15 for k in range(40)])
    return CONTRACT.calibrated(calibration, 0.4, RULE)


def test_the_default_prompt_is_the_guides() -> None:
    assert CONTRACT.render("halo") == (
        "<|im_start|>system\nAnda adalah ahli pengenalan maksud. Anda dapat mengenali maksud "
        "berdasarkan pertanyaan pengguna dan mengembalikan pemanggilan fungsi dan parameter yang "
        "sesuai.<|im_end|>\n<|im_start|>user\nhalo<|im_end|>\n<|im_start|>assistant\n"
    )


def test_other_templates_are_left_to_their_tokenizer() -> None:
    with pytest.raises(MaksudError):
        replace(CONTRACT, template="{{ messages }}").render("halo")


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    contract = calibrated()
    contract.save(tmp_path / "contract.json")
    again = Contract.load(tmp_path / "contract.json")
    assert again == contract and again.id == contract.id
    assert (again.threshold, again.false_accept_rate, again.rule) == (0.4, 0.05, RULE)


def test_the_id_sees_every_part() -> None:
    ids = {
        CONTRACT.id,
        calibrated().id,
        replace(CONTRACT, system_prompt="x").id,
        replace(CONTRACT, decoding=Decoding(max_new_tokens=1)).id,
        replace(CONTRACT, tokenizer="t").id,
        replace(CONTRACT, threshold=0.1).id,
        replace(CONTRACT, template="t").id,
        replace(CONTRACT, decoding=Decoding(constrained=False)).id,
        replace(CONTRACT, false_accept_rate=0.1).id,
        replace(CONTRACT, rule=Rule()).id,
        replace(CONTRACT, rule=Rule(wrong_cost=2)).id,
        replace(CONTRACT, fold="f").id,
        replace(CONTRACT, grammar="g").id,
        Contract(Catalog((Intent("stop"),))).id,
    }
    assert len(ids) == 14


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("system_prompt", "another", "changed after training"),
        ("threshold", 0.9, "changed after training"),
        ("grammar", "calls/9", "call grammar"),
        ("fold", "all-turns", "fold rule"),
        ("decoding", {"temperature": 1}, "is not a contract"),
        ("catalog", None, "expected a mapping"),
        ("rule", None, "is not a contract"),
        ("rule", {"wrong_costs": 1}, "is not a contract"),
        ("rule", {"wrong_cost": "much"}, "is not a contract"),
        ("rule", {"wrong_cost": -1}, "is not a contract .*wrong_cost is -1"),
        ("rule", {"max_wrong": 2}, "is not a contract .*max_wrong is 2"),
    ],
)
def test_a_changed_contract_refuses_to_load(
    tmp_path: Path, key: str, value: object, says: str
) -> None:
    file = tmp_path / "contract.json"
    CONTRACT.save(file)
    content = json.loads(file.read_text())
    content[key] = value
    file.write_text(json.dumps(content))
    with pytest.raises(MaksudError, match=says):
        Contract.load(file)


def test_a_contract_without_its_id_refuses_to_load(tmp_path: Path) -> None:
    file = tmp_path / "contract.json"
    CONTRACT.save(file)
    content = json.loads(file.read_text())
    del content["id"]
    file.write_text(json.dumps(content))
    with pytest.raises(RunError, match="id does not match"):
        Contract.load(file)


def test_no_contract_at_all(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no contract"):
        Contract.load(tmp_path / "contract.json")


def test_turns_fold_by_the_rule_of_the_data() -> None:
    assert CONTRACT.fold_turns(["Putar musik", "Hampa"]) == "Putar musik. Hampa"
    with pytest.raises(InputError, match="no user turn"):
        CONTRACT.fold_turns([" ", "\u200b"])


@given(
    st.lists(st.text("aé?.…\u2019\u201c ½ﬁ\t\n\u3000\u00a0", min_size=1), min_size=1, max_size=4)
)
def test_turns_are_read_as_rows_that_have_them(turns: list[str]) -> None:
    assume(any(turn.strip() for turn in turns))
    said = CONTRACT.fold_turns(turns)
    assert CONTRACT.read(said).text == CONTRACT.read(fold_turns(turns)).text


def test_turns_stay_as_they_were_said() -> None:
    turns = ["\u200bubah alamat?\u200f ", " Jl. Melati  5\n\u201cBandung\u201d\u200e"]
    assert CONTRACT.fold_turns(turns) == "ubah alamat? Jl. Melati  5\n\u201cBandung\u201d"
    before = replace(CONTRACT, text="")  # a run that knew no normal form: as rows are folded
    assert before.fold_turns(turns[1:]) == fold_turns(turns[1:]) != CONTRACT.fold_turns(turns[1:])


def test_the_id_is_the_hash_of_the_sorted_json_in_its_own_script() -> None:
    contract = replace(
        CONTRACT, system_prompt="Kenali maksud, s\u2019il vous pla\u00eet: \u610f\u56fe"
    )
    text = json.dumps(contract.to_json(), sort_keys=True, ensure_ascii=False)
    assert contract.id == "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def test_a_file_whose_keys_stand_in_another_order_is_the_same_contract(tmp_path: Path) -> None:
    contract = replace(calibrated(), system_prompt="Kenali maksud \u610f\u56fe")
    file = tmp_path / "contract.json"
    contract.save(file)
    text = file.read_text(encoding="utf-8")
    assert "\u610f\u56fe" in text and text.count("\n") > 10  # to be read by people too

    def turned(value: object) -> object:
        if isinstance(value, dict):
            return {k: turned(v) for k, v in reversed(value.items())}
        return value

    file.write_text(json.dumps(turned(json.loads(text))))
    assert Contract.load(file) == contract


@pytest.mark.parametrize("value", [None, 3, {}])
def test_a_contract_that_lacks_something_names_its_place(tmp_path: Path, value: object) -> None:
    for key in ("decoding", "threshold", "calibration", "fold", "tokenizer"):
        content = {k: v for k, v in calibrated().to_json().items() if k != key}
        with pytest.raises(RunError, match=rf"^here: is not a contract .*{key}"):
            Contract.from_json(content, "here")
    with pytest.raises(RunError, match="^contract: is not a contract"):
        Contract.from_json(value)
    file = tmp_path / "contract.json"
    file.write_text(json.dumps(value))
    with pytest.raises(RunError, match=rf"^{file}: is not a contract"):
        Contract.load(file)


def test_calibrating_changes_what_was_calibrated_and_nothing_else() -> None:
    found, calibration = calibrated(), fit_calibration([(float(k),) for k in range(9)], [True] * 9)
    again = found.calibrated(calibration, 0.7)
    assert again == replace(
        found, calibration=calibration, threshold=0.7, rule=None, false_accept_rate=None
    )
    assert again.calibration == calibration and found.calibration != calibration


def test_a_fault_of_the_catalog_inside_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "contract.json"
    CONTRACT.save(file)
    file.write_text(file.read_text().replace('"play"', '"two words"'))
    with pytest.raises(MaksudError, match="not a name"):
        Contract.load(file)
    content = {**CONTRACT.to_json(), "catalog": {"intents": 3}}
    with pytest.raises(MaksudError, match="^here: expected a mapping 'intents'"):
        Contract.from_json(content, "here")


def test_every_part_comes_back(tmp_path: Path) -> None:
    contract = replace(
        calibrated(),
        system_prompt="p",
        template="{{ t }}",
        decoding=Decoding(max_new_tokens=7, constrained=False),
        tokenizer="sha256:t",
    )
    assert Contract.from_json(json.loads(json.dumps(contract.to_json()))) == contract
    whole = Contract.from_json({**CONTRACT.to_json(), "threshold": 1})
    assert isinstance(whole.threshold, float) and whole.threshold == 1.0


def test_a_contract_of_before_there_were_rules_keeps_its_id(tmp_path: Path) -> None:
    old = Contract(Catalog((Intent("stop"),)), threshold=0.1235, false_accept_rate=0.05, text="")
    assert "rule" not in old.to_json()
    old.save(tmp_path / "contract.json")
    again = Contract.load(tmp_path / "contract.json")
    assert again.rule is None and again.id == old.id
    # As the version before wrote it.
    assert old.id == "sha256:eb16767d3285ae1901a8f1118a5b76a19700d6c603493f2d0af838e33cc42bf5"
    assert (again.threshold, again.false_accept_rate) == (0.1235, 0.05)


def test_a_rule_of_whole_numbers_gives_the_same_id() -> None:
    assert replace(CONTRACT, rule=Rule(3)).id == replace(CONTRACT, rule=Rule(3.0)).id
