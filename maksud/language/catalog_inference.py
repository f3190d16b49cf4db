"""The catalog that labelled data implies: for data without a `catalog.yaml`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from maksud.language.calls import OUT_OF_SCOPE, Call
from maksud.language.catalog import Catalog, Intent, Parameter

MANY_SHARE = 0.01
"""Share of the calls that have a parameter over which giving it several times is no fault."""


def infer_catalog(answers: Iterable[Sequence[Call]], utterances: Iterable[str] = ()) -> Catalog:
    """The smallest catalog that allows all the answers (`none()` aside).

    Unnamed arguments get the names `value`, or `value1`, `value2`… where there are several.
    With the utterances of the answers, in step, a parameter whose values never stand in
    them becomes an enumeration (few values) or free text that is not copied. A parameter that
    several calls give more than once, and over `MANY_SHARE` of those that have it, is `many`:
    fewer are faults of the data.
    """
    texts = iter(utterances)
    order: dict[str, dict[str, Counter[str]]] = {}
    copied: Counter[tuple[str, str]] = Counter()
    positional: Counter[str] = Counter()
    named: Counter[str] = Counter()
    width: Counter[str] = Counter()
    having: Counter[tuple[str, str]] = Counter()
    repeating: Counter[tuple[str, str]] = Counter()
    seen_text = False
    for calls in answers:
        text = next(texts, None)
        seen_text = seen_text or text is not None
        for call in calls:
            if call.intent == OUT_OF_SCOPE:
                continue
            values = order.setdefault(call.intent, {})
            bare = [a for a in call.arguments if a.name is None]
            positional[call.intent] += len(bare)
            named[call.intent] += len(call.arguments) - len(bare)
            width[call.intent] = max(width[call.intent], len(bare))
            for given, times in Counter(a.name for a in call.arguments if a.name).items():
                having[call.intent, given] += 1
                repeating[call.intent, given] += times > 1
            place = 0
            for a in call.arguments:
                name = a.name
                if name is None:
                    place += 1
                    name = f"\0{place}"
                values.setdefault(name, Counter())[a.value] += 1
                if text is None or a.value in text:
                    copied[call.intent, name] += 1
    intents = []
    for intent, parameters in sorted(order.items()):
        made = []
        # Positional parameters come first, in their places, so that `name_arguments`
        # finds them.
        ranked = sorted(parameters.items(), key=lambda kv: not kv[0].startswith("\0"))
        merged: dict[str, Counter[str]] = {}
        copies: Counter[str] = Counter()
        for name, counts in ranked:
            number = name[1:] if name.startswith("\0") else ""
            plain = name if not number else "value" + (number if width[intent] > 1 else "")
            # f(x) beside f(value=y), as answers with named arguments write it, is one parameter.
            merged[plain] = merged.get(plain, Counter()) + counts
            copies[plain] += copied[intent, name]
        for plain, counts in merged.items():
            total = sum(counts.values())
            # A handful of values that are not in the text is a fault of the data (`checks`
            # tells it), not a rule.
            few = total < 10
            is_copied = few or not seen_text or copies[plain] >= 0.5 * total
            listed = not is_copied and len(counts) <= min(50, total // 3)
            repeated = repeating[intent, plain]
            made.append(
                Parameter(
                    plain,
                    type="enumeration" if listed else "text",
                    values=tuple(sorted(counts)) if listed else (),
                    copied=is_copied,
                    many=repeated > 1 and repeated > MANY_SHARE * having[intent, plain],
                )
            )
        bare_style = positional[intent] > 0 and named[intent] == 0
        intents.append(Intent(intent, parameters=tuple(made), positional=bare_style))
    return Catalog(tuple(intents))
