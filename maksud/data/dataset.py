"""Examples, and the dataset that holds them: splits, groups of near-identical utterances,
fingerprint. A dataset is immutable; nothing here reads or writes files (see `formats`).
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, overload

from maksud.data.neighbours import near_groups_of
from maksud.errors import CallSyntaxError, DataError, InputError
from maksud.language.calls import Call, parse_calls
from maksud.language.catalog import Catalog
from maksud.language.catalog_inference import infer_catalog
from maksud.language.folding import folded_words, normalise

SPLITS = ("train", "dev", "test")

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class _Parsed:
    """A place for the calls of an example once they are parsed: no field, so that equality, hash,
    `replace` and pickling know nothing of it."""

    __slots__ = ("_calls",)
    _calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Example(_Parsed):
    """An utterance and its answer, as text; everything else about it is kept as metadata.

    `instruction` is the folded utterance; where it came from several turns, `metadata["turns"]`
    holds them, and `metadata["replies"]` what was answered after each but the last. `output` is
    "" where the example is not labelled yet. `source` and `line` say where it was read.
    """

    instruction: str
    output: str
    id: str = ""
    split: str = ""
    source: str = ""
    line: int = 0
    annotator: str = ""
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, hash=False)

    @property
    def is_labelled(self) -> bool:
        """Whether the example has an answer."""
        return self.output != ""

    @property
    def calls(self) -> tuple[Call, ...]:
        """The answer, parsed once. Raises `CallSyntaxError` with the example's place."""
        try:
            return self._calls
        except AttributeError:
            calls = self._parse()
        object.__setattr__(self, "_calls", calls)
        return calls

    def _parse(self) -> tuple[Call, ...]:
        if not self.is_labelled:
            raise CallSyntaxError(
                "E-UNLABELLED the example has no answer yet",
                position=0,
                where=self.place,
                hint="Label it first, or leave it out",
            )
        try:
            return parse_calls(self.output)
        except CallSyntaxError as error:
            raise CallSyntaxError(
                f"output can't be parsed: {error.message}",
                position=error.position,
                where=self.place,
                hint=error.hint,
            ) from error

    @property
    def place(self) -> str:
        """`file:line`, or what is known of it."""
        return f"{self.source}:{self.line}" if self.line else self.source

    @property
    def is_multi_turn(self) -> bool:
        """Whether the utterance was folded from several turns."""
        turns = self.metadata.get("turns")
        return isinstance(turns, Sequence) and not isinstance(turns, str) and len(turns) > 1


class Dataset(Sequence[Example]):
    """An immutable sequence of examples, with its catalog.

    `catalog` is the declared one (`catalog.yaml` beside the data) or else inferred. `version`
    is `name@number` where all of it was read from a kept version (see `versions`).
    """

    def __init__(
        self,
        examples: Iterable[Example],
        *,
        catalog: Catalog | None = None,
        name: str = "",
        version: str = "",
    ) -> None:
        self.examples = tuple(examples)
        self.declared_catalog = catalog
        self.name = name
        self.version = version

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Dataset: ...
    def __getitem__(self, index: int | slice) -> Example | Dataset:
        if isinstance(index, slice):
            return self._with(self.examples[index])
        return self.examples[index]

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    def __repr__(self) -> str:
        parts = [f"{s} {n:,}" for s in SPLITS if (n := len(self.of(s)))]
        return f"Dataset({self.name or 'unnamed'}: {', '.join(parts) or f'{len(self):,} examples'})"

    def _with(self, examples: Iterable[Example]) -> Dataset:
        return Dataset(examples, catalog=self.declared_catalog, name=self.name)

    def part_unlabelled(self) -> tuple[Dataset, list[Example]]:
        """The dataset of the examples that have an answer, and those that have none yet."""
        unlabelled = [e for e in self.examples if not e.is_labelled]
        if not unlabelled:
            return self, []
        labelled = (e for e in self.examples if e.is_labelled)
        kept = Dataset(
            labelled, catalog=self.declared_catalog, name=self.name, version=self.version
        )
        return kept, unlabelled

    def part_repeating(self) -> tuple[Dataset, list[Example]]:
        """The dataset without the examples that repeat a parameter against an inferred catalog.

        So few do that the catalog takes them for faults (`MANY_SHARE`); they must not make all
        the rest unusable. What a declared catalog forbids stays: a person wrote that rule.
        """
        if self.declared_catalog is not None:
            return self, []
        repeating = [e for e in self.examples if self.catalog.repetitions(e.calls)]
        if not repeating:
            return self, []
        left_out = {id(e) for e in repeating}
        return self._with(e for e in self.examples if id(e) not in left_out), repeating

    def of(self, split: str) -> Dataset:
        """The examples of one split."""
        return self._with(e for e in self.examples if e.split == split)

    @property
    def train(self) -> Dataset:
        """The training split."""
        return self.of("train")

    @property
    def dev(self) -> Dataset:
        """The development split: recipes, early stopping and calibration look at it."""
        return self.of("dev")

    @property
    def test(self) -> Dataset:
        """The test split: looked at once."""
        return self.of("test")

    @cached_property
    def catalog(self) -> Catalog:
        """The declared catalog, else the one inferred from all examples that parse."""
        if self.declared_catalog is not None:
            return self.declared_catalog
        answers, texts = [], []
        for e in self.examples:
            try:
                answers.append(e.calls)
            except CallSyntaxError:
                continue  # `checks` reports it; training refuses it
            texts.append(e.instruction)
        return infer_catalog(answers, texts)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all instructions, outputs and splits, in order."""
        digest = hashlib.sha256()
        for e in self.examples:
            for part in (e.split, e.instruction, e.output):
                raw = part.encode("utf-8", "surrogatepass")
                digest.update(len(raw).to_bytes(8, "big"))
                digest.update(raw)
        return digest.hexdigest()

    def require_parsed(self) -> None:
        """Raises the first `CallSyntaxError` of an output."""
        for e in self.examples:
            e.calls  # noqa: B018

    def require_valid(self) -> Dataset:
        """Itself, if every output parses and fits the catalog.

        Raises the first `CallSyntaxError`, or a `DataError` that says how many more there are.
        """
        bad: list[tuple[str, str]] = []
        _, unlabelled = self.part_unlabelled()
        if unlabelled:
            raise DataError(
                f"E-UNLABELLED {len(unlabelled):,} of {len(self):,} examples have no answer yet",
                where=unlabelled[0].place,
                hint="Label them first, or leave them out",
            )
        for e in self.examples:
            violations = self.catalog.violations(e.calls)
            if violations:
                bad.append((e.place, violations[0]))
        if bad:
            place, what = bad[0]
            more = f" ({len(bad) - 1:,} more like it)" if len(bad) > 1 else ""
            raise DataError(
                what.rstrip(".") + more, where=place, hint="Run `maksud check` on the data"
            )
        return self

    def split(self, *, dev: float = 0.1, test: float = 0.1, seed: int = 0) -> Dataset:
        """The examples with splits assigned anew.

        Stratified by the answer's intents; near-identical utterances (`near_groups`) stay on
        one side. `dev` and `test` are shares of the whole in [0, 1).
        """
        if not 0 <= dev < 1 or not 0 <= test < 1 or dev + test >= 1:
            raise DataError(f"shares dev={dev} and test={test} leave nothing to train on")
        groups: dict[int, list[int]] = defaultdict(list)
        for k, group in enumerate(near_groups([e.instruction for e in self.examples])):
            groups[group].append(k)
        strata: dict[str, list[list[int]]] = defaultdict(list)
        for members in groups.values():
            strata[_stratum(self.examples[members[0]])].append(members)
        rng = random.Random(seed)
        assigned = ["train"] * len(self.examples)
        # Wanted sizes are carried from one stratum to the next, so that many small strata
        # together still give the asked shares.
        owed = {"dev": 0.0, "test": 0.0}
        for key in sorted(strata):
            stratum = strata[key]
            rng.shuffle(stratum)
            stratum.sort(key=len)  # big groups go to train
            size = sum(map(len, stratum))
            owed["dev"] += dev * size
            owed["test"] += test * size
            room = size
            for members in stratum:
                room -= len(members)
                if room <= 0:
                    break  # an intent is never absent from train
                for part in ("test", "dev"):
                    if owed[part] >= len(members):
                        owed[part] -= len(members)
                        for k in members:
                            assigned[k] = part
                        break
        return self._with(map(_in_split, self.examples, assigned))


def list_places(examples: Sequence[Example], most: int = 5) -> str:
    """Where the first examples stand, for a message; `…` for the others."""
    return ", ".join(e.place for e in examples[:most]) + (", …" if len(examples) > most else "")


def fold_turns(turns: Sequence[str]) -> str:
    """The user's turns of a conversation as one utterance.

    The guide's rule: turns joined by a space, each but the last closed by a full stop where it
    has no closing mark. Raises `InputError` where no turn says anything.
    """
    return join_turns([" ".join(t.split()) for t in turns])


def join_turns(turns: Sequence[str]) -> str:
    """The same of turns without outer white space; what is inside of one stays as it is."""
    said = [t for t in turns if t]
    if not said:
        raise InputError("there is no user turn with text", hint="Send at least one user message")
    closed = [t if t[-1] in ".?!…。？！" else t + "." for t in said[:-1]]
    return " ".join([*closed, said[-1]])


def near_groups(texts: Sequence[str]) -> list[int]:
    """A group number for each text; near-identical texts share it.

    Near-identical: equal after `normalise`, or nearly the same as `neighbours` has it (chains are
    followed), which is what `check` tells as a near copy. Linear in the number of words.
    """
    return near_groups_of([folded_words(text) or normalise(text).split() for text in texts])


def _stratum(example: Example) -> str:
    try:
        return ";".join(c.intent for c in example.calls)
    except CallSyntaxError:
        return ""


def _in_split(example: Example, split: str) -> Example:
    """The example in a split, with the calls that were parsed already."""
    moved = replace(example, split=split)
    with suppress(AttributeError):
        object.__setattr__(moved, "_calls", example._calls)
    return moved
