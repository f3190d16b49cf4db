"""What a trained joint network has to remember beside its weights, for joint.json."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from maksud.recognizers.joint.choices import order_key
from maksud.recognizers.joint.planning import Plan
from maksud.recognizers.negation import Negation


def describe_heads(plan: Plan) -> dict[str, Any]:
    """What the heads' scores mean, and how data writes what they say: a JSON-able mapping.

    `choices_of`: parameters of each intent that are ever chosen. `trims`: affixes that stood
    outside a value more often than not. `before`: orders of arguments, where one is chosen.
    `negation`: what `Negation.from_json` reads, None without frames.
    """
    corpus = plan.corpus
    observed: defaultdict[str, set[str]] = defaultdict(set)
    for clause in corpus.clauses:
        if clause.choices:
            observed[clause.intent].update(clause.choices)
    chosen = {c.parameter for c in plan.choices}
    return {
        "intents": plan.intents,
        "parameters": plan.parameters,
        "choices": [[c.parameter, list(c.values)] for c in plan.choices],
        "choices_of": {intent: sorted(names) for intent, names in sorted(observed.items())},
        "joins": plan.joins,
        "trims": [
            [parameter, side, affix]
            for (parameter, side, affix), (apart, seen) in sorted(corpus.trims.items())
            if 2 * apart > seen
        ],
        "negation": (
            Negation.build([(c.intent, c.words) for c in corpus.clauses], plan.languages).to_json()
            if plan.languages
            else None
        ),
        "before": {
            order_key(intent, a, b): n
            for (intent, a, b), n in sorted(corpus.before.items())
            if {a, b} & chosen
        },
    }
