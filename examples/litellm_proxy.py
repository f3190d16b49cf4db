"""LiteLLM's proxy before Maksud: starts it, asks through it with OpenAI's client, ends it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

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
proxy = subprocess.Popen(
    [*command, "--host", "127.0.0.1", "--port", str(port)],
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
    client = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="any")
    said = {"role": "user", "content": " ".join(sys.argv[1:])}
    reply = client.chat.completions.create(model=name, messages=[said], tools=tools)  # type: ignore
    message = reply.choices[0].message
    for call in message.tool_calls or ():
        print("called:", call.function.name, call.function.arguments)  # type: ignore[union-attr]
    if message.content:
        print("said:", message.content)
    with client.chat.completions.stream(model=name, messages=[said], tools=tools) as stream:  # type: ignore
        for event in stream:
            if event.type == "tool_calls.function.arguments.done":
                print("streamed:", event.name, event.arguments)
finally:
    proxy.terminate()
    proxy.wait(30)
