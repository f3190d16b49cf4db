"""Mutation testing of the core: how many small faults in it turn a test red. `make mutants`.

    python benchmarks/mutants.py [PART …] [--show] [--children N]

For each part, mutmut plants one fault at a time in a copy of the project and runs that part's own
tests. Parts are patterns, so that a module that is split stays in; `--show` prints what survived.
Not mutated: text of messages on a line that raises, and names of encodings (UTF-8 has many).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]

LM = "recognizers/language_model"
CORE: dict[str, tuple[list[str], list[str]]] = {
    # part: modules below maksud/, tests below tests/
    "calls": (["language/calls.py"], ["language/test_calls.py"]),
    "catalog": (["language/catalog*"], ["language/test_catalog*"]),
    "conversation": (["language/conversation*"], ["language/test_conversation*"]),
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
    "constraint": (
        [f"{LM}/constraint.py", f"{LM}/writing.py"],
        [f"{LM}/test_constraint.py", f"{LM}/test_grammar.py"],
    ),
}

SKIPPED_LINES = [r"^\s*raise ", r"encoding=", r'(en|de)code\("utf-8"']
# exit codes that mutmut keeps: https://mutmut.readthedocs.io
SURVIVED, UNTESTED, SKIPPED = {0}, {5, 33}, {34, 37}
WHERE_MUTMUT_WORKS = "mutants"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(CORE))
    parser.add_argument("--show", action="store_true", help="print each fault that survived")
    parser.add_argument("--children", type=int, default=2, help="processes at once")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(CORE):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Known: {', '.join(CORE)}")
    _tell("| part | faults | turned a test red | survived | score |")
    _tell("|---|---:|---:|---:|---:|")
    wrong = False
    for part in chosen.parts or CORE:
        modules, tests = (
            [p for pattern in patterns for p in sorted((ROOT / below).glob(pattern))]
            for below, patterns in zip(("maksud", "tests"), CORE[part], strict=True)
        )
        if not modules or not tests:
            _tell(f"| {part} | no such {'tests' if modules else 'module'} yet | | | |")
            continue
        wrong |= not _run(part, modules, tests, chosen.children, chosen.show)
    return int(wrong)


def _run(part: str, modules: list[Path], tests: list[Path], children: int, show: bool) -> bool:
    """Plants the faults of one part and prints its row; False where mutmut could not work."""
    with tempfile.TemporaryDirectory(prefix="maksud-mutants-") as room:
        place = Path(room)
        for name in ("maksud", "tests"):
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        only = [str(m.relative_to(ROOT)) + ("/*" if m.is_dir() else "") for m in modules]
        selected = [str(t.relative_to(ROOT)) for t in tests]
        settings = {
            "source_paths": ["maksud"],
            "only_mutate": only,
            "pytest_add_cli_args_test_selection": selected,
            "pytest_add_cli_args": ["-p", "no:cacheprovider", "-m", "not slow"],
            "do_not_mutate_patterns": SKIPPED_LINES,
        }
        table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        (place / "pyproject.toml").write_text(f"{project}\n[tool.mutmut]\n{table}", "utf-8")
        mutmut = [sys.executable, "-m", "mutmut"]
        ran = subprocess.run(
            [*mutmut, "run", "--max-children", str(children)],
            cwd=place, capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        codes: dict[str, int | None] = {}
        for file in sorted((place / WHERE_MUTMUT_WORKS).rglob("*.meta")):
            codes |= json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
        codes = {name: code for name, code in codes.items() if code not in SKIPPED}
        left = [name for name, code in codes.items() if code in SURVIVED | UNTESTED]
        if not codes or None in codes.values():
            _tell(ran.stdout[-4000:], ran.stderr[-4000:])
            _tell(f"| {part} | mutmut ended early ({ran.returncode}) | | | |")
            return False
        killed = len(codes) - len(left)
        row = f"{len(codes)} | {killed} | {len(left)} | {killed / len(codes):.1%}"
        _tell(f"| {part} | {row} |")
        for name in left if show else ():
            shown = subprocess.run(
                [*mutmut, "show", name], cwd=place, capture_output=True, text=True
            )
            lines = [x for x in shown.stdout.splitlines() if x[:1] in "+-" and x[:3] not in _HEADS]
            _tell(f"\n{name}", *lines)
        if show:
            _tell("\n", dict(Counter(codes.values())))
    return True


_HEADS = ("---", "+++")


def _tell(*lines: object) -> None:
    sys.stdout.write("\n    ".join(map(str, lines)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
