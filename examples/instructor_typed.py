"""instructor: what was said as a typed object, by a schema and by a tool."""

import os
import sys
from typing import Any, Literal

import httpx
import instructor
from openai import OpenAI
from pydantic import create_model

url = os.environ["OPENAI_BASE_URL"]
headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
name = httpx.get(f"{url}/models", headers=headers).json()["data"][0]["id"]
tools = httpx.get(f"{url}/tools", params={"model": name}, headers=headers).json()["data"]

# One flat class for all intents: what an intent does not have stays None.
intents = tuple(tool["function"]["name"] for tool in tools)
names = {key for tool in tools for key in tool["function"]["parameters"]["properties"]}
fields: Any = {key: (str | None, None) for key in sorted(names)}
Command = create_model("Command", intent=(Literal[(*intents, "unknown")], ...), **fields)

for mode in (instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS):
    client = instructor.from_openai(OpenAI(), mode=mode)
    command = client.chat.completions.create(
        model=name,
        messages=[{"role": "user", "content": " ".join(sys.argv[1:])}],
        response_model=Command,
        max_retries=0,
    )
    print(f"{mode.name}: {command!r}")
