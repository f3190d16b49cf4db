"""Calls as tools with OpenAI's client: ask, run what is asked for, give back what came of it."""

import json
import sys
from typing import Any

from openai import OpenAI

client = OpenAI()  # OPENAI_BASE_URL, OPENAI_API_KEY
model = client.models.list().data[0].id
tools: Any = client.get(f"/tools?model={model}", cast_to=object)["data"]  # type: ignore[index]


def run(name: str, arguments: dict[str, Any]) -> str:
    """Where an application does what was asked for."""
    return f"{name} done: {json.dumps(arguments, ensure_ascii=False)}"


messages: list[Any] = [{"role": "user", "content": " ".join(sys.argv[1:])}]
while True:
    message = (
        client.chat.completions.create(model=model, messages=messages, tools=tools)
        .choices[0]
        .message
    )
    messages.append(message)
    for call in message.tool_calls or ():
        result = run(call.function.name, json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    if not message.tool_calls:
        break
print(message.content)  # what the tools said, a question for what is missing, or why not
if message.refusal:
    print("not acted on:", message.refusal)

answer = client.chat.completions.create(
    model=model, messages=messages[:1], response_format={"type": "json_object"}
)
print(answer.choices[0].message.content)  # the schema is at /v1/schema
