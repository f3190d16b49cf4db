"""OpenAI's client further: several asked at once, streams as events, and typed answers."""

import asyncio
import sys
from typing import Any, Literal

from openai import AsyncOpenAI
from pydantic import create_model

client = AsyncOpenAI()  # OPENAI_BASE_URL, OPENAI_API_KEY


async def main(said: list[str]) -> None:
    model = (await client.models.list()).data[0].id
    tools: Any = (await client.get(f"/tools?model={model}", cast_to=object))["data"]  # type: ignore[index]

    def ask(text: str, **more: Any) -> dict[str, Any]:
        return {"model": model, "messages": [{"role": "user", "content": text}], **more}

    for reply in await asyncio.gather(
        *(client.chat.completions.create(**ask(text, tools=tools)) for text in said)
    ):
        message = reply.choices[0].message
        calls = [(c.function.name, c.function.arguments) for c in message.tool_calls or ()]
        print("asked:", calls or message.content)

    for text in said:
        async with client.chat.completions.stream(**ask(text, tools=tools)) as stream:
            async for event in stream:
                if event.type == "tool_calls.function.arguments.done":
                    print("streamed:", event.name, event.arguments)
                elif event.type == "content.done":
                    print("streamed:", event.content)
            refusal = (await stream.get_final_completion()).choices[0].message.refusal
            if refusal:
                print("not acted on:", refusal)

    # One flat class for all intents: what an intent does not have stays None.
    intents = tuple(t["function"]["name"] for t in tools)
    names = {name for t in tools for name in t["function"]["parameters"]["properties"]}
    fields: Any = {name: (str | None, None) for name in sorted(names)}
    command = create_model("Command", intent=(Literal[(*intents, "unknown")], ...), **fields)
    for text in said:
        reply = await client.chat.completions.parse(**ask(text, response_format=command))
        print("parsed:", reply.choices[0].message.parsed)


asyncio.run(main(sys.argv[1:]))
