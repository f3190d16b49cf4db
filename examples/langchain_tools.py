"""Calls as tools in LangChain: bind_tools, with_structured_output, and an agent."""

import os
import sys
from typing import Any, Literal

import httpx
from langchain.agents import create_agent
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI
from pydantic import create_model

url = os.environ["OPENAI_BASE_URL"]
headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
name = httpx.get(f"{url}/models", headers=headers).json()["data"][0]["id"]
tools = httpx.get(f"{url}/tools", params={"model": name}, headers=headers).json()["data"]
schema = httpx.get(f"{url}/schema", params={"model": name}, headers=headers).json()
said = " ".join(sys.argv[1:])

model = ChatOpenAI(model=name)

message = model.bind_tools(tools).invoke(said)
print([(call["name"], call["args"]) for call in message.tool_calls])
print("refusal:", message.additional_kwargs.get("refusal"))

print(model.with_structured_output(schema, method="json_schema").invoke(said))

# One flat class for all intents: what an intent does not have stays None. It is sent as a tool.
intents = tuple(tool["function"]["name"] for tool in tools)
names = {key for tool in tools for key in tool["function"]["parameters"]["properties"]}
fields: Any = {key: (str | None, None) for key in sorted(names)}
Command = create_model("Command", intent=(Literal[(*intents, "unknown")], ...), **fields)
print(model.with_structured_output(Command, method="function_calling").invoke(said))


def make(tool: dict) -> StructuredTool:  # type: ignore[type-arg]
    """A tool that runs: here it says what it would do."""
    function = tool["function"]

    def run(**arguments: object) -> str:
        return f"{function['name']} done: {arguments}"

    return StructuredTool.from_function(
        run,
        name=function["name"],
        description=function["description"] or function["name"],
        args_schema=function["parameters"],
    )


agent = create_agent(model, [make(tool) for tool in tools])
print(agent.invoke({"messages": [("user", said)]})["messages"][-1].content)
