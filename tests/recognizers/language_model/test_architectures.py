"""One attention for all architectures: packed, or growing side by side, each text is as if alone.

What a text gives alone is computed by transformers' own attention. Prefixes and texts are longer
than the windows, so that a window that is forgotten, or counted from the wrong place, shows. In
double precision: random weights make much of the rounding of single precision, which is no fault.
"""

import random
from typing import Any

import pytest
import torch
from tiny_language_model import ARCHITECTURES, tiny_model

from maksud.recognizers.language_model import attention
from maksud.recognizers.language_model.attention import Rows
from maksud.recognizers.language_model.folder import LANGUAGE_MODELS
from maksud.recognizers.language_model.head import Head
from maksud.recognizers.language_model.packing import Encoded, Lower, pack_loss

VOCABULARY = 120
PREFIX = tuple(random.Random(0).choices(range(1, VOCABULARY), k=13))
CLOSE = 1e-5

pytestmark = pytest.mark.parametrize("architecture", sorted(LANGUAGE_MODELS))


def examples(count: int = 4) -> list[Encoded]:
    rng = random.Random(1)
    made = []
    for size in rng.sample(range(4, 20), count):
        prompt = tuple(rng.choices(range(1, VOCABULARY), k=size))
        answer = tuple(rng.choices(range(1, VOCABULARY), k=rng.randint(3, 9)))
        made.append(Encoded(prompt, answer, tuple(rng.choice([0.5, 1.0, 2.0]) for _ in answer)))
    return made


def loss_alone(model: Any, example: Encoded) -> torch.Tensor:
    """The weighted loss of one example, as transformers computes it."""
    ids = torch.tensor([[*PREFIX, *example.prompt, *example.answer]])
    logits = model(ids, use_cache=False).logits[0, -len(example.answer) - 1 : -1]
    each = torch.nn.functional.cross_entropy(logits, torch.tensor(example.answer), reduction="none")
    return (each * torch.tensor(example.weights, dtype=each.dtype)).sum()


def gradients(model: Any, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def small(architecture: str) -> Any:
    return tiny_model(architecture, VOCABULARY).double()


def own_way(model: Any) -> None:
    """Back to what transformers does by itself: its slow way caps scores where it must."""
    model.set_attn_implementation("eager")


def test_a_pack_learns_what_its_examples_teach_one_by_one(architecture: str) -> None:
    model = small(architecture)
    rows = examples()
    own_way(model)
    alone = sum(loss_alone(model, e) for e in rows)
    expected = gradients(model, alone)
    attention.install(model)
    loss, count = pack_loss(model, PREFIX, rows)
    found = gradients(model, loss)
    assert loss.item() == pytest.approx(alone.item(), rel=CLOSE)
    assert count == pytest.approx(sum(sum(e.weights) for e in rows))
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert (found[name] - gradient).norm() <= CLOSE * (gradient.norm() + 1e-3), name


def test_layers_that_are_kept_give_the_same_loss(architecture: str) -> None:
    model = small(architecture)
    attention.install(model)
    rows = examples()
    with torch.no_grad():
        whole, _ = pack_loss(model, PREFIX, rows)
        for count in (1, 3):
            lower = Lower(model, count, PREFIX, rows)
            for memory in (True, False):
                if not memory:
                    lower._kept = None
                part, _ = pack_loss(model, PREFIX, rows, lower=lower, numbers=range(len(rows)))
                assert part.item() == pytest.approx(whole.item(), rel=CLOSE)


def test_texts_that_grow_side_by_side_are_as_alone(architecture: str) -> None:
    """A cached prefix, prompts of different lengths, then one token or several at a time."""
    model = small(architecture)
    rng = random.Random(2)
    texts = [rng.choices(range(1, VOCABULARY), k=size) for size in (21, 14, 30)]
    own_way(model)
    with torch.no_grad():
        alone = [model(torch.tensor([[*PREFIX, *t]])).logits[0, len(PREFIX) :] for t in texts]
    attention.install(model)
    head = Head(model)

    def forward(rows: Rows, which: list[int], ids: list[int], places: list[int]) -> torch.Tensor:
        rows.plan(torch.tensor(which), torch.tensor(places))
        with torch.no_grad():
            hidden = model.model(
                input_ids=torch.tensor([ids]),
                position_ids=torch.tensor([places]),
                use_cache=False,
                layout=rows,
            ).last_hidden_state[0]
            return head.logits(hidden)

    begin = Rows(1, [], len(PREFIX))
    forward(begin, [0] * len(PREFIX), list(PREFIX), list(range(len(PREFIX))))
    kept = [begin.stored(layer, 0, len(PREFIX)) for layer in range(len(model.model.layers))]
    rows = Rows(len(texts), kept, 40)
    done = [0] * len(texts)
    for step in range(40):
        which, ids, places, expected = [], [], [], []
        for k, text in enumerate(texts):
            size = rng.randint(4, 9) if step == 0 else rng.randint(0, 3)
            more = text[done[k] : done[k] + size]
            which += [k] * len(more)
            ids += more
            places += range(len(PREFIX) + done[k], len(PREFIX) + done[k] + len(more))
            expected.append(alone[k][done[k] : done[k] + len(more)])
            done[k] += len(more)
        if ids:
            found = forward(rows, which, ids, places)
            together = torch.cat(expected).float()
            # Norms of transformers compute in float32 whatever the weights are.
            assert (found - together).abs().max() <= CLOSE * together.abs().max()
    assert done == [len(t) for t in texts]


def test_the_tiny_model_has_what_its_architecture_has(architecture: str) -> None:
    """The tests above would see a window, a cap or a scale that is left out."""
    model = small(architecture)
    rows = examples()
    attention.install(model)
    with torch.no_grad():
        whole, _ = pack_loss(model, PREFIX, rows)
        for name in ("window", "cap"):
            real = attention.Manner

            def without(
                scale: float, window: int = 0, cap: float = 0.0, leaves: str = name,
                made: Any = real,
            ) -> Any:  # fmt: skip
                window, cap = (0, cap) if leaves == "window" else (window, 0.0)
                return made(scale, window, cap)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(attention, "Manner", without)
                other, _ = pack_loss(model, PREFIX, rows)
            expected = {
                "window": "sliding_window" in ARCHITECTURES[architecture],
                "cap": architecture == "Gemma2ForCausalLM",
            }[name]
            assert (abs(other - whole).item() > 10 * CLOSE * whole.item()) == expected
