"""`auto`: which base and settings, from the data, its languages, the machine and a budget.

Facts in, a choice with its reasons out: `choose` is a function of `Facts` alone. The rules stand on
what was measured (`docs/train.md` has the table). A language model is never chosen: the sizes that
win want a GPU and gigabytes, the small one is slower than an encoder and right less often. Nothing
with terms to be accepted is ever fetched.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from maksud.data.dataset import Dataset, Example
from maksud.data.findings import format_count
from maksud.errors import CallSyntaxError, SettingsError
from maksud.language.calls import NONE, Call
from maksud.language.languages import language_of, main_languages
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.encoder.companions import compact_settings
from maksud.recognizers.encoder.settings import EncoderSettings
from maksud.recognizers.kinds import find_kind
from maksud.recognizers.threads import core_count
from maksud.settings import change_settings, find_setting

AUTO = "auto"
COMPACT, ENCODER = "compact", "e5-small"
KINDS = {"compact": COMPACT, "encoder": ENCODER}
"""The kinds that are chosen among, and the base that each is then trained from."""
MINUTES = 10.0
"""The budget where none is given."""

PLENTY = 150
"""Examples an intent, in each language, from which an encoder is a little better, not much."""
_TUNED = 20.0
"""Rows a second and core, while all of an encoder is tuned, on a CPU without bfloat16."""
_SPEED_OF_BFLOAT16 = 2.0
"""How much faster it is tuned where the CPU multiplies bfloat16 (measured: 2.3 on a core, 2.0 on
two)."""
_LAYERS = 12
"""Of the encoder; one that is not tuned takes a third of the time."""
_READ = 80.0
"""Rows a second and core that an encoder reads once."""
_LEARNT = 3_000.0
"""Rows a second and core that one compact network learns from."""
_START = 40.0
"""Seconds that an encoder takes whatever the data: loading, writing the graph, its heads."""
_FETCH = 90.0
"""Seconds for the encoder's wheel, which is then converted."""
_SPEED_OF_GPU = 10.0
"""How much faster than a core a GPU is taken to be: not measured, and set low."""
_LOOKED_AT = 400
"""Texts whose language is told."""


@dataclass(frozen=True)
class Facts:
    """All that a choice depends on.

    `rows`: examples to learn from, of so many `intents`; `asking`: those that ask for one, None
    where all do; `held_out`: those to calibrate on.
    `encoder`: whether its weights are `here`, can be `fetched`, or `neither`; `missing`: what
    training it needs and is not installed, in words. `bfloat16`: whether this machine tunes in it
    where nothing else is asked for. `minutes`: the budget.
    """

    rows: int
    intents: int
    asking: int | None = None
    held_out: int = 0
    languages: tuple[str, ...] = ()
    encoder: Literal["here", "fetched", "neither"] = "neither"
    missing: str = ""
    gpu: bool = False
    bfloat16: bool = False
    cores: int = 1
    minutes: float = MINUTES

    @property
    def each(self) -> float:
        """Examples an intent, in each of the languages: `none()` is no intent."""
        asking = self.rows if self.asking is None else self.asking
        return asking / max(1, self.intents) / max(1, len(self.languages))


@dataclass(frozen=True)
class Choice:
    """A base with settings of its kind, and why in two lines."""

    base: str
    settings: dict[str, Any]
    why: tuple[str, str]
    facts: Facts

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping: what the run's record and `--json` show."""
        return {**asdict(self), "why": list(self.why)}


@dataclass(frozen=True)
class Undecided:
    """Settings that are for whatever kind `auto` chooses, when the data are known."""

    given: dict[str, Any] = field(default_factory=dict)


def choose(facts: Facts, given: Mapping[str, Any] | None = None) -> Choice:
    """The base and the settings for such data on such a machine; the same for the same facts.

    `given`: settings that a person chose, which every kind has; each counts in what is expected.
    """
    given = given or {}
    budget = 60 * facts.minutes
    full = encoder_seconds(facts, change_settings(EncoderSettings(), given))
    frozen = _not_tuned(given)
    how_many = f"{facts.each:.0f} examples an intent" + (
        " and language" if len(facts.languages) > 1 else ""
    )
    if facts.missing:
        return _compact(facts, given, f"{facts.missing}, so no encoder can be trained here")
    if facts.encoder == "neither":
        return _compact(
            facts, given,
            f"the encoder {ENCODER} is not on this machine and can't be fetched now; with "
            f"{how_many} it would be "
            + ("the better choice" if facts.each < PLENTY else "right a little more often"),
        )  # fmt: skip
    if full <= budget:
        reason = f"with {how_many} a pretrained encoder knows words that the data does not hold"
        if facts.each >= PLENTY:
            reason = (
                f"with {how_many} a tuned encoder is right a little more often, and there is time"
            )
        return _encoder(facts, {}, reason, full)
    if frozen and (seconds := encoder_seconds(facts, frozen)) <= budget:
        reason = (
            f"with {how_many} a pretrained encoder beside compact networks is better than they "
            f"alone, even where it is not tuned, which would take about {_time(full)}"
        )
        return _encoder(facts, {"depth": "frozen"}, reason, seconds)
    reason = "an encoder would take more than the budget, tuned or not"
    return _compact(facts, given, reason)


def _not_tuned(given: Mapping[str, Any]) -> EncoderSettings | None:
    """The settings of an encoder that is not tuned; None where others were given."""
    try:
        return change_settings(EncoderSettings(depth="frozen"), given)
    except SettingsError:
        return None


def encoder_seconds(facts: Facts, settings: EncoderSettings) -> float:
    """About how long an encoder trains, in seconds, with its calibration."""
    s = settings.resolved(max(1, facts.rows), max(1, facts.intents))
    read = (facts.rows * s.views + 2 * facts.held_out) / _READ
    share = 1 - 2 / 3 * min(s.frozen_layers, _LAYERS) / _LAYERS
    tuned = facts.rows * s.epochs * share / _TUNED / _speed(facts, s.precision)
    beside = compact_settings(s).resolved(max(1, facts.rows), max(1, facts.intents))
    learnt = facts.rows * beside.epochs * s.companions / _LEARNT
    fetch = 0.0 if facts.encoder == "here" else _FETCH
    return fetch + _START + read + tuned + learnt


def compact_seconds(facts: Facts, settings: CompactSettings, members: int) -> float:
    """About how long so many compact networks train, in seconds, those for calibration too."""
    s = settings.resolved(max(1, facts.rows), max(1, facts.intents))
    trainings = 4 if facts.held_out < 200 else 1
    return 5 + trainings * facts.rows * s.epochs * members / _LEARNT


def _compact(facts: Facts, given: Mapping[str, Any], reason: str) -> Choice:
    own = change_settings(CompactSettings(), given)
    whole = own.resolved(max(1, facts.rows), max(1, facts.intents)).members
    members = whole
    while members > 1 and compact_seconds(facts, own, members) > 60 * facts.minutes:
        members -= 1
    changed = {} if members == whole else {"members": members}
    seconds = compact_seconds(facts, own, members)
    note = f"; a committee of {members} for {whole}, to keep to the budget" if changed else ""
    why = (f"{COMPACT} chosen: {reason}", _machine(facts, seconds) + note)
    return Choice(COMPACT, changed, why, facts)


def _encoder(facts: Facts, changed: dict[str, Any], reason: str, seconds: float) -> Choice:
    depth = ", not tuned" if changed else ", tuned"
    where = "its weights are here" if facts.encoder == "here" else "91 MB (MIT) are fetched first"
    why = (f"{ENCODER}{depth} chosen: {reason}", f"{_machine(facts, seconds)}; {where}")
    return Choice(ENCODER, changed, why, facts)


def _machine(facts: Facts, seconds: float) -> str:
    cores = format_count(facts.cores, "core") + (" and a GPU" if facts.gpu else ", no GPU")
    rows = f"{format_count(facts.rows, 'example')} of {format_count(facts.intents, 'intent')}"
    within = " of" if seconds <= 60 * facts.minutes else ", more than"
    return (
        f"{rows}, {' and '.join(facts.languages) or 'language not told'}; {cores}: about "
        f"{_time(seconds)}{within} the {facts.minutes:g} minutes (another: --base, --minutes)"
    )


def _speed(facts: Facts, precision: str) -> float:
    """How many times as fast as one core in full precision an encoder is tuned."""
    if facts.gpu:
        return _SPEED_OF_GPU
    fast = facts.bfloat16 and precision != "float32"
    cores: float = min(2.0, facts.cores) ** 0.6
    return cores * (_SPEED_OF_BFLOAT16 if fast else 1.0)


def _time(seconds: float) -> str:
    if seconds < 45:
        return f"{10 * math.ceil(seconds / 10)} seconds"
    minutes = seconds / 60
    return "a minute" if minutes < 1.5 else f"{minutes:,.0f} minutes"


# ---------------------------------------------------------------- the facts


def gather_facts(data: Dataset, *, per_intent: int = 0, minutes: float = 0.0) -> Facts:
    """What a choice depends on, of this data and this machine.

    Where the encoder is not here, the package index is asked whether it has it: nothing is
    fetched. `per_intent`, `minutes`: as in `TrainSettings`.
    """
    labelled = [e for e in data if e.is_labelled]
    shown = [e for e in labelled if e.split in ("train", "")] or labelled
    dev = [e for e in labelled if e.split == "dev"]
    intents = {c.intent for e in shown for c in _calls(e) if c != NONE}
    rows, held_out = len(shown), len(dev)
    refused = sum(NONE in _calls(e) for e in shown)
    if not dev and rows >= 10:
        held_out = rows // 10
        refused -= refused * held_out // rows
        rows -= held_out
    asking = rows - refused
    if per_intent:
        rows = min(rows, per_intent * max(1, len(intents)))
        asking = min(asking, rows)
    step = max(1, len(shown) // _LOOKED_AT)
    languages = main_languages(language_of(e.instruction) for e in shown[::step])
    missing = missing_for_encoder()
    return Facts(
        rows=rows,
        intents=len(intents),
        asking=asking,
        held_out=held_out,
        languages=tuple(languages),
        encoder="neither" if missing else _where_encoder(),
        missing=missing,
        gpu=not missing and has_gpu(),
        bfloat16=not missing and has_bfloat16(),
        cores=core_count(),
        minutes=minutes or MINUTES,
    )


def _calls(example: Example) -> tuple[Call, ...]:
    """The calls of an example; none where its answer can't be read, which training refuses."""
    try:
        return example.calls
    except CallSyntaxError:
        return ()


def missing_for_encoder() -> str:
    """What training an encoder needs and is not installed, in words; empty where all is there."""
    try:
        find_kind("encoder").prepare(EncoderSettings())
    except SettingsError as error:
        return f"{error.message} ({error.hint})"
    return ""


def has_gpu() -> bool:
    """Whether torch has a GPU to compute on."""
    import torch

    return bool(torch.cuda.is_available())


def has_bfloat16() -> bool:
    """Whether an encoder is tuned in bfloat16 on this CPU, unless something else is asked for."""
    import torch

    from maksud.recognizers.language_model.precision import choose_precision

    return bool(choose_precision("auto", torch.device("cpu")) == torch.bfloat16)


def _where_encoder() -> Literal["here", "fetched", "neither"]:
    from maksud.recognizers.encoder.wheel import E5_SMALL
    from maksud.recognizers.language_model.fetching import is_offered
    from maksud.recognizers.language_model.gallery import list_models

    if any(e.present for e in list_models() if e.id == ENCODER):
        return "here"
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return "neither"  # who asks no hub asks no package index either
    return "fetched" if is_offered(E5_SMALL) else "neither"


def kinds_to_show(own: Any) -> list[Any]:
    """The settings of a kind; where `auto` has not decided, those of each kind it may choose."""
    if not isinstance(own, Undecided):
        return [own]
    return [change_settings(find_kind(name).settings(), own.given) for name in KINDS]


def kinds_that_know(names: Iterable[str]) -> list[str]:
    """Those of the kinds to choose among that have all these settings."""
    wanted = list(names)
    return [
        name
        for name in KINDS
        if all(find_setting(find_kind(name).settings, key) is not None for key in wanted)
    ]
