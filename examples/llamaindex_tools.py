"""LlamaIndex: function calling, an agent whose tools run, and a typed answer."""

import asyncio
import os
import sys
from typing import Any, Literal

import httpx
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import create_model

url = os.environ["OPENAI_BASE_URL"]
headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
name = httpx.get(f"{url}/models", headers=headers).json()["data"][0]["id"]
offered = httpx.get(f"{url}/tools", params={"model": name}, headers=headers).json()["data"]
said = " ".join(sys.argv[1:])

model = OpenAILike(
    model=name,
    api_base=url,
    api_key=os.environ["OPENAI_API_KEY"],
    is_chat_model=True,
    is_function_calling_model=True,
)
TYPES = {"string": str, "number": float, "integer": int, "boolean": bool, "array": list[str]}


def make(tool: dict[str, Any]) -> FunctionTool:
    """A tool that runs: here it says what it would do."""
    function = tool["function"]

    def run(**arguments: object) -> str:
        return f"{function['name']} done: {arguments}"

    fields: Any = {}
    for key, schema in function["parameters"]["properties"].items():
        kind: Any = TYPES[schema["type"]]
        required = key in function["parameters"].get("required", ())
        fields[key] = (kind, ...) if required else (kind | None, None)
    return FunctionTool.from_defaults(
        run,
        name=function["name"],
        description=function["description"] or function["name"],
        fn_schema=create_model(function["name"], **fields),
    )


tools = [make(tool) for tool in offered]

reply = model.chat_with_tools(tools, user_msg=said)
calls = model.get_tool_calls_from_response(reply, error_on_no_tool_call=False)
print("called:", [(call.tool_name, call.tool_kwargs) for call in calls])

# One flat class for all intents: what an intent does not have stays None. It is sent as a tool.
intents = tuple(tool["function"]["name"] for tool in offered)
names = {key for tool in offered for key in tool["function"]["parameters"]["properties"]}
every: Any = {key: (str | None, None) for key in sorted(names)}
Command = create_model("Command", intent=(Literal[(*intents, "unknown")], ...), **every)
print("typed:", model.as_structured_llm(Command).chat([ChatMessage(said)]).raw)


async def ask() -> str:
    agent = FunctionAgent(tools=tools, llm=model)  # streams, as all of its agents do
    return str(await agent.run(said))


print("agent:", asyncio.run(ask()))
