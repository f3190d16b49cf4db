"""An agent of Pydantic AI whose tools are a run's, and run."""

import os
import sys
from typing import Any

import httpx
from pydantic_ai import Agent, Tool
from pydantic_ai.models.openai import OpenAIChatModel

url = os.environ["OPENAI_BASE_URL"]
headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
name = httpx.get(f"{url}/models", headers=headers).json()["data"][0]["id"]
tools = httpx.get(f"{url}/tools", params={"model": name}, headers=headers).json()["data"]


def make(tool: dict[str, Any]) -> Tool[None]:
    """A tool that runs: here it says what it would do."""
    function = tool["function"]

    def run(**arguments: object) -> str:
        return f"{function['name']} done: {arguments}"

    return Tool.from_schema(
        run,
        name=function["name"],
        description=function["description"],
        json_schema=function["parameters"],
    )


agent = Agent(OpenAIChatModel(name), tools=[make(tool) for tool in tools])
print(agent.run_sync(" ".join(sys.argv[1:])).output)
