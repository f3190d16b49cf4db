"""LiteLLM's proxy before Maksud: starts it, asks through it with OpenAI's client, ends it.

Each argument is one thing that is said.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

url = os.environ["OPENAI_BASE_URL"]
headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
name = httpx.get(f"{url}/models", headers=headers).json()["data"][0]["id"]
tools = httpx.get(f"{url}/tools", params={"model": name}, headers=headers).json()["data"]

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
config = Path(__file__).with_name("litellm_proxy.yaml")
command = [str(Path(sys.executable).with_name("litellm")), "--config", str(config)]
key = f"sk-{secrets.token_hex(32)}"  # the proxy's own, without which it does not start
proxy = subprocess.Popen(
    [*command, "--host", "127.0.0.1", "--port", str(port)],
    env={**os.environ, "LITELLM_MASTER_KEY": key},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
try:
    while proxy.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/liveliness", timeout=60).is_success:
                break
        except httpx.TransportError:
            time.sleep(0.5)
    if proxy.poll() is not None:
        sys.exit(f"the proxy ended by itself; to see why: {' '.join(command)}")
    client = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key)
    for text in sys.argv[1:]:
        asked: Any = {"model": name, "messages": [{"role": "user", "content": text}]}
        message = client.chat.completions.create(**asked, tools=tools).choices[0].message
        for call in message.tool_calls or ():
            print("called:", call.function.name, call.function.arguments)  # type: ignore[union-attr]
        if message.content:
            print("said:", message.content)
        with client.chat.completions.stream(**asked, tools=tools) as stream:
            for event in stream:
                if event.type == "tool_calls.function.arguments.done":
                    print("streamed:", event.name, event.arguments)
finally:
    proxy.terminate()
    proxy.wait(30)
