"""The command line: what people type, what comes back, and with which exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import save
from maksud.evaluation.files import COMPARISON, REPORT
from maksud.recognizers.runs import Run

FEW = ("--set", "folds=0", "--set", "epochs=40")
"""A training of seconds, of data that is learnt in seconds."""


def maksud(*arguments: object, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs the command; its exit code must be `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "maksud", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def error_of(*arguments: object, code: int = 2, stdin: str = "") -> str:
    """The one line on standard error."""
    lines = maksud(*arguments, code=code, stdin=stdin).stderr.strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, lines
    return errors[0]


@pytest.fixture
def data(small_data: Dataset, tmp_path: Path) -> Path:
    save(small_data, tmp_path / "data")
    return tmp_path / "data"


def test_by_hand_from_data_to_answers(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert json.loads(maksud("check", data, "--json").stdout)["counts"]["error"] == 0
    trained = json.loads(maksud("train", data, "--out", run, *FEW, "--json").stdout)
    assert trained["kind"] == "compact" and trained["metrics"]["total_seconds"] > 0
    report = json.loads(maksud("evaluate", run, data, "--json").stdout)
    assert report["examples"] == 32
    assert report["exact_match"] > 0.8
    assert set(report) >= {
        "intent_accuracy",
        "slot_f1",
        "guide_intent_accuracy",
        "guide_parameter_accuracy",
        "ece",
        "latency_ms",
    }
    assert set(report["latency_ms"]) >= {"p50", "p99"}
    assert (tmp_path / "run-evaluation" / "report.html").exists()
    out = maksud("recognize", run, "bagaimana cuaca di Makassar lusa", "--json").stdout
    assert json.loads(out)["text"] == "weather_search(Makassar)"
    several = maksud("recognize", run, "--json", stdin="putar lagu Rindu\n\nkecilkan\n").stdout
    assert [json.loads(line)["utterance"] for line in several.splitlines()] == [
        "putar lagu Rindu",
        "",
        "kecilkan",
    ]


def test_a_closed_standard_input_is_told(compact_run: Run) -> None:
    command = f"exec {sys.executable} -m maksud recognize '{compact_run.path}' <&-"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: standard input: is closed")


def test_a_line_out_for_each_line_in(compact_run: Run) -> None:
    """Files of utterances and answers are laid side by side: a blank line moves nothing."""
    out = maksud("recognize", compact_run.path, stdin="\nputar lagu Rindu\n  \n\nhalo\n\n").stdout
    lines = out.split("\n")
    assert [bool(line) for line in lines] == [False, True, False, False, True, False, False]
    as_json = maksud("recognize", compact_run.path, "--json", stdin="\n").stdout
    (blank,) = map(json.loads, as_json.splitlines())
    full = json.loads(maksud("recognize", compact_run.path, "halo", "--json").stdout)
    assert set(blank) == set(full)
    assert (blank["utterance"], blank["text"], blank["calls"]) == ("", "", [])
    assert (blank["accepted"], blank["confidence"]) == (False, 0)
    assert blank["contract"] == full["contract"]


def test_bytes_that_are_no_text_are_told_with_their_line(compact_run: Run) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maksud", "recognize", str(compact_run.path)],
        input=b"halo\n\xff\n",
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 2 and b"standard input:2: byte 0xFF is not UTF-8" in done.stderr


def test_evaluation_leaves_out_what_has_no_answer_and_says_so(
    compact_run: Run, tmp_path: Path
) -> None:
    rows = [Example("putar lagu Rindu", "play_music(Rindu)"), Example("entahlah", "")]
    save(rows, tmp_path / "x.json")
    done = maksud("evaluate", compact_run.path, tmp_path / "x.json", "--json")
    assert json.loads(done.stdout)["examples"] == 1
    assert f"Left out: 1 examples without an answer ({tmp_path}/x.json:3)" in done.stderr


def test_compare(compact_run: Run, data: Path) -> None:
    done = maksud("compare", compact_run.path, compact_run.path, "--data", data, "--json")
    assert json.loads(done.stdout)
    assert "two runs" in error_of("compare", compact_run.path, "--data", data)


def test_init_starts_a_project_that_checks(tmp_path: Path) -> None:
    maksud("init", tmp_path / "mine", "--scenario", "customer_service", "--language", "en")
    assert (tmp_path / "mine" / "catalog.yaml").exists()
    counts: dict[str, Any] = json.loads(maksud("check", tmp_path / "mine", "--json").stdout)[
        "counts"
    ]
    assert counts["error"] == 0
    assert "is not empty" in error_of("init", tmp_path / "mine")
    assert "Nearest: voice_assistant" in error_of(
        "init", tmp_path / "other", "--scenario", "voice_asistant"
    )


def test_convert_and_split(data: Path, tmp_path: Path) -> None:
    maksud("convert", data / "train.json", tmp_path / "x.jsonl", "--catalog", tmp_path / "c.yaml")
    assert "intents:" in (tmp_path / "c.yaml").read_text()
    maksud("convert", tmp_path / "x.jsonl", tmp_path / "split", "--split")
    assert sorted(p.name for p in (tmp_path / "split").iterdir()) == [
        "dev.json",
        "test.json",
        "train.json",
    ]
    refused = error_of("convert", data / "train.json", tmp_path / "x.docx")
    assert "no format is written to '.docx' files. Use " in refused and " .json, " in refused


def test_a_catalog_in_each_shape(compact_run: Run, tmp_path: Path) -> None:
    names = {"weather_search", "play_music", "volume_down"}
    as_yaml = maksud("catalog", compact_run.path).stdout
    (tmp_path / "catalog.yaml").write_text(as_yaml, encoding="utf-8")
    tools = maksud("catalog", compact_run.path, "--tools").stdout
    assert {t["function"]["name"] for t in json.loads(tools)} == names
    assert maksud("catalog", tmp_path / "catalog.yaml", "--tools").stdout == tools
    (tmp_path / "tools.json").write_text(tools, encoding="utf-8")
    schema = json.loads(maksud("catalog", tmp_path / "tools.json", "--schema").stdout)
    assert set(schema["required"]) >= {"calls", "confidence", "accepted", "missing", "question"}
    assert "intents" in json.loads(maksud("catalog", compact_run.path, "--json").stdout)
    assert "no such run" in error_of("catalog", tmp_path / "nothing")
    assert "two things" in error_of("catalog", compact_run.path, "--tools", "--schema")


def test_models_list() -> None:
    ids = [m["id"] for m in json.loads(maksud("models", "list", "--json").stdout)]
    assert "smollm2-135m" in ids and "Qwen/Qwen1.5-1.8B-Chat" in ids


def test_bad_input_is_one_line_with_what_where_and_what_to_do(
    compact_run: Run, data: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('[\n{"instruction": "a", "output": "b()"},\n{"instruction": "c" oops}\n]')
    assert f"{broken}:3" in error_of("train", broken, "--out", tmp_path / "r")

    unparseable = tmp_path / "calls.json"
    unparseable.write_text('[\n{"instruction": "a", "output": "play(x"}\n]')
    message = error_of("train", unparseable, "--out", tmp_path / "r")
    assert f"{unparseable}:2" in message and "Close the call with ')'" in message
    assert maksud("check", unparseable, code=2).stdout

    empty = tmp_path / "empty.json"
    empty.write_text("")
    assert "0 bytes" in error_of("check", empty)

    unknown = tmp_path / "unknown.json"
    unknown.write_text('[{"instruction": "a", "output": "play_musik()"}]')
    (tmp_path / "catalog.yaml").write_text("intents: {play_music: {}}")
    found = maksud("check", unknown, "--catalog", tmp_path / "catalog.yaml", "--json", code=2)
    assert "Nearest: play_music" in found.stdout

    assert "no such run" in error_of("recognize", tmp_path / "nowhere", "halo")
    assert "no such run" in error_of("serve", tmp_path / "nowhere")
    assert "no such file" in error_of("evaluate", compact_run.path, tmp_path / "nowhere.json")
    assert "no test split" in error_of("evaluate", compact_run.path, _only_train(tmp_path))
    assert "exists already" in error_of("train", data, "--out", compact_run.path)
    maksud("train", data, code=2)  # --out is missing: usage
    maksud("chek", code=2)


def _only_train(tmp_path: Path) -> Path:
    folder = tmp_path / "only"
    folder.mkdir()
    (folder / "train.json").write_text('[{"instruction": "a", "output": "b()"}]')
    return folder


def test_an_overlong_utterance_is_answered_in_bounded_time(compact_run: Run) -> None:
    done = maksud("recognize", compact_run.path, "--json", stdin="putar lagu " * 20_000 + "\n")
    assert json.loads(done.stdout)["text"]


def test_a_port_in_use_is_told_before_anything_is_loaded(compact_run: Run) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in error_of("serve", compact_run.path, "--port", port, code=3)


def test_help_teaches() -> None:
    page = maksud("--help").stdout
    for command in ("check", "train", "evaluate", "recognize", "serve", "demo", "models"):
        assert command in page
    assert "--per-intent" in maksud("train", "--help").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a child is POSIX")
def test_ctrl_c_says_so(compact_run: Run) -> None:
    command = [sys.executable, "-m", "maksud", "recognize", str(compact_run.path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        child.stdin.write("kecilkan suaranya\n")
        child.stdin.flush()
        assert child.stdout.readline()  # loaded, and waiting for the next line
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130
        assert child.stderr.read().strip().splitlines()[-1] == "error: interrupted"


FULL = Path("/dev/full")


def buffered() -> dict[str, str]:
    """What can't be written is tried once more when Python ends, unless it is unbuffered."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def deaf(mouth: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Runs the command with a standard output or error whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, mouth: writer}
    command = [sys.executable, "-m", "maksud", *map(str, arguments)]
    try:
        return subprocess.run(command, timeout=120, env=buffered(), **streams)
    finally:
        os.close(writer)


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is Linux")
def test_a_full_disk_behind_the_output_is_told_and_costs_no_measurement(
    compact_run: Run, data: Path, tmp_path: Path
) -> None:
    run, out = compact_run.path, tmp_path / "out"
    commands: list[tuple[object, ...]] = [
        ("recognize", run, "putar lagu Rindu"),
        ("evaluate", run, data, "--limit", 2, "--out", out),
        ("compare", run, run, "--data", data, "--limit", 2, "--out", out, "--json"),
        ("models", "list"),
        ("--help",),
    ]
    for command in commands:
        with FULL.open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "maksud", *map(str, command)],
                stdout=full,
                stderr=subprocess.PIPE,
                env=buffered(),
                text=True,
                timeout=120,
            )
        errors = [line for line in done.stderr.splitlines() if "rror" in line]
        assert done.returncode == 3 and len(errors) == 1, (command, done.stderr)
        if command != ("--help",):
            about = "error: standard output: can't be written (No space left on device). Make room"
            assert errors[0].startswith(about)
        assert "no space left" in errors[0].casefold()
    assert {p.name for p in out.iterdir()} == {*REPORT, *COMPARISON}


@pytest.mark.skipif(sys.platform == "win32", reason="pipes without a reader are POSIX")
def test_a_reader_who_left_ends_the_command_well_and_costs_no_measurement(
    compact_run: Run, data: Path, tmp_path: Path
) -> None:
    run, out = compact_run.path, tmp_path / "out"
    for command in (
        ("--help",),
        ("train", "--help"),
        ("--version",),
        ("recognize", run, "putar lagu Rindu"),
        ("evaluate", run, data, "--limit", 2, "--out", out),
        ("compare", run, run, "--data", data, "--limit", 2, "--out", out, "--json"),
    ):
        done = deaf("stdout", *command)
        assert done.returncode == 0 and b"rror" not in done.stderr, (command, done.stderr)
    assert {p.name for p in out.iterdir()} == {*REPORT, *COMPARISON}
    # Nobody hears of the progress: the work goes on.
    done = deaf("stderr", "evaluate", run, data, "--limit", 2, "--out", tmp_path / "unheard")
    assert done.returncode == 0 and b"exact match" in done.stdout
    assert {p.name for p in (tmp_path / "unheard").iterdir()} == set(REPORT)
    assert deaf("stderr", "recognize", tmp_path / "nowhere", "halo").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="the shell's way to close a stream")
def test_without_any_standard_output_nothing_fails(compact_run: Run) -> None:
    command = [sys.executable, "-m", "maksud", "recognize", str(compact_run.path), "halo"]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    assert subprocess.run(closed, stderr=subprocess.PIPE, timeout=120).returncode == 0
