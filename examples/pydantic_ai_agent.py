"""An agent of Pydantic AI whose tools are a run's, and run; and what was said as a typed object."""

import os
import sys
from typing import Any, Literal

import httpx
from pydantic import create_model
from pydantic_ai import Agent, NativeOutput, Tool
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

# One flat class for all intents: what an intent does not have stays None. By a schema, and by the
# tool that Pydantic AI makes of a class.
intents = tuple(tool["function"]["name"] for tool in tools)
names = {key for tool in tools for key in tool["function"]["parameters"]["properties"]}
fields: Any = {key: (str | None, None) for key in sorted(names)}
Command = create_model("Command", intent=(Literal[(*intents, "unknown")], ...), **fields)
for output in (NativeOutput(Command), Command):
    typed = Agent(OpenAIChatModel(name), output_type=output)
    print(typed.run_sync(" ".join(sys.argv[1:])).output)
