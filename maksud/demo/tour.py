"""`maksud demo`: the whole road on the shipped data, as a user would walk it.

check → train compact on all rows → tune a pretrained encoder and the embedded language model on a
few rows an intent → evaluate all → serve → real HTTP calls through the official OpenAI client.
Everything is done by the same functions and the same command that users call; nothing is prepared
beforehand.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maksud.data.checks import check
from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load, save
from maksud.demo.questions import ASKED, Question
from maksud.demo.shipped import load_shipped
from maksud.errors import EngineError, MaksudError, SystemFault
from maksud.progress import show
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.recognition import Recognizer
from maksud.recognizers.runs import Run
from maksud.recognizers.settings import TrainSettings

if TYPE_CHECKING:
    from rich.console import Console

    from maksud.evaluation.report import Report

ENCODER = "e5-small"
LANGUAGE_MODEL = "smollm2-135m"
ENGLISH = "en"
"""What that language model was pretrained on: it is tuned, measured and asked in English alone."""
ENCODER_SAMPLE = 100
"""Examples of each intent that heads on the encoder as it is are trained on: a minute or two, of
which compact networks beside it would take another."""
LANGUAGE_MODEL_SAMPLE = 18
"""Examples of each intent that the language model is tuned on: it learns from two or three a second
on two cores."""
PAIRS_LEFT = 8
"""Of so many contrast pairs that sample is drawn from one: in minutes a model learns ordinary
wishes, or little of either."""
LANGUAGE_MODEL_EPOCHS = 1
"""One pass over many examples teaches more than several over few."""
TOKENS_PER_PACK = 200
"""Small steps, so that there are a hundred of them."""
DECISION_WEIGHT = 3
"""Which calls is what there is most to learn: values are copied."""
MEMBERS = 2
"""Networks in the compact committee: half of the default, for half of the time."""
COMPACT_EPOCHS = 6
"""Passes over the data: half of the default, for half of the time."""
TEST_SAMPLE = 60
"""Test examples that all recognizers are measured on, so that their figures can be compared."""
CALIBRATION_SAMPLE = 80
"""Held-out examples that a pretrained model's confidence is calibrated on."""
LATENCY_SAMPLE = 12


def tour(directory: Path, *, scenario: str = "", quick: bool = False, keep: bool = False) -> None:
    """Walks the road, writing data, runs and reports to `directory`.

    `scenario`: the shipped data to take, all where it is empty. `quick`: the compact recognizer
    only. `keep`: goes on serving until interrupted.
    Raises `MaksudError` where a step fails; only a pretrained model that can't be had is passed
    over, with a line that says so.
    """
    from rich.console import Console

    console = Console(highlight=False)
    started = time.perf_counter()
    data = _prepare(console, directory, scenario)
    runs = [_compact(console, data, directory)]
    if not quick:
        tuned = (_encoder(console, data, directory), _language_model(console, data, directory))
        runs += [run for run in tuned if run is not None]
    _evaluate(console, data, runs, directory)
    _serve_and_ask(console, runs, directory, ASKED[scenario], keep=keep, started=started)


# ---------------------------------------------------------------- the steps


def _prepare(console: Console, directory: Path, scenario: str) -> Dataset:
    what = scenario.replace("_", " ") or "two scenarios"
    _title(console, "Data", f"shipped with Maksud: {what}, Indonesian and English")
    save(load_shipped(scenario), directory / "data")
    data = load(directory / "data", name="demo")
    found = check(data)
    counts = found.counts
    if counts["error"]:
        raise MaksudError("the shipped data has errors", hint="Please report it")
    multi = sum(len(e.calls) > 1 for e in data)
    turns = sum(e.is_multi_turn for e in data)
    console.print(f"  {len(data.catalog)} intents · {data!r}")
    console.print(f"  {multi:,} with several intents, {turns:,} folded from several turns")
    console.print("  check: " + ", ".join(f"{n} {level}s" for level, n in counts.items()))
    return data


def _compact(console: Console, data: Dataset, directory: Path) -> Run:
    from maksud.recognizers.compact.settings import CompactSettings

    _title(console, "Train", "a compact network, from scratch, on this CPU")
    kind = CompactSettings(members=MEMBERS, epochs=COMPACT_EPOCHS)
    settings = TrainSettings(base="compact", kind=kind)
    with show(console, transient=True, indent="  ") as tell:
        run = train(
            data,
            out=directory / "runs" / "compact",
            settings=settings,
            overwrite=True,
            on_progress=tell,
        )
    _trained(console, run)
    return run


def _encoder(console: Console, data: Dataset, directory: Path) -> Run | None:
    from maksud.recognizers.choosing import missing_for_encoder
    from maksud.recognizers.encoder.settings import EncoderSettings

    title = f"heads on the encoder {ENCODER}, on a sample of {ENCODER_SAMPLE} examples per intent"
    _title(console, "Train", title)
    kind = EncoderSettings(depth="frozen", companions=0)
    return _pretrained(
        console, data, directory, ENCODER, ENCODER_SAMPLE, kind, missing_for_encoder()
    )


def _language_model(console: Console, data: Dataset, directory: Path) -> Run | None:
    from importlib.util import find_spec

    from maksud.recognizers.language_model.settings import LanguageModelSettings

    title = f"LoRA on the language model {LANGUAGE_MODEL}, "
    title += f"{LANGUAGE_MODEL_SAMPLE} examples per intent in English"
    _title(console, "Tune", title)
    kind = LanguageModelSettings(
        num_train_epochs=LANGUAGE_MODEL_EPOCHS,
        tokens_per_pack=TOKENS_PER_PACK,
        decision_weight=DECISION_WEIGHT,
        evaluations=1,
        dev_answer_rows=0,
    )
    missing = [m for m in ("torch", "transformers", "peft", "gguf") if find_spec(m) is None]
    why = f"{', '.join(missing)} is not installed (maksud[lm])" if missing else ""
    return _pretrained(
        console, _in_english(data), directory, LANGUAGE_MODEL, LANGUAGE_MODEL_SAMPLE, kind, why
    )


def _pretrained(
    console: Console,
    data: Dataset,
    directory: Path,
    base: str,
    per_intent: int,
    kind: Any,
    missing: str,
) -> Run | None:
    """A run of a pretrained base; None, told in a line, where it can't be had.

    `missing`: what is not installed that it needs, in words.
    """
    from maksud.recognizers.language_model.folder import ENCODERS, LANGUAGE_MODELS
    from maksud.recognizers.language_model.gallery import get

    if missing:
        console.print(f"  passed over: {missing}", markup=False)
        return None
    try:
        with show(console, transient=True, indent="  ") as tell:
            get(base, tell, ENCODERS | LANGUAGE_MODELS)
    except SystemFault as error:
        console.print(f"  passed over: the model can't be had here: {error}", markup=False)
        return None
    settings = TrainSettings(
        base=base, per_intent=per_intent, calibration_examples=CALIBRATION_SAMPLE, kind=kind
    )
    with show(console, transient=True, indent="  ") as tell:
        run = train(
            _mostly_plain(data),
            out=directory / "runs" / base,
            settings=settings,
            overwrite=True,
            on_progress=tell,
        )
    _trained(console, run)
    return run


def _mostly_plain(data: Dataset) -> Dataset:
    """The data with one of `PAIRS_LEFT` contrast pairs of its training rows."""
    places: dict[object, int] = {}
    kept = []
    for e in data:
        pair = e.metadata.get("pair") if e.split == "train" else None
        if pair is None or places.setdefault(pair, len(places)) % PAIRS_LEFT == 0:
            kept.append(e)
    return Dataset(kept, catalog=data.catalog, name=data.name)


def _in_english(data: Dataset) -> Dataset:
    rows = (e for e in data if e.metadata.get("language") == ENGLISH)
    return Dataset(rows, catalog=data.catalog, name=data.name)


def _evaluate(console: Console, data: Dataset, runs: Sequence[Run], directory: Path) -> None:
    from maksud.evaluation.comparison import compare
    from maksud.evaluation.files import write_report
    from maksud.evaluation.report import evaluate
    from maksud.evaluation.terminal import draw_comparison, draw_report

    several = len(runs) > 1
    test, language = data.test, ""
    if any(run.name == LANGUAGE_MODEL for run in runs):
        test, language = _in_english(test), " in English"
    sample = _sample(test) if several else list(test)
    what = (
        f"{len(sample)} of {len(test):,} test examples{language}" if several else "the test split"
    )
    _title(console, "Evaluate", f"{what}; no value in them occurs in training")
    reports: list[Report] = []
    with show(console, transient=True, indent="  ") as tell:
        for run in runs:
            recognizer: Recognizer = load_recognizer(run)
            report = evaluate(recognizer, sample, latency_sample=LATENCY_SAMPLE, progress=tell)
            write_report(report, directory / "reports" / run.name, overwrite=True)
            reports.append(report)
            del recognizer
    console.print(draw_comparison(compare(reports)) if several else draw_report(reports[0]))
    for run in runs:
        console.print(f"  report: {directory / 'reports' / run.name / 'report.html'}")


def _sample(test: Dataset) -> list[Example]:
    import random

    if len(test) <= TEST_SAMPLE:
        return list(test)
    return [test[k] for k in sorted(random.Random(0).sample(range(len(test)), TEST_SAMPLE))]


def _serve_and_ask(
    console: Console,
    runs: Sequence[Run],
    directory: Path,
    questions: Sequence[Question],
    *,
    keep: bool,
    started: float,
) -> None:
    _title(console, "Serve and ask", "HTTP on loopback, bearer token, the OpenAI client")
    token = f"mk-{secrets.token_urlsafe(24)}"
    with _server(runs, token) as (url, server):
        console.print(f"  {url}/v1  ·  token {token}")
        try:
            for run in runs:
                own = [q for q in questions if run.name != LANGUAGE_MODEL or q[1] == ENGLISH]
                _ask(console, url, token, run.name, own)
        except Exception as error:
            raise EngineError(f"the server did not answer as it should: {error}") from error
        _summary(console, runs, directory, questions, time.perf_counter() - started)
        if keep:
            console.print(f"\nServing at {url}/v1 with the token above. Ctrl-C ends it.")
            try:
                server.wait()
            except KeyboardInterrupt:
                return


def _ask(console: Console, url: str, token: str, model: str, questions: Sequence[Question]) -> None:
    from openai import OpenAI

    client = OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=1, timeout=60)
    console.print(f"  [bold]{model}[/bold]")
    before = ""
    for label, _, turns, right in questions:
        messages: list[Any] = []
        for turn in turns:
            messages.append({"role": "user", "content": turn})
            answer = client.chat.completions.create(model=model, messages=messages)
            message = answer.choices[0].message
            content = message.content or ""
            extra: dict[str, Any] = (message.model_extra or {}).get("maksud") or {}
            asked = [m["question"] for m in extra.get("missing") or []]
            said = asked[0] if asked and extra.get("accepted") else content
            messages.append({"role": "assistant", "content": said})
            told = "" if label == before else label
            before = label
            console.print(f"    [dim]{told:<16}[/dim]{turn}", markup=True)
            sure = f"[dim]{extra['confidence']:.2f}[/dim]" if "confidence" in extra else ""
            asks = f"  asks: {asked[0]}" if said != content else ""
            console.print(f"    {'':<16}[green]→ {content}[/green]  {sure}{asks}", soft_wrap=True)
        if content != right:
            best = extra.get("text") or content
            refused = f"; {best} was not sure enough" if best == right else ""
            wrong = f"[yellow]wrong: {right} is right{refused}[/yellow]"
            console.print(f"    {'':<16}{wrong}", soft_wrap=True)


def _summary(
    console: Console,
    runs: Sequence[Run],
    directory: Path,
    questions: Sequence[Question],
    seconds: float,
) -> None:
    _title(console, "Done", f"{seconds / 60:.1f} minutes")
    first = runs[0].path
    console.print(f"  data     {directory / 'data'}   (edit it, or bring your own)")
    console.print(f"  runs     {', '.join(str(r.path) for r in runs)}")
    console.print(f"  reports  {directory / 'reports'}")
    console.print("  next:")
    console.print(f'    maksud recognize {first} "{questions[0][2][0]}"', soft_wrap=True)
    console.print(f"    maksud serve {first}")
    console.print("    maksud init my-project && maksud check my-project")


# ---------------------------------------------------------------- the server


@contextmanager
def _server(runs: Sequence[Run], token: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`maksud serve` as a child on a free port; yields its URL once it is ready."""
    command = [sys.executable, "-m", "maksud", "serve", *(str(r.path) for r in runs)]
    command += ["--port", "0", "--json"]
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MAKSUD_TOKEN": token},
    )
    try:
        yield _address(child), child
    finally:
        child.terminate()
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()


def _address(child: subprocess.Popen[str], patience: float = 120) -> str:
    lines: queue.Queue[str] = queue.Queue()
    said: list[str] = []

    def pump(stream: Any, keep: Callable[[str], None]) -> None:
        for line in stream:
            keep(line)

    for stream, keep in ((child.stdout, lines.put), (child.stderr, said.append)):
        threading.Thread(target=pump, args=(stream, keep), daemon=True).start()
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            return str(json.loads(lines.get(timeout=0.5))["url"]).removesuffix("/v1")
        except queue.Empty:
            if child.poll() is not None:
                break
    last = said[-1].strip() if said else "it said nothing"
    raise SystemFault(f"the server did not start: {last}")


# ---------------------------------------------------------------- drawing


def _title(console: Console, step: str, text: str) -> None:
    console.print(f"\n[bold]{step}[/bold]  [dim]{text}[/dim]")


def _trained(console: Console, run: Run) -> None:
    metrics = run.metrics
    about = metrics["calibration"]
    n = run.manifest["data"]["train"]
    console.print(
        f"  {n:,} examples, {metrics['total_seconds']:.0f} s · {about['exact_match']:.1%} of "
        f"{about['examples']} held-out answers wholly right"
    )
    rule = run.contract.rule
    console.print(
        f"  acted on from confidence {run.contract.threshold:.2f}"
        + (f": {rule.summary}" if rule else "")
    )
    if about.get("acted"):
        console.print(
            f"  held out, {about['acted'] / about['examples']:.0%} are acted on, and "
            f"{about['wrong'] / about['acted']:.1%} of the acts are wrong"
        )
