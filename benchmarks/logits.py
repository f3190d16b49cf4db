"""What it saves to compute logits only where they are needed: `python benchmarks/logits.py [BASE]`.

A language model is measured as it comes, and with random rows added to its vocabulary until it has
as many as Gemma's (`--vocabulary`): time does not depend on what the numbers are. Two things, each
beside the plain way, in turn, in one process:

- a step of training (forward and backward, LoRA's parameters only, a pack of examples): logits on
  the answers' tokens, or on all tokens;
- constrained answers: logits of the tokens that the constraint allows, or of all tokens, one
  utterance at a time and `--batch` at once. Answers are the same, which is checked.

Prints seconds and ratios, medians of `--rounds`. On shared machines only the ratios mean something.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy

from maksud.demo.shipped import load_shipped
from maksud.language.calls import format_calls
from maksud.recognizers.contract import Contract
from maksud.recognizers.language_model import attention, head
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.decoding import Decoder
from maksud.recognizers.language_model.gallery import get
from maksud.recognizers.language_model.inspection import require_tokenizer
from maksud.recognizers.language_model.loading import load_model, open_base
from maksud.recognizers.language_model.packing import Encoded, encode, pack_loss

CPU = torch.device("cpu")


def main() -> None:
    """Measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("base", nargs="?", default="smollm2-135m")
    parser.add_argument("--vocabulary", type=int, default=262_144)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=300, help="examples' own, in a step")
    given = parser.parse_args()
    base = open_base(get(given.base))
    data = load_shipped("voice_assistant")
    contract = Contract(data.catalog)
    prompt, constraint = require_tokenizer(base.tokenizer, contract, base.path)
    rows = list(data.dev)
    for extended in (False, True):
        model = load_model(base, CPU).float()
        if extended:
            model.resize_token_embeddings(given.vocabulary, mean_resizing=False)
        attention.install(model)
        size = len(model.get_input_embeddings().weight)
        examples: list[Encoded] = []
        for e in rows:
            made = encode(prompt, len(prompt.prefix), e.instruction, format_calls(e.calls))
            if sum(map(len, examples)) + len(made) > given.tokens:
                break
            examples.append(made)
        utterances = [e.instruction for e in rows[: given.batch]]
        _tell(size, "a training step", *_steps(model, prompt.prefix, examples, given.rounds))
        for some, what in ((utterances[:1], "an answer"), (utterances, f"{given.batch} answers")):
            _tell(size, what, *_answers(model, prompt, constraint, some, given.rounds))


def _steps(
    model: Any, prefix: Sequence[int], examples: Sequence[Encoded], rounds: int
) -> tuple[float, float]:
    """Median seconds of a step: with the answers' logits, and with those of all tokens."""
    tuned = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear"))
    ids = [*prefix, *(t for e in examples for t in (*e.prompt, *e.answer))]
    pack = attention.Pack(len(prefix), [len(e) for e in examples], CPU)
    places, targets = _answered(prefix, examples)

    def ours() -> None:
        loss, count = pack_loss(model, prefix, examples)
        (loss / count).backward()

    def plain() -> None:
        out = model.model(
            input_ids=torch.tensor([ids]),
            position_ids=pack.positions,
            use_cache=False,
            layout=pack,
        )
        logits = head.Head(model).logits(out.last_hidden_state[0])
        cross_entropy(logits[places], targets).backward()

    try:
        return _in_turn(ours, plain, rounds)
    finally:
        tuned.unload()


def _answered(
    prefix: Sequence[int], examples: Sequence[Encoded]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where answers' tokens are predicted, and which they are."""
    places: list[int] = []
    targets: list[int] = []
    begin = len(prefix)
    for e in examples:
        first = begin + len(e.prompt) - 1
        places += range(first, first + len(e.answer))
        targets += e.answer
        begin += len(e)
    return torch.tensor(places), torch.tensor(targets)


def _answers(
    model: Any, prompt: Any, constraint: Constraint, utterances: Sequence[str], rounds: int
) -> tuple[float, float]:
    """Median seconds of answers: with the allowed tokens' logits, and with those of all."""
    decoder = Decoder(model, prompt)
    texts: dict[str, list[str]] = {}

    def ours() -> None:
        texts["ours"] = [a.text for a in decoder.constrained(utterances, constraint, 96)]

    def plain() -> None:
        with mock.patch.object(head, "_MOST", sys.maxsize):
            texts["plain"] = [a.text for a in decoder.constrained(utterances, constraint, 96)]

    found = _in_turn(ours, plain, rounds)
    if texts["ours"] != texts["plain"]:
        raise SystemExit(f"the answers differ: {texts}")
    return found


def _in_turn(
    one: Callable[[], None], other: Callable[[], None], rounds: int
) -> tuple[float, float]:
    seconds: tuple[list[float], list[float]] = ([], [])
    for n in range(rounds + 1):
        for doing, kept in zip((one, other), seconds, strict=True):
            started = time.process_time()
            doing()
            if n:  # the first time is spent on what is made once
                kept.append(time.process_time() - started)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def _tell(size: int, what: str, ours: float, plain: float) -> None:
    sys.stdout.write(
        f"vocabulary {size:,}, {what}: {ours:.2f} CPU s where needed, {plain:.2f} of all tokens: "
        f"{plain / ours:.2f} x\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
