"""Each call of a conversation has one result, before what is said next."""

from typing import Any

import pytest

from maksud.http.api_error import ApiError
from maksud.serving.messages import read_messages

USER = {"role": "user", "content": "x"}


def calling(*ids: str) -> dict[str, Any]:
    calls = [{"id": id, "function": {"name": "play", "arguments": "{}"}} for id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": "ok"}


@pytest.mark.parametrize(
    ("after", "param", "word"),
    [
        ([calling("a", "b"), result("a")], "messages[1].tool_calls[1].id", "follows for 'b'."),
        ([calling("a")], "messages[1].tool_calls[0].id", "follows for 'a'."),
        ([calling("a", "b"), USER, result("a")], "messages[1].tool_calls[0].id", "'a', 'b'."),
        ([calling("a"), calling("b"), result("a")], "messages[1].tool_calls[0].id", "'a'."),
        ([calling(*"abcdefghij")], "messages[1].tool_calls[0].id", "'h' and 2 more"),
        ([calling("a"), result("a"), result("a")], "messages[3].tool_call_id", "already"),
        ([calling("a", "a"), result("a")], "messages[1].tool_calls[1].id", "another call"),
    ],
)
def test_every_call_has_one_result(after: list[Any], param: str, word: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_messages([USER, *after])
    assert caught.value.status == 400 and caught.value.param == param
    assert word in str(caught.value)


def test_results_may_come_in_any_order_and_ids_again() -> None:
    system = {"role": "system", "content": "x"}
    said = [USER, calling("a", "b"), result("b"), system, result("a"), USER, calling("a")]
    assert read_messages([*said, result("a")])[-1].role == "tool"
