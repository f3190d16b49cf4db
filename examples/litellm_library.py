"""LiteLLM as a library: a tool call, the same streamed, and JSON by a schema."""

import os
import sys
from typing import Any

import httpx
import litellm

litellm.suppress_debug_info = True
url = os.environ["OPENAI_BASE_URL"]
key = os.environ["OPENAI_API_KEY"]
headers = {"authorization": f"Bearer {key}"}
name = httpx.get(f"{url}/models", headers=headers).json()["data"][0]["id"]
tools = httpx.get(f"{url}/tools", params={"model": name}, headers=headers).json()["data"]
schema = httpx.get(f"{url}/schema", params={"model": name}, headers=headers).json()


def ask(**more: Any) -> Any:
    said = {"role": "user", "content": " ".join(sys.argv[1:])}
    return litellm.completion(
        model=f"openai/{name}", api_base=url, api_key=key, messages=[said], **more
    )


message = ask(tools=tools, tool_choice="auto").choices[0].message
for call in message.tool_calls or ():
    print("called:", call.function.name, call.function.arguments)
if message.content:
    print("said:", message.content)

whole = litellm.stream_chunk_builder(list(ask(tools=tools, stream=True)))
for call in whole.choices[0].message.tool_calls or ():
    print("streamed:", call.function.name, call.function.arguments)

wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
print("JSON:", ask(response_format=wanted).choices[0].message.content)
