"""The contract: the one value that training, evaluation, labelling and serving all read.

System prompt, chat template, catalog, call grammar, normal form of text, decoding, rule for
folding conversations, calibration and threshold, tokenizer fingerprint: with one id (a hash over
all of them). A run carries its contract, and a model whose contract does not match refuses to
load. Without it the prompt that a model was trained on drifts from the one that it is served
with, the most frequent failure of tuned language models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from maksud.data.dataset import fold_turns, join_turns
from maksud.errors import InputError, MaksudError, RunError
from maksud.language.calls import Call
from maksud.language.catalog import Catalog
from maksud.language.catalog_files import catalog_from_json, catalog_to_json
from maksud.language.languages import Familiar
from maksud.language.small_words import SmallWords
from maksud.language.text import (
    SIGNS,
    TEXT_FORM,
    NormalText,
    normalise_text,
    says_something,
    scripts_of,
)
from maksud.language.values import normalise_values
from maksud.recognizers.calibration import Calibration
from maksud.recognizers.decision import Rule
from maksud.storage import write_file

GRAMMAR = "calls/1"
FOLD_OPEN_TURNS = "open-turns/1"
"""Rule for conversations: what is still open is read with the last turn (`conversation`)."""
FOLD_USER_TURNS = "user-turns/1"
"""The rule of runs made before: all that the person said is read as one utterance."""

NOTHING_SAID = "nothing said"
"""Why an utterance is out of scope: it has no letter and no digit."""
UNKNOWN_SCRIPT = "script"
"""Why an utterance is out of scope: its letters are of scripts that training never saw."""
UNKNOWN_LANGUAGE = "language"
"""Why an utterance is out of scope: it is surely in a language that training never saw."""
ONLY_SMALL_WORDS = "small words"
"""Why an utterance is out of scope: it has nothing but small words, and no training row is so."""
VALUES_ALONE = "values alone"
"""Why an answer is none(): the utterance has nothing but values, and no training row asks so for
the intent that the model takes them for."""
ONE_WORD = "one word"
"""Why an answer is none(): the utterance is a word that training rows of many intents have."""

SYSTEM_PROMPT = (
    "Anda adalah ahli pengenalan maksud. Anda dapat mengenali maksud berdasarkan pertanyaan "
    "pengguna dan mengembalikan pemanggilan fungsi dan parameter yang sesuai."
)
"""Default system prompt: the one of the guide's evaluation script."""

CHATML = "chatml"
"""Template name: `<|im_start|>role\\ncontent<|im_end|>\\n`, as the guide's script writes it."""


@dataclass(frozen=True)
class Decoding:
    """How a language model writes its answer. Deterministic: there is no sampling."""

    max_new_tokens: int = 96
    """Longest answer, in tokens."""
    constrained: bool = True
    """Whether only answers that the catalog allows can be written."""


@dataclass(frozen=True)
class Contract:
    """See the module. `template` and `tokenizer` are empty for joint models, which have none."""

    catalog: Catalog
    system_prompt: str = SYSTEM_PROMPT
    template: str = CHATML
    decoding: Decoding = field(default_factory=Decoding)
    fold: str = FOLD_OPEN_TURNS
    grammar: str = GRAMMAR
    calibration: Calibration | None = None
    threshold: float = 0.0
    scope: Calibration | None = None
    """From the same evidence as `calibration` to the probability of being in scope; None where
    nothing was held out that is not, and in runs of before."""
    rule: Rule | None = None
    """What the threshold was decided by; None in runs of before, which knew a rate only."""
    false_accept_rate: float | None = None
    """The rule's bound, or what the threshold of a run of before was chosen for."""
    tokenizer: str = ""
    text: str = TEXT_FORM
    """The normal form in which utterances are read; "" in runs made before: as they are."""
    scripts: tuple[str, ...] = ()
    """The scripts of the training data, in order; () where that is not known."""
    familiar: Familiar = Familiar()
    """The languages and usual words of the training data; without any, all are answered."""
    small: SmallWords = SmallWords()
    """Which words ask for nothing alone; of no language in runs of before."""

    @property
    def id(self) -> str:
        """`sha256:…` over the canonical JSON of everything above."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def fold_turns(self, turns: Sequence[str]) -> str:
        """The user's turns of a conversation as one utterance: see `dataset.fold_turns`.

        Each stays as it was said, from the first sign that is read to the last: values that are
        copied from it do, too.
        """
        if not self.text:
            return fold_turns(turns)
        return join_turns(
            [read.said(0, len(read.text)) for t in turns if (read := self.read(t)).text]
        )

    def read(self, utterance: str) -> NormalText:
        """The utterance in the form that models read, with the way back to what was said."""
        return normalise_text(utterance) if self.text else NormalText(utterance, utterance)

    def read_calls(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """Calls with values in the form that models read, so that two answers can be compared."""
        return normalise_values(calls, self.catalog) if self.text else tuple(calls)

    def reason_outside(self, text: str) -> str:
        """Why a text, in the form that `read` gives, can't be in scope; "" where it may be."""
        if not self.text:
            return ""
        if not says_something(text):
            return "" if SIGNS in self.scripts else NOTHING_SAID
        if self.scripts:
            found = scripts_of(text)
            if found and found.isdisjoint(self.scripts):
                return UNKNOWN_SCRIPT
        if self.small.are_all(text):
            return ONLY_SMALL_WORDS
        return UNKNOWN_LANGUAGE if self.familiar.foreign_language(text) else ""

    def reason_against(self, text: str, calls: Sequence[Call]) -> str:
        """Why an answer with named arguments can't be what a text asks for, however sure a model
        is of it; "" where it may be. The text is in the form that `read` gives."""
        if self.small.is_bare(text, calls):
            return VALUES_ALONE
        return ONE_WORD if self.small.is_ambiguous(text, calls) else ""

    def render(self, utterance: str) -> str:
        """The prompt's text for an utterance under the ChatML template.

        Raises `MaksudError` for other templates: those are rendered by the tokenizer.
        """
        if self.template != CHATML:
            raise MaksudError(f"template {self.template[:20]!r} is rendered by its tokenizer")
        return (
            f"<|im_start|>system\n{self.system_prompt}<|im_end|>\n"
            f"<|im_start|>user\n{utterance}<|im_end|>\n<|im_start|>assistant\n"
        )

    def calibrated(
        self,
        calibration: Calibration,
        threshold: float,
        rule: Rule | None = None,
        scope: Calibration | None = None,
    ) -> Contract:
        """The same contract with calibration, threshold, and the rule that decided it."""
        rate = rule.false_accept_rate if rule else 0.0
        return replace(
            self,
            calibration=calibration,
            threshold=threshold,
            rule=rule,
            scope=scope,
            false_accept_rate=rate or None,
        )

    def refusing_like(self, other: Contract) -> Contract:
        """The same contract with what another refuses whatever a model says: it knows the same
        training rows."""
        return replace(self, scripts=other.scripts, familiar=other.familiar, small=other.small)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping; `from_json` reads it back."""
        # What older runs do not have is left out, so that their ids stay.
        added = {
            "rule": asdict(self.rule) if self.rule else None,
            "scope": self.scope.to_json() if self.scope else None,
            "text": self.text,
            "scripts": list(self.scripts),
            "familiar": asdict(self.familiar) if self.familiar.languages else None,
            "small": self.small.to_json(),
        }
        return {
            "grammar": self.grammar,
            "system_prompt": self.system_prompt,
            "template": self.template,
            "fold": self.fold,
            "decoding": asdict(self.decoding),
            "tokenizer": self.tokenizer,
            "threshold": self.threshold,
            "false_accept_rate": self.false_accept_rate,
            "calibration": self.calibration.to_json() if self.calibration else None,
            "catalog": catalog_to_json(self.catalog),
            **{key: value for key, value in added.items() if value},
        }

    @classmethod
    def from_json(cls, content: Any, where: str = "contract") -> Contract:
        """A contract from `to_json`. Raises `RunError` where it is of another kind."""
        try:
            if content["grammar"] != GRAMMAR:
                raise RunError(
                    f"call grammar {content['grammar']!r}, this version reads {GRAMMAR!r}",
                    where=where,
                    hint="Train the run again, or use the version that made it",
                )
            if content["fold"] not in (FOLD_OPEN_TURNS, FOLD_USER_TURNS):
                raise RunError(f"unknown fold rule {content['fold']!r}", where=where)
            text = content.get("text", "")
            if text not in ("", TEXT_FORM):
                raise RunError(
                    f"normal form of text {text!r}, this version has {TEXT_FORM!r}",
                    where=where,
                    hint="Train the run again, or use the version that made it",
                )
            calibration = content["calibration"]
            return cls(
                catalog=catalog_from_json(content["catalog"], where),
                system_prompt=content["system_prompt"],
                template=content["template"],
                decoding=Decoding(**content["decoding"]),
                fold=content["fold"],
                calibration=Calibration.from_json(calibration) if calibration else None,
                threshold=float(content["threshold"]),
                rule=_read_rule(content["rule"]) if "rule" in content else None,
                scope=Calibration.from_json(content["scope"]) if "scope" in content else None,
                false_accept_rate=content["false_accept_rate"],
                tokenizer=content["tokenizer"],
                text=text,
                scripts=tuple(map(str, content.get("scripts", ()))),
                familiar=Familiar(**_read_words(content.get("familiar", {}))),
                small=SmallWords(**_read_words(content.get("small", {}))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"is not a contract ({error!r})", where=where) from error

    def save(self, path: str | Path) -> None:
        """Writes the contract, with its id, as JSON."""
        content = {"id": self.id, **self.to_json()}
        write_file(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Contract:
        """The contract in a file. Raises `RunError` where content and id disagree."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            contract = cls.from_json(content, str(path))
            found = contract.id
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"no contract can be read ({error})", where=str(path)) from error
        if content.get("id") != found:
            raise RunError(
                "the contract was changed after training: its id does not match",
                where=str(path),
                hint="Restore the file, or train again",
            )
        return contract


def _read_words(content: Any) -> dict[str, tuple[str, ...]]:
    """Lists of languages and words; `ValueError` or `TypeError` for what is none."""
    return {key: tuple(map(str, content[key])) for key in content}


def _read_rule(content: Any) -> Rule:
    """A rule; `ValueError` or `TypeError` for what is none."""
    try:
        return Rule(**content)
    except InputError as error:
        raise ValueError(error.message) from error
