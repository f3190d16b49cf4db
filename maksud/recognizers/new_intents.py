"""Intents added to a trained run at once: by a name, a description, a few examples.

Nothing is trained: a new run is made from the old one, with the intent in its catalog, and so with
another contract. The next training takes the intent over with `rows_of` and the new catalog.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from maksud.data.dataset import Example
from maksud.errors import InputError, NotFoundError, nearest
from maksud.language.calls import Call
from maksud.language.catalog import PARAMETER_TYPES, Catalog, Intent, Parameter, ParameterType
from maksud.language.text import says_something, scripts_of
from maksud.recognizers.contract import Contract
from maksud.recognizers.deriving import about_of, copy_files
from maksud.recognizers.door import load_recognizer
from maksud.recognizers.joint.additions import find_values
from maksud.recognizers.joint.tokens import MAX_TOKENS, tokenize
from maksud.recognizers.kinds import Growing, NewIntent, find_kind
from maksud.recognizers.recognition import Recognizer
from maksud.recognizers.runs import Run, check_target, draft_run, refuse_inside
from maksud.storage import Taken, write_file

MOST_EXAMPLES = 50
"""Examples of a new intent, at most: who has more trains."""

_READING = ("scripts", "familiar", "small")
"""What of a contract examples widen: kept in run.json as the training had it, for removals."""

RunLike = Run | str | os.PathLike[str]


def add_intent(
    run: RunLike,
    name: str,
    *,
    describe: str = "",
    examples: Iterable[str] = (),
    parameters: Iterable[Parameter | str] = (),
    out: str | os.PathLike[str],
    overwrite: bool = False,
) -> Run:
    """A new run at `out` that knows one more intent. Seconds; nothing is trained.

    `describe`: what the intent is for, in any language; `examples`: what people say who mean it,
    up to `MOST_EXAMPLES`; a description or an example is needed. `parameters`: as values, or as
    `read_parameter` reads them. `overwrite` replaces a run that stands at `out`.

    Examples that the old run is sure to be something else stand in the new run's manifest: see
    `claims_on`.

    Raises `InputError` for a run of a kind that can't do that, or for what says nothing,
    `CatalogError` for a name that is none, `RunError` where `out` exists.
    """
    run = Run.open(run.path if isinstance(run, Run) else run)  # as it stands now
    growing = _growing(run)
    check_target(Path(out), overwrite=overwrite)
    known = run.contract.catalog
    if name in known:
        raise InputError(
            f"{name!r} is an intent of this run already",
            where=str(run.path),
            hint=f"Choose another name, or `maksud intent remove` it first: {_added(run)}",
        )
    said = _examples(examples)
    _refuse_spelling(name, known, run)
    if not describe.strip() and not said:
        raise InputError(
            f"{name!r} is only a name", hint='Give --describe "what it is for", or an --example'
        )
    listed = [parameters] if isinstance(parameters, str) else parameters
    made = [read_parameter(p) if isinstance(p, str) else p for p in listed]
    intent = Intent(name, describe.strip(), tuple(made))
    contract = _with(run.contract, Catalog((*known.intents, intent)), said, intent.name)
    recognizer = load_recognizer(run)
    with draft_run(out, overwrite=overwrite) as draft:
        copy_files(run, draft, growing.files)
        growing.add(recognizer, intent, said, draft.directory)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        what = {"name": name, "examples": len(said), "described": bool(intent.description)}
        what["at"] = now
        what["claimed"] = _find_claims(recognizer, said)
        draft.log({"stage": "intent", "text": f"{name} was added", **what})
        about = about_of(run)
        about["added"] = [*about.get("added", []), what]
        about.setdefault("trained_as", run.contract.id)
        if not run.manifest.get("added"):
            content = run.contract.to_json()
            about["trained_reading"] = {key: content[key] for key in _READING if key in content}
        draft.finish(kind=run.kind, contract=contract, metrics=run.metrics, about=about)
    return Run.open(out)


def remove_intent(
    run: RunLike, name: str, *, out: str | os.PathLike[str], overwrite: bool = False
) -> Run:
    """A new run at `out` without an intent that was added.

    Raises `NotFoundError` for an intent that was not: what is trained is only unlearnt by training.
    """
    run = Run.open(run.path if isinstance(run, Run) else run)  # as it stands now
    growing = _growing(run)
    check_target(Path(out), overwrite=overwrite)
    recognizer = load_recognizer(run)
    added = growing.list(recognizer)
    names = [i.name for i in added]
    if name not in names:
        trained = name in run.contract.catalog
        raise NotFoundError(
            f"{name!r} was {'trained, not' if trained else 'never'} added",
            where=str(run.path),
            hint=nearest(name, names) if names else "No intent was added to this run",
        )
    kept = tuple(i for i in run.contract.catalog.intents if i.name != name)
    contract = _without(run, Catalog(kept), [i for i in added if i.name != name], name)
    with draft_run(out, overwrite=overwrite) as draft:
        copy_files(run, draft, growing.files)
        growing.remove(recognizer, name, draft.directory)
        draft.log({"stage": "intent", "text": f"{name} was removed", "name": name})
        about = about_of(run)
        about["added"] = [a for a in about.get("added", []) if a.get("name") != name]
        if not about["added"]:
            about.pop("trained_reading", None)
        draft.finish(kind=run.kind, contract=contract, metrics=run.metrics, about=about)
    return Run.open(out)


def list_added(run: RunLike) -> list[NewIntent]:
    """The intents that were added to a run; none for a kind that takes none."""
    run = Run.open(run.path if isinstance(run, Run) else run)  # as it stands now
    growing = find_kind(run.kind).growing
    return [] if growing is None else growing.list(load_recognizer(run))


def claims_on(run: Run, name: str) -> list[dict[str, Any]]:
    """The examples of an added intent that the run of before acted on as something else, each as
    `example`, `intents` and `confidence`: such words may go to either."""
    added = (a for a in run.manifest.get("added", []) if a.get("name") == name)
    return [claim for a in added for claim in a.get("claimed", [])]


def rows_of(run: RunLike) -> list[Example]:
    """The examples of added intents as labelled rows, for the next training.

    Values are those that can be told by their form; look at them before you train.
    """
    run = Run.open(run.path if isinstance(run, Run) else run)  # as it stands now
    catalog, rows = run.contract.catalog, []
    for new in list_added(run):
        intent = catalog.get(new.name)
        assert intent is not None
        for text in new.examples:
            values = find_values(intent, text, tokenize(text), [])
            rows.append(Example(text, catalog.render([Call(new.name, tuple(values))])))
    return rows


def save_rows(rows: Sequence[Example], out: Path, *, overwrite: bool = False) -> None:
    """Writes rows as a JSON file. Raises `InputError` where there are none, it stands, or would
    be put into a run."""
    refuse_inside(out)
    if not rows:
        raise InputError("no intent was added with examples", hint="There is nothing to write")
    content = [{"instruction": e.instruction, "output": e.output} for e in rows]
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    try:
        write_file(out, text, replace=overwrite, hint="Choose another --out")
    except Taken as error:
        raise InputError(
            "exists already", where=str(out), hint="Choose another --out, or --force"
        ) from error


def read_parameter(text: str) -> Parameter:
    """A parameter from `NAME[?][:TYPE]`: `TYPE` one of the catalog's, or values as `small|large`.

    With `?` it may be left unsaid; any other is asked for. Raises `InputError` for another form.
    """
    name, sign, kind = (part.strip() for part in text.partition(":"))
    required = not name.endswith("?")
    name = name.rstrip("?")
    if not name or (sign and not kind):
        raise InputError(
            f"parameter {text!r} can't be read",
            hint="Write NAME, NAME:number, NAME:small|large, or NAME?:datetime",
        )
    if "|" in kind:
        values = tuple(dict.fromkeys(v.strip() for v in kind.split("|") if v.strip()))
        return Parameter(name, "enumeration", required=required, values=values)
    known = [t for t in PARAMETER_TYPES if t != "enumeration"]
    if kind and kind not in known:
        raise InputError(
            f"parameter {text!r} is of no known type",
            hint=f"Types are {', '.join(known)}, or values as small|large",
        )
    return Parameter(name, cast(ParameterType, kind or "text"), required=required)


# ---------------------------------------------------------------- parts


def _growing(run: Run) -> Growing:
    growing = find_kind(run.kind).growing
    if growing is None:
        raise InputError(
            f"a run of kind {run.kind} takes no new intents: only an encoder knows what words "
            "mean that its data does not hold",
            where=str(run.path),
            hint="Train on the same data with --base e5-small (--set depth=frozen: at once), and "
            "add the intent to that run; or add rows of it to the data and train again",
        )
    return growing


def _examples(examples: Iterable[str]) -> list[str]:
    """The examples, each once; a text is one. Raises `InputError` for one that says nothing, or
    too many."""
    said: dict[str, None] = {}
    for text in [examples] if isinstance(examples, str) else examples:
        text = " ".join(text.split())
        if not says_something(text):
            raise InputError(f"example {text[:40]!r} says nothing", hint="Leave it out")
        if len(tokenize(text, MAX_TOKENS + 1)) > MAX_TOKENS:
            raise InputError(
                f"example {text[:40]!r}… is longer than {MAX_TOKENS} words", hint="Shorten it"
            )
        said[text] = None
    if len(said) > MOST_EXAMPLES:
        raise InputError(
            f"{len(said)} examples, expected {MOST_EXAMPLES} at most",
            hint="With so many, add them to the data and train",
        )
    return list(said)


def _find_claims(recognizer: Recognizer, examples: Sequence[str]) -> list[dict[str, Any]]:
    """See `claims_on`; the recognizer is that of before."""
    answers = recognizer.recognize(examples)
    return [
        {
            "example": example,
            "intents": list(dict.fromkeys(c.intent for c in answer.calls)),
            "confidence": round(answer.confidence, 4),
        }
        for example, answer in zip(examples, answers, strict=True)
        if answer.accepted
    ]


def _with(contract: Contract, catalog: Catalog, examples: Sequence[str], name: str) -> Contract:
    """The contract with a new catalog; scripts and languages of the examples are read from now on,
    beside those of before."""
    read = [contract.read(e).text for e in examples]
    scripts = contract.scripts and {*contract.scripts}.union(*map(scripts_of, read))
    familiar = contract.familiar.along_with(read)
    small = contract.small.along_with(read, name)
    return replace(
        contract, catalog=catalog, scripts=tuple(sorted(scripts)), familiar=familiar, small=small
    )


def _without(run: Run, catalog: Catalog, left: Sequence[NewIntent], name: str) -> Contract:
    """The contract with a catalog that lacks an intent: what the training read, and what the
    examples of the intents that are `left` add to it."""
    trained = run.manifest.get("trained_reading")
    if trained is None:  # a run of before there was such
        small = run.contract.small.without(name)
        return replace(run.contract, catalog=catalog, small=small)
    content = {k: v for k, v in run.contract.to_json().items() if k not in _READING}
    contract = replace(Contract.from_json({**content, **trained}, str(run.path)), catalog=catalog)
    for intent in left:
        contract = _with(contract, catalog, intent.examples, intent.name)
    return contract


def _refuse_spelling(name: str, known: Catalog, run: Run) -> None:
    """Raises `InputError` for a known name in other letter case, width or separators: who reads,
    and `maksud check`, takes the two for one."""
    from maksud.data.checks.names import folded_name

    same = [n for n in known.names if folded_name(n) == folded_name(name)]
    if same:
        raise InputError(
            f"{name!r} is {same[0]!r}, an intent of this run, in another spelling",
            where=str(run.path),
            hint="Choose a name that differs in its letters",
        )


def _added(run: Run) -> str:
    names: list[Any] = [a.get("name") for a in run.manifest.get("added", [])]
    return f"those that were added are {', '.join(names)}" if names else "none was added"
