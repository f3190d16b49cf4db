"""README and tutorial are walked as a person walks them: each line typed, in order, in a new place.

What needs a trained run is marked slow, and trains with tiny settings, a tiny base beside it.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from maksud.data.formats.files import load

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "docs" / "tutorial.md"]
_TYPED = re.compile(r"^(?:maksud|make|source|printf|pip|cat|cp) .*$", re.MULTILINE)
_PROMPT = re.compile(r"^\$ (.*)$", re.MULTILINE)
_OF_THE_REPOSITORY = ("make ", "source ", "pip ")
_TINY = {
    "train": " --per-intent 1 --epochs 1",
    "evaluate": " --limit 6",
    "compare": " --limit 3",
    "serve": " --port 0",
}
_TINY_COMPACT = " --set members=1 --set calibration_examples=12"
_TINY_TUNING = "".join(
    f" --set {name}={value}"
    for name, value in (
        ("calibration_examples", 2),
        ("dev_answer_rows", 1),
        ("dev_loss_rows", 1),
        ("evaluations", 1),
        ("max_new_tokens", 8),
    )
)


def commands(page: Path) -> list[str]:
    """The lines of a page that a person types, without the remarks behind them."""
    fences = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    blocks = [text for kind, text in fences.findall(page.read_text("utf-8")) if not kind]
    lines = [line for block in blocks for line in (_PROMPT.findall(block) or _TYPED.findall(block))]
    return [re.sub(r"\s+#.*", "", line).rstrip() for line in lines]


def needs_a_run(line: str) -> bool:
    return "runs/" in line


class Walk:
    """A person in a new directory, who types one line after the other."""

    def __init__(self, place: Path, base: Path | None = None) -> None:
        self.place = place
        self.base = base
        tools = place / "bin"
        tools.mkdir(parents=True)
        (tools / "maksud").write_text(f'#!/bin/sh\nexec {sys.executable} -m maksud "$@"\n')
        (tools / "maksud").chmod(0o755)
        self.env = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "MAKSUD_TOKEN": "a-token-of-the-walk-that-is-long-enough",
        }

    def type(self, line: str) -> None:
        """Types a line, and fails where it does not end well."""
        verb = line.split()[1] if line.startswith("maksud ") else ""
        if needs_a_run(line):
            line += _TINY.get(verb, "")
            if verb == "train":
                line += _TINY_TUNING if "smollm2" in line else _TINY_COMPACT
            line = line.replace("smollm2-135m", str(self.base)).replace(" --per-intent 60", "")
        if verb == "serve":
            self._serve(line)
            return
        done = subprocess.run(
            ["bash", "-ec", line], cwd=self.place, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    def _serve(self, line: str) -> None:
        process = subprocess.Popen(
            shlex.split(line), cwd=self.place, env=self.env, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            assert any("http://" in said for said in process.stdout), "it never said where it is"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) in (0, 130)
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_what_leads_to_a_run_can_be_typed(page: Path, tmp_path: Path) -> None:
    """Nothing is written over on the way, and the project is sound at its end."""
    walk = Walk(tmp_path)
    typed = [c for c in commands(page) if not needs_a_run(c) and not c.startswith("make ")]
    assert len(typed) >= 7
    for line in typed:
        if not line.startswith(_OF_THE_REPOSITORY):
            walk.type(line)
    data = load(tmp_path / "shop")
    assert (len(data.train), len(data.dev), len(data.test)) == (10980, 306, 204)
    assert data.train[-1].output == "return_item(item=blender)"
    walk.type("maksud check shop")
    walk.type("maksud check shop@1")


def test_what_is_said_of_the_environment_holds() -> None:
    text = PAGES[0].read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in PAGES:
        typed = commands(page)
        for line in typed:
            if line.startswith("make "):
                assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE), line
        assert typed.index("make setup") < typed.index("source .venv/bin/activate")
        assert typed.index("source .venv/bin/activate") < typed.index("maksud --version")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra in set(project["optional-dependencies"]) - {"mutants"}:
        assert f"'.[{extra}]'" in text, f"README does not say what the extra {extra} is for"
    assert (ROOT / "constraints-cpu.txt").exists() and "-c constraints-cpu.txt" in text


def test_the_version_is_said() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maksud", "--version"], capture_output=True, text=True
    )
    assert re.fullmatch(r"maksud \d+\.\d+\.\d+\n", done.stdout) and done.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_whole_page_can_be_typed(page: Path, tmp_path: Path) -> None:
    from tiny_language_model import write_tiny_base

    walk = Walk(tmp_path, write_tiny_base(tmp_path / "tiny"))
    typed = [c for c in commands(page) if not c.startswith(_OF_THE_REPOSITORY)]
    assert sum(map(needs_a_run, typed)) >= 5
    for line in typed:
        walk.type(line)
