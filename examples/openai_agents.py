"""An agent of the OpenAI Agents SDK whose tools are a run's, and run."""

import os
import sys
from typing import Any

import httpx
from agents import (
    Agent,
    FunctionTool,
    OpenAIChatCompletionsModel,
    Runner,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

set_tracing_disabled(True)
url = os.environ["OPENAI_BASE_URL"]
headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
name = httpx.get(f"{url}/models", headers=headers).json()["data"][0]["id"]
tools = httpx.get(f"{url}/tools", params={"model": name}, headers=headers).json()["data"]


def make(tool: dict[str, Any]) -> FunctionTool:
    """A tool that runs: here it says what it would do."""
    function = tool["function"]

    async def run(context: Any, arguments: str) -> str:
        return f"{function['name']} done: {arguments}"

    return FunctionTool(
        name=function["name"],
        description=function["description"],
        params_json_schema=function["parameters"],
        on_invoke_tool=run,
        strict_json_schema=False,
    )


agent = Agent(
    name="Assistant",
    model=OpenAIChatCompletionsModel(model=name, openai_client=AsyncOpenAI()),
    tools=[make(tool) for tool in tools],
)
print(Runner.run_sync(agent, " ".join(sys.argv[1:])).final_output)
