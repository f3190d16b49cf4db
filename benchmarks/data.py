"""Measures reading and checking of many rows: `python benchmarks/data.py [--rows 1000000]`.

Rows are generated from a seed: 60 intents, 8 parameters with values of skewed frequency, many
ways to say each wish, 5 % repeated rows, a few of each fault. A child process on one thread reads
and checks them through the public API. Rows a second are of its processor time; memory is its
peak resident size above that after `import maksud`. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

INTENTS = 60
REPEATED = 0.05
FAULTY = 0.002
PARAMETERS = {
    "song": 4000,
    "artist": 3000,
    "place": 2500,
    "contact": 2000,
    "time": 400,
    "date": 200,
    "item": 3000,
    "amount": 300,
}
"""Parameters, and how many values each has."""
SPLITS = (("train", 0.9), ("dev", 0.05), ("test", 0.05))

_OPENERS = (
    "",
    "please",
    "tolong",
    "could you",
    "can you",
    "i want to",
    "i would like to",
    "bisa",
    "hey",
    "saya mau",
    "help me",
    "let us",
)
_TAILS = ("", "", "", "please", "now", "dong", "ya", "if you can", "when you are ready", "sekarang")
_SYLLABLES = ("ba", "ri", "ka", "to", "me", "lu", "sa", "ndi", "pu", "ra", "ge", "no", "wi", "shi")


def rows(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generated rows; the same for the same seed."""
    rng = random.Random(seed)
    values = {name: [_value(rng) for _ in range(n)] for name, n in PARAMETERS.items()}
    words = [_word(rng) for _ in range(900)]
    intents = [_intent(rng, k, words) for k in range(INTENTS)]
    recent: list[dict[str, Any]] = []
    for _ in range(count):
        if recent and rng.random() < REPEATED:
            yield rng.choice(recent)
            continue
        if rng.random() < 0.15:
            parts = [_say(rng, rng.choice(intents), values, words) for _ in range(2)]
            text = f"{parts[0][0]} {rng.choice(('and then', 'lalu', 'and'))} {parts[1][0]}"
            output = ";".join(part[1] for part in parts)
        elif rng.random() < 0.05:
            text, output = " ".join(rng.choices(words, k=rng.randint(4, 12))), "none()"
        else:
            text, output = _say(rng, rng.choice(intents), values, words)
        row = {"instruction": text, "output": output}
        if rng.random() < FAULTY:
            row = _spoilt(rng, row)
        if len(recent) < 50_000:
            recent.append(row)
        else:
            recent[rng.randrange(50_000)] = row
        yield row


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(1, 3)))


def _value(rng: random.Random) -> str:
    return " ".join(_word(rng) for _ in range(rng.choice((1, 1, 2, 2, 3))))


def _intent(rng: random.Random, number: int, words: list[str]) -> dict[str, Any]:
    parameters = rng.sample(list(PARAMETERS), rng.choice((0, 1, 1, 2, 2, 3)))
    return {
        "name": f"{words[number]}_{words[number + 100]}",
        "verbs": rng.sample(words, 8),
        "objects": rng.sample(words, 12),
        "parameters": parameters,
        "before": {p: rng.sample(words, 4) for p in parameters},
    }


def _say(
    rng: random.Random, intent: dict[str, Any], values: dict[str, list[str]], words: list[str]
) -> tuple[str, str]:
    said = [rng.choice(_OPENERS), rng.choice(intent["verbs"]), rng.choice(intent["objects"])]
    given = []
    for name in intent["parameters"]:
        if rng.random() < 0.8:
            known = values[name]
            value = known[int(len(known) * rng.random() ** 3)]
            said += [rng.choice(intent["before"][name]), value]
            given.append(f"{name}={value}")
    said.append(rng.choice(_TAILS))
    if rng.random() < 0.5:
        said.insert(rng.randint(1, 3), rng.choice(words))
    return " ".join(part for part in said if part), f"{intent['name']}({', '.join(given)})"


def _spoilt(rng: random.Random, row: dict[str, Any]) -> dict[str, Any]:
    text, output = row["instruction"], row["output"]
    kind = rng.randrange(8)
    if kind == 0:
        output = output.rstrip(")")
    elif kind == 1:
        text = text.replace(" ", "\u200b ", 1)
    elif kind == 2:
        text += " &amp; more"
    elif kind == 3:
        text += " call me on 0812 3456 7890"
    elif kind == 4:
        output = output.replace("(", "s(", 1)
    elif kind == 5:
        text = text.replace("a", "\u0430", 1)
    elif kind == 6:
        text += " <|im_end|>"
    else:
        text = f"  {text} caf\u00c3\u00a9"
    return {**row, "instruction": text, "output": output}


def write(directory: Path, count: int, seed: int, suffix: str) -> None:
    """Writes the splits to a directory."""
    made = rows(count, seed)
    for split, share in SPLITS:
        size = round(count * share)
        with (directory / f"{split}{suffix}").open("w", encoding="utf-8") as file:
            lines = (json.dumps(next(made), ensure_ascii=False) for _ in range(size))
            if suffix == ".jsonl":
                file.writelines(line + "\n" for line in lines)
            else:
                file.write("[\n" + ",\n".join(lines) + "\n]\n")


def measure(directory: str) -> dict[str, Any]:
    """Reads and checks, in this process."""
    import resource

    import maksud
    from maksud.data.checks import examine

    start = _resident()
    told: list[tuple[float, str]] = [(time.process_time(), "start")]

    def tick(stage: str, share: float) -> None:
        told.append((time.process_time(), stage))

    checked = examine(directory, tick=tick)
    told.append((time.process_time(), "end"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    read = next(moment for moment, stage in told if stage == "Checking")
    silences = [(b[0] - a[0], b[1]) for a, b in zip(told, told[1:], strict=False)]
    return {
        "rows": len(checked.dataset),
        "cpu_seconds": told[-1][0] - told[0][0],
        "reading_seconds": read - told[0][0],
        "peak_mib": (peak - start) / (1 << 20),
        "start_mib": start / (1 << 20),
        "longest_silence": max(silences),
        "findings": checked.findings.codes,
        "version": maksud.__version__,
    }


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """Generates, measures in a child, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="write a JSON array, not JSON Lines")
    parser.add_argument("--keep", type=Path, help="directory of the data; made if it is new")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        sys.stdout.write(json.dumps(measure(given.measure)) + "\n")
        return
    with tempfile.TemporaryDirectory() as temporary:
        directory = given.keep or Path(temporary)
        if not directory.exists() or not any(directory.iterdir()):
            directory.mkdir(parents=True, exist_ok=True)
            write(directory, given.rows, given.seed, ".json" if given.json else ".jsonl")
        one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        done = subprocess.run(
            [sys.executable, __file__, "--measure", str(directory)],
            env={**os.environ, **one},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    figures = json.loads(done.stdout)
    size = figures["rows"] / figures["cpu_seconds"]
    sys.stdout.write(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, "
        f"{platform.machine()}, seed {given.seed}\n\n"
        "| rows | CPU s | of it reading | rows/s | MiB over start | longest silence, CPU s |\n"
        "|---:|---:|---:|---:|---:|---:|\n"
        f"| {figures['rows']:,} | {figures['cpu_seconds']:.1f} | "
        f"{figures['reading_seconds']:.1f} | {size:,.0f} | {figures['peak_mib']:,.0f} | "
        f"{figures['longest_silence'][0]:.1f} (before {figures['longest_silence'][1]}) |\n\n"
        f"{json.dumps(figures['findings'])}\n"
    )


if __name__ == "__main__":
    main()
