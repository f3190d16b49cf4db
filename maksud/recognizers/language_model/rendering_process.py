"""Renders one chat template in a process of its own: run as a script, never imported by us.

A template is a program that a stranger wrote. Reads a JSON object from standard input (`template`,
`variables`, `limits`), writes `{"text": …}` or `{"error": …}` to standard output. Bounds: steps
are counted, so that a template ends alike on every machine; the system holds what no step shows
(one huge product, one deep comparison) to so much processor time and memory.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from types import FrameType
from typing import Any

DAY = datetime(2024, 7, 26)
"""What templates take for today: a prompt must be the same in training and ever after."""


class Bound(BaseException):
    """A template went over a bound: nothing between it and `main` may catch that."""


def main() -> None:
    """Standard input to standard output; see the module."""
    asked = json.load(sys.stdin)
    limits = asked["limits"]
    _hold(limits["seconds"], limits["bytes"])
    try:
        answer = {"text": render(asked["template"], asked["variables"], limits)}
    except Bound as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": "it takes too much memory"}
    except Exception as error:  # Jinja's tree, and whatever a template raises by itself
        answer = {"error": str(error)[:500] or type(error).__name__}
    json.dump(answer, sys.stdout)


def render(template: str, variables: dict[str, Any], limits: dict[str, int]) -> str:
    """The text of a template. Raises `Bound`, or what the template raises."""
    made = _environment().from_string(template)
    steps = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        if steps > limits["steps"]:
            raise Bound(f"it takes more than {limits['steps']:,} steps")
        return count

    text: list[str] = []
    size = 0
    sys.settrace(count)
    try:
        for piece in made.generate(variables):
            text.append(piece)
            size += len(piece)
            if size > limits["characters"]:
                raise Bound(f"its text is longer than {limits['characters']:,} characters")
    finally:
        sys.settrace(None)
    return "".join(text)


def _environment() -> Any:
    """What transformers gives a template, but for its clock."""
    import jinja2.ext
    from jinja2 import TemplateError, nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(jinja2.ext.Extension):
        """`{% generation %}`, which marks what the assistant said: here it only shows it."""

        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def to_json(value: Any, ensure_ascii: bool = False, **more: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **more)

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = to_json
    made.globals["raise_exception"] = refuse
    made.globals["strftime_now"] = DAY.strftime
    return made


def _hold(seconds: int, size: int) -> None:
    try:
        import resource
    except ImportError:  # no such thing on Windows: the steps are counted all the same
        return
    for what, limit in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, size),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        if hard == resource.RLIM_INFINITY or limit < hard:
            try:
                resource.setrlimit(what, (limit, limit))
            except (ValueError, OSError):  # macOS knows some limits by name only
                continue


if __name__ == "__main__":
    main()
