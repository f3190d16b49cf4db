"""Logits of some tokens are those of all tokens at their places, whatever stands behind them."""

from typing import Any

import numpy as np
import pytest
import torch
from tiny_language_model import tiny_model

from maksud.errors import EngineError
from maksud.recognizers.language_model.head import Behind, Beside, Head, Pass

VOCABULARY = 400
KINDS = ["LlamaForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "GraniteForCausalLM"]


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> Any:
    return tiny_model(request.param, VOCABULARY)


def shown(model: Any, tokens: list[int]) -> tuple[np.ndarray, Pass]:
    """What the whole model says behind each token, and a pass over the same."""
    ids = torch.tensor([tokens])
    with torch.no_grad():
        expected = model(ids).logits[0].float().numpy()
        hidden = model.model(ids).last_hidden_state[0]
    head = Head(model)
    return expected, Pass(head, hidden, Beside(head))


def test_some_logits_are_those_of_all(model: Any) -> None:
    expected, seen = shown(model, [5, 17, 300, 2])
    behind = Behind(seen, 1)
    few, many = np.array([3, 0, 399], np.int32), np.arange(10, 390, dtype=np.int32)
    for place in (0, 2):
        for ids in (few, many):
            np.testing.assert_allclose(
                behind.some(place, ids), expected[1 + place][ids], rtol=1e-5, atol=1e-5
            )
        np.testing.assert_allclose(behind.whole(place), expected[1 + place], rtol=1e-5, atol=1e-5)


def test_few_tokens_do_not_cost_all(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, seen = shown(model, [5, 17])
    monkeypatch.setattr(Head, "logits", lambda *_: pytest.fail("looked at all tokens"))
    behind = Behind(seen, 0)
    behind.some(0, np.array([1, 2], np.int32))
    behind.keep(1, 7)


def test_what_all_tokens_say_is_told_at_the_end(model: Any) -> None:
    tokens = list(range(1, 101))  # more than are looked at in one go
    expected, seen = shown(model, tokens)
    behind = Behind(seen, 0)
    best = expected.argmax(-1)
    told = [behind.keep(k, int(best[k]) if k % 2 else 7) for k in range(len(tokens))]
    for k, each in enumerate(told):
        logit, log_sum, is_top = each()
        token = int(best[k]) if k % 2 else 7
        assert logit == pytest.approx(float(expected[k][token]), abs=1e-5)
        whole = float(torch.from_numpy(expected[k]).logsumexp(-1))
        assert log_sum == pytest.approx(whole, rel=1e-5)
        assert is_top == (token == best[k])


def test_a_bias_of_the_head_counts() -> None:
    model = tiny_model("LlamaForCausalLM", VOCABULARY)
    model.lm_head.bias = torch.nn.Parameter(torch.randn(VOCABULARY))
    expected, seen = shown(model, [5, 17])
    ids = np.array([1, 2], np.int32)
    np.testing.assert_allclose(Behind(seen, 0).some(1, ids), expected[1][ids], rtol=1e-5, atol=1e-5)


def test_no_numbers_are_an_error(model: Any) -> None:
    _, seen = shown(model, [5, 17])
    seen.hidden[1] = float("nan")
    behind = Behind(seen, 0)
    behind.some(0, np.array([1], np.int32))
    for ask in (
        lambda: behind.some(1, np.array([1], np.int32)),
        lambda: behind.whole(1),
        lambda: behind.keep(1, 3)(),
    ):
        with pytest.raises(EngineError, match="gives no numbers"):
            ask()
