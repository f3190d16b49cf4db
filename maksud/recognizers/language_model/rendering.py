"""Chat templates to text, within bounds: a template is a program that a stranger wrote.

Each is rendered in a process of its own (see `rendering_process`), so that nothing in it can hang
or fill the process that serves. Rendered texts are remembered: a recognizer needs one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from maksud.errors import RunError, SystemFault

STEPS = 500_000
"""Lines of a compiled template that are run, at most; an ordinary one takes some hundred."""
CHARACTERS = 1 << 20
"""Of the rendered text, beyond those of the messages."""
SECONDS = 10
"""Of processor time."""
BYTES = 1 << 30
"""Of memory."""

_PROCESS = Path(__file__).with_name("rendering_process.py")
_WAIT = 300.0  # seconds; only where the machine does not let the process work at all
_HINT = "Mend the template, or take a base whose template is plain"


def render_template(
    template: str, messages: Sequence[Mapping[str, str]], tokens: Mapping[str, Any]
) -> str:
    """The prompt of a conversation, up to where the assistant's answer begins.

    `tokens`: the tokenizer's special tokens by name (`bos_token` …), as templates know them. The
    day is always the same, and reasoning is off. Raises `RunError` where the template fails or
    goes over a bound, `SystemFault` where no process can be started.
    """
    variables = {
        **{name: _plain(value) for name, value in tokens.items()},
        "messages": [dict(m) for m in messages],
        "tools": None,
        "documents": None,
        "add_generation_prompt": True,
        "date_string": "26 Jul 2024",
        "enable_thinking": False,
    }
    limits = {
        "steps": STEPS,
        "characters": CHARACTERS + sum(len(m["content"]) for m in messages),
        "seconds": SECONDS,
        "bytes": BYTES,
    }
    asked = {"template": template, "variables": variables, "limits": limits}
    return _rendered(json.dumps(asked))


@lru_cache(maxsize=32)
def _rendered(asked: str) -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_PROCESS)],
            input=asked.encode(), capture_output=True, timeout=_WAIT,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemFault(
            f"the process that renders the chat template can't be run ({error})",
            hint="Check the machine's limits on processes and memory",
        ) from error
    if done.returncode < 0:  # the system ended it
        raise _failed(f"it takes more than {SECONDS} s or {BYTES >> 20} MiB")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.decode(errors="replace").split("\n")
        raise _failed(next((x for x in reversed(lines) if x.strip()), "it says nothing")) from None
    if "error" in answer:
        raise _failed(answer["error"])
    return str(answer["text"])


def _failed(why: str) -> RunError:
    return RunError(f"the chat template can't be rendered ({why[:500]})", hint=_HINT)


def _plain(value: Any) -> Any:
    """A special token, or a list of them, as text alone."""
    return [str(v) for v in value] if isinstance(value, list | tuple) else str(value)
