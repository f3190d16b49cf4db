"""Shared-prefix packing: one copy of the prompt's prefix and many examples in one row.

All examples start with the same tokens (system prompt, template). A pack computes them once;
each example follows with positions that restart after the prefix and attends to the prefix and
to itself only, so loss and gradients are those of the examples one by one, at the cost of their
own tokens. The loss counts answer tokens only, and the LM head, a fifth of a small model and most
of one with many tokens, is computed where it counts.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from maksud.language.calls import format_calls, parse_calls
from maksud.recognizers.language_model.attention import Pack
from maksud.recognizers.language_model.head import Head
from maksud.recognizers.language_model.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token ids: the prompt behind the shared prefix, the answer with its end.

    `weights`: how much each token of the answer counts in the loss.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    weights: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def encode(
    prompt: Prompt, prefix: int, utterance: str, answer: str, decision_weight: float = 1.0
) -> Encoded:
    """An example's token ids after the first `prefix` ids of the prompt.

    `decision_weight`: weight of the tokens that say which calls there are (names, `(`, `)`, `;`,
    the end), beside 1 for those of arguments.
    """
    ids = tuple(prompt.answer_ids(answer))
    weights = (1.0,) * len(ids)
    if decision_weight != 1.0:
        inside = _inside_parentheses(answer)
        weights = tuple(
            1.0 if start < end and all(inside[start:end]) else decision_weight
            for start, end in [*prompt.places(answer), (0, 0)]
        )
    return Encoded(tuple(prompt.ids(utterance)[prefix:]), ids, weights)


def _inside_parentheses(answer: str) -> list[bool]:
    """For each character of an answer, whether it belongs to the arguments of a call."""
    inside: list[bool] = []
    for call in parse_calls(answer):
        if inside:
            inside.append(False)  # the semicolon
        arguments = len(format_calls([call])) - len(call.intent) - 2
        inside += [False] * (len(call.intent) + 1) + [True] * arguments + [False]
    return inside


def make_packs(
    examples: Sequence[Encoded], budget: int, order: random.Random, most: int = 0
) -> list[list[int]]:
    """Groups of example numbers with at most `budget` own tokens each, in random order.

    `most`: examples in a group, at most; 0 sets no limit.

    Examples of like length go together (padding inside the attention stays small), with enough
    noise that packs differ between epochs. An example longer than the budget goes alone.
    """
    # A tenth of the examples around it: like lengths without the same neighbours every epoch.
    noise = [len(e) * order.uniform(0.8, 1.25) for e in examples]
    packs: list[list[int]] = []
    used = budget + 1
    for number in sorted(range(len(examples)), key=noise.__getitem__):
        length = len(examples[number])
        if used + length > budget or (most and len(packs[-1]) == most):
            packs.append([])
            used = 0
        packs[-1].append(number)
        used += length
    order.shuffle(packs)
    return packs


class Lower:
    """What the lowest `count` layers, which training leaves alone, compute for each example.

    Kept in memory in the base's type while it fits `LIMIT` bytes; beyond that it is computed
    again each time, still without gradients.
    """

    LIMIT = 2 << 30

    def __init__(
        self,
        model: Any,
        count: int,
        prefix: Sequence[int],
        examples: Sequence[Encoded],
        device: Any = "cpu",
    ) -> None:
        self.count = count
        self._body = _layers(model.model, 0, count, last=False)
        self._device = device
        self._kept: list[Tensor] | None = None
        size = next(model.model.layers.parameters()).element_size() * model.config.hidden_size
        if sum(map(len, examples)) * size > self.LIMIT:
            return
        kept: list[Tensor | None] = [None] * len(examples)
        self._prefix = torch.zeros(0)
        for numbers in make_packs(examples, 1200, random.Random(0)):
            some = [examples[n] for n in numbers]
            hidden = self._compute(prefix, some)
            self._prefix = hidden[: len(prefix)]
            start = len(prefix)
            for number, example in zip(numbers, some, strict=True):
                kept[number] = hidden[start : start + len(example)].clone()
                start += len(example)
        self._kept = [k for k in kept if k is not None]

    def hidden(
        self, prefix: Sequence[int], examples: Sequence[Encoded], numbers: Sequence[int]
    ) -> Tensor:
        """Hidden states (tokens, size) of a pack where the first trained layer begins."""
        if self._kept is None:
            return self._compute(prefix, examples)
        return torch.cat([self._prefix, *(self._kept[n] for n in numbers)])

    def _compute(self, prefix: Sequence[int], examples: Sequence[Encoded]) -> Tensor:
        ids = list(prefix)
        for example in examples:
            ids.extend(example.prompt)
            ids.extend(example.answer)
        pack = Pack(len(prefix), [len(e) for e in examples], self._device)
        with torch.no_grad():
            hidden: Tensor = self._body(
                input_ids=torch.tensor([ids], device=self._device),
                position_ids=pack.positions,
                use_cache=False,
                layout=pack,
            ).last_hidden_state[0]
        return hidden


def _layers(body: Any, first: int, end: int | None, *, last: bool) -> Any:
    """A view of a decoder stack's layers `first` to `end`, without the final norm unless `last`.

    Weights are shared with the stack.
    """
    view = copy.copy(body)
    view._modules = dict(body._modules)
    view._modules["layers"] = nn.ModuleList(list(body.layers)[first:end])
    if not last:
        view._modules["norm"] = nn.Identity()
    kinds = getattr(body.config, "layer_types", None)
    if kinds:  # which layers have a sliding window, and which rotary embedding, is told by place
        view.config = copy.copy(body.config)
        view.config.layer_types = list(kinds)[first:end]
        view.config.num_hidden_layers = len(view.config.layer_types)
    if first and hasattr(body, "embedding_multiplier"):
        view.embedding_multiplier = 1.0  # Granite scales what goes in: here that is no embedding
    return view


def pack_loss(
    model: Any,
    prefix: Sequence[int],
    examples: Sequence[Encoded],
    device: Any = "cpu",
    *,
    lower: Lower | None = None,
    numbers: Sequence[int] = (),
) -> tuple[Tensor, float]:
    """Summed weighted cross-entropy of the answers' tokens, and the sum of their weights.

    `model` is a transformers causal language model under `attention.install`. With `lower`,
    its layers are not computed again; `numbers` says which of its examples these are.
    """
    ids = list(prefix)
    places: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    for example in examples:
        # The token before an answer token is where the answer token is predicted.
        first = len(ids) + len(example.prompt) - 1
        places.extend(range(first, first + len(example.answer)))
        targets.extend(example.answer)
        weights.extend(example.weights)
        ids.extend(example.prompt)
        ids.extend(example.answer)
    pack = Pack(len(prefix), [len(e) for e in examples], device)
    shared: dict[str, Any] = dict(position_ids=pack.positions, use_cache=False, layout=pack)
    if lower is None:
        out = model.model(input_ids=torch.tensor([ids], device=device), **shared)
    else:
        body = _layers(model.model, lower.count, None, last=True)
        out = body(inputs_embeds=lower.hidden(prefix, examples, numbers)[None], **shared)
    hidden = out.last_hidden_state[0]
    logits = Head(model).logits(hidden[torch.tensor(places, device=device)])
    each = cross_entropy(logits, torch.tensor(targets, device=device), reduction="none")
    return (each * torch.tensor(weights, device=device)).sum(), sum(weights)
