"""Mutation testing of the core: how many small faults in it turn a test red. `make mutants`.

    python benchmarks/mutants.py [PART …] [--show] [--children N] [--minutes N] [--fault NAME …]

For each part, mutmut plants one fault at a time in a copy of the project and runs that part's own
tests, the quick ones first. Parts are patterns, so that a module that is split stays in; `--show`
prints what survived, and `--fault` tries only the faults of these names (`*` is anything). A run
that is ended by `--minutes` or Ctrl-C counts what it has tried.
Not mutated: statements that raise (what they say), names of encodings (UTF-8 has many), and what
stands outside functions. In the copy, hypothesis takes the same examples each time, shrinks none
and has no deadline: a verdict depends neither on luck nor on the machine's load.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

LM = "recognizers/language_model"
CORE: dict[str, tuple[list[str], list[str]]] = {
    # part: modules below maksud/, tests below tests/
    "calls": (["language/calls.py"], ["language/test_calls.py"]),
    "catalog": (["language/catalog*"], ["language/test_catalog*"]),
    "contract": (["recognizers/contract.py"], ["recognizers/test_contract.py"]),
    "calibration": (
        ["recognizers/calibration.py"],
        ["recognizers/test_calibration.py"],
    ),
    "decision": (["recognizers/decision*"], ["recognizers/test_decision*"]),
    "runs": (["recognizers/runs*"], ["recognizers/test_runs*"]),
    "storage": (["storage*"], ["test_storage*"]),
    "tokens": (["http/tokens.py"], ["http/test_tokens.py"]),
    "guard": (["http/guard.py"], ["http/test_guard.py"]),
    "json_body": (["http/json_body.py"], ["http/test_json_body.py"]),
    "grammar": ([f"{LM}/grammar.py", f"{LM}/parts.py"], [f"{LM}/test_grammar.py"]),
    "constraint": ([f"{LM}/constraint.py"], [f"{LM}/test_constraint.py"]),
    "writing": (
        [f"{LM}/writing.py", f"{LM}/habits.py"],
        [f"{LM}/test_writing.py", f"{LM}/test_constraint.py"],
    ),
}

TOO_SLOW = "not test_parsing_ends_on_any_length"
"""Ten seconds for every fault that survives: work that grows with the square is not looked for."""
SKIPPED_LINES = [r"encoding=", r'(en|de)code\("utf-8"']
# exit codes that mutmut keeps: https://mutmut.readthedocs.io
SURVIVED, UNTESTED, SKIPPED, TIMED_OUT = {0}, {5, 33}, {34, 37}, {36, -24, 24, 152, 255}
WHERE_MUTMUT_WORKS = "mutants"
MEMORY = 4 << 30
"""Bytes that a fault may take: a loop without an end must not take the machine."""
PROFILE = """

from hypothesis import Phase as _Phase, settings as _settings

_settings.register_profile(
    "mutants", phases=(_Phase.explicit, _Phase.generate), deadline=None, derandomize=True
)
_settings.load_profile("mutants")

# uvicorn asks for the signature of an application: mutmut puts one before it that takes anything.
import uvicorn as _uvicorn

_init = _uvicorn.Config.__init__

def _plain(self, app, *given, **named):
    async def called(scope, receive, send):
        await app(scope, receive, send)

    _init(self, called, *given, **named)

_uvicorn.Config.__init__ = _plain
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(CORE))
    parser.add_argument("--show", action="store_true", help="print each fault that survived")
    parser.add_argument("--children", type=int, default=2, help="processes at once")
    parser.add_argument("--minutes", type=float, default=600, help="count what was tried by then")
    parser.add_argument("--fault", nargs="+", default=[], help="names, as --show prints them")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(CORE):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Known: {', '.join(CORE)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    until = time.monotonic() + 60 * chosen.minutes
    _tell("| part | faults | tried | turned a test red | of these by a hang | survived | score |")
    _tell("|---|---:|---:|---:|---:|---:|---:|")
    wrong = False
    for part in chosen.parts or CORE:
        modules, tests = (
            [p for pattern in patterns for p in sorted((ROOT / below).glob(pattern))]
            for below, patterns in zip(("maksud", "tests"), CORE[part], strict=True)
        )
        if not modules or not tests:
            _tell(f"| {part} | no such {'tests' if modules else 'module'} | | | | | |")
            wrong = True
        elif time.monotonic() < until and not _ended:
            wrong |= not _run(part, modules, tests, chosen, until)
        else:
            _tell(f"| {part} | not run: ended before | | | | | |")
    return int(wrong)


_ended: list[bool] = []
"""Holds something once the person has asked for the end."""


def _run(
    part: str, modules: list[Path], tests: list[Path], chosen: argparse.Namespace, until: float
) -> bool:
    """Plants the faults of one part and prints its row; False where mutmut could not work."""
    with tempfile.TemporaryDirectory(prefix="maksud-mutants-") as room:
        place = Path(room)
        _copy(place, modules, tests)
        # Python remembers of a folder on its path that it was not there.
        (place / WHERE_MUTMUT_WORKS).mkdir()
        mutmut = [sys.executable, "-m", "mutmut", "run", "--max-children", str(chosen.children)]
        said = _plant([*mutmut, *chosen.fault], place, until)
        codes: dict[str, int | None] = {}
        for file in sorted((place / WHERE_MUTMUT_WORKS).rglob("*.meta")):
            codes |= json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
        planted = {name: code for name, code in codes.items() if code not in SKIPPED}
        tried = {name: code for name, code in planted.items() if code is not None}
        if not tried:
            _tell(*[line for line in said.splitlines() if line[1:2] != " "][-40:])
            _tell(f"| {part} | mutmut ended early | | | | | |")
            return False
        left = [name for name, code in tried.items() if code in SURVIVED | UNTESTED]
        hung = sum(code in TIMED_OUT for code in tried.values())
        killed = len(tried) - len(left)
        score = f"{killed} | {hung} | {len(left)} | {killed / len(tried):.1%}"
        _tell(f"| {part} | {len(planted)} | {len(tried)} | {score} |")
        if left and chosen.show:
            _show(left, place)
        if chosen.show:
            _tell("\n", dict(Counter(tried.values())))
    return True


def _show(names: list[str], place: Path) -> None:
    """Prints what each fault changes. One process for all: to start mutmut takes seconds."""
    script = f"import sys; from mutmut.__main__ import cli\n{_SHOW}"
    shown = subprocess.run(
        [sys.executable, "-c", script, *names], cwd=place, capture_output=True, text=True
    )
    for line in shown.stdout.splitlines():
        if line[:1] == "#":
            _tell(f"\n{line[2:]}")
        elif line[:1] in ("+", "-") and line[:3] not in _HEADS:
            _tell(f"    {line}")


_SHOW = "for name in sys.argv[1:]: cli(['show', name], standalone_mode=False)"
_HEADS = ("---", "+++")


def _copy(place: Path, modules: list[Path], tests: list[Path]) -> None:
    """The project as mutmut is to see it: settings of its own, raises marked, quick examples."""
    for name in ("maksud", "tests"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for module in modules:
        for file in sorted(module.rglob("*.py")) if module.is_dir() else (module,):
            _leave_raises_alone(place / file.relative_to(ROOT))
    with (place / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(PROFILE)
    settings = {
        "source_paths": ["maksud"],
        "only_mutate": [str(m.relative_to(ROOT)) + ("/*" if m.is_dir() else "") for m in modules],
        "pytest_add_cli_args_test_selection": [str(t.relative_to(ROOT)) for t in tests],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-m", "not slow", "-k", TOO_SLOW],
        "do_not_mutate_patterns": SKIPPED_LINES,
        # How long a fault may take: so many times as long as its tests, and as many seconds.
        "timeout_multiplier": 4.0,
        "timeout_constant": 5.0,
    }
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (place / "pyproject.toml").write_text(f"{project}\n[tool.mutmut]\n{table}", "utf-8")


def _leave_raises_alone(file: Path) -> None:
    """Marks all lines of statements that raise: what they say is no behaviour of the core."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Raise) and node.end_lineno is not None:
            for at in range(node.lineno - 1, node.end_lineno):
                if "# pragma: no mutate" not in lines[at]:
                    lines[at] += "  # pragma: no mutate"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _plant(command: Sequence[str], place: Path, until: float) -> str:
    """Runs mutmut until it is done, or the time is up; returns what it said."""
    # A test that starts Python finds the copy with the fault, as mutmut's own process does.
    paths = [str(place / WHERE_MUTMUT_WORKS), os.environ.get("PYTHONPATH", "")]
    said = place / "said.txt"
    with said.open("wb") as out:
        running = subprocess.Popen(
            command,
            cwd=place,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
        )
        try:
            running.wait(max(1.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        except KeyboardInterrupt:
            _ended.append(True)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
    return said.read_text(encoding="utf-8", errors="replace")


def _tell(*lines: object) -> None:
    sys.stdout.write("\n    ".join(map(str, lines)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
