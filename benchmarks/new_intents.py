"""New intents at once, beside those that were trained. Run by hand:

    python benchmarks/new_intents.py DIRECTORY… [--turns 1] [--examples 0 1 5] [--split test]

Ten intents at a time are left out of training (an encoder that is not tuned: minutes for the
largest sets), then added by a description and so many examples each, drawn from their training
rows. Of the split: the share of right intents on rows of the new and of the old ones, before and
after; what is refused of what is out of scope; how sure answers with a new intent were, and how
often they were right. Descriptions are a line each, written before any figure was seen; an intent
without one is described by its name.

`--vectors RUN` trains nothing: vectors are those of an encoder that was not tuned (RUN, of depth
`frozen`, on any data), 20 rows an intent are taken for what a run keeps, and the likeliest trained
intent by its vector stands for the network's answer, which is right more often.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from maksud.data.dataset import Dataset, Example
from maksud.data.formats.files import load
from maksud.language.calls import NONE
from maksud.language.catalog import Catalog, Intent
from maksud.recognizers.contract import Contract
from maksud.recognizers.door import load_recognizer, train
from maksud.recognizers.encoder.adding import Workshop
from maksud.recognizers.encoder.engine import Extractor
from maksud.recognizers.encoder.recognizer import EncoderRecognizer
from maksud.recognizers.joint.additions import join
from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.joint.tokens import tokenize
from maksud.recognizers.recognition import Recognition

DESCRIPTIONS = {
    "report_fraud": "tell the bank about a charge or transaction that looks like fraud",
    "routing": "the routing number of a bank",
    "book_hotel": "book a hotel room in a city for some nights",
    "maybe": "an unsure answer, neither yes nor no",
    "transfer": "move money from one account to another",
    "tire_change": "how to change a tire, or having one changed",
    "restaurant_suggestion": "suggest a restaurant for some kind of food",
    "nutrition_info": "how many calories or nutrients a food has",
    "timer": "set a timer for some minutes",
    "pto_used": "how many days of vacation I have taken so far",
    "ingredient_substitution": "what can be used instead of an ingredient in a recipe",
    "transactions": "show recent transactions of an account",
    "direct_deposit": "set up direct deposit of my pay",
    "mpg": "how many miles per gallon a car gets",
    "user_name": "what name the assistant calls me by",
    "change_user_name": "call me by another name from now on",
    "lost_luggage": "report luggage that was lost by an airline",
    "distance": "how far away a place is, or how long it takes to get there",
    "oil_change_when": "when the oil of my car should be changed",
    "change_volume": "turn the volume of the speaker up or down",
    "takeaway_query": "menanyakan pesanan makanan yang dibawa pulang atau diantar",
    "iot_hue_lightdim": "meredupkan lampu",
    "recommendation_events": "rekomendasi acara di sekitar sini",
    "transport_taxi": "memesan taksi atau ojek",
    "iot_hue_lighton": "menyalakan lampu",
    "alarm_set": "memasang alarm",
    "email_querycontact": "mencari alamat atau nomor seseorang di kontak",
    "lists_remove": "menghapus daftar atau isi daftar",
    "lists_query": "menanyakan isi daftar",
    "iot_hue_lightoff": "mematikan lampu",
    "general_joke": "menceritakan lelucon",
    "lists_createoradd": "membuat daftar baru atau menambah isi daftar",
    "iot_coffee": "membuat kopi dengan mesin kopi",
    "news_query": "menanyakan berita",
    "datetime_query": "menanyakan tanggal atau jam",
    "social_query": "menanyakan apa yang baru di media sosial",
    "calendar_remove": "menghapus acara dari kalender",
    "general_greet": "menyapa",
    "qa_currency": "menanyakan kurs mata uang",
    "audio_volume_up": "mengeraskan volume suara",
}
LEFT_OUT = 10
KEPT, ASKED = 20, 10
"""Rows of an intent, with `--vectors`: taken for what a run keeps, and asked."""


def main() -> None:
    """Trains, adds, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--turns", nargs="+", type=int, default=[0])
    parser.add_argument("--examples", nargs="+", type=int, default=[0, 1, 5])
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--per-intent", type=int, default=0)
    parser.add_argument("--rows", type=int, default=1000, help="rows of old intents; 0: all")
    parser.add_argument("--names-only", action="store_true", help="describe by names")
    parser.add_argument("--vectors", type=Path, metavar="RUN", help="train nothing")
    given = parser.parse_args()
    for directory in given.directories:
        data = load(directory)
        if given.vectors:
            _measure_vectors(directory.name, data, given)
            continue
        for turn in given.turns:
            _measure(directory.name, data, turn, given)


class _Vectors:
    """Vectors of what is said, standard by the training rows, as a run of such data has them."""

    def __init__(self, run: Path, rows: Sequence[str]) -> None:
        made = load_recognizer(run)
        assert isinstance(made, EncoderRecognizer)
        self._made = made
        extractor = made.extractor
        assert isinstance(extractor, Extractor)
        features = []
        for at in range(0, len(rows), 32):
            words = [[t.text for t in tokenize(r)] for r in rows[at : at + 32]]
            h, _, mask = extractor([w for w in words if w])
            features.append(h[0][mask[..., 0] > 0] / extractor.scale + extractor.mean)
        every = np.concatenate(features)
        extractor.mean, extractor.scale = every.mean(0), 1 / np.maximum(every.std(0), 1e-6)

    def __call__(self, texts: Sequence[str]) -> Floats:
        return self._made.embed([self._made.contract.read(t).text for t in texts])


def _measure_vectors(name: str, data: Dataset, given: argparse.Namespace) -> None:
    rng = random.Random(0)
    intents = sorted({c.intent for e in data.train for c in e.calls if c != NONE})
    order = random.Random(0).sample(intents, len(intents))

    def taken(split: str, number: int) -> list[Example]:
        alone = [e for e in data.of(split) if len(e.calls) == 1]
        by_intent = [[e for e in alone if e.calls[0].intent == i] for i in [*intents, "none"]]
        return [e for own in by_intent for e in rng.sample(own, min(number, len(own)))]

    shown, asked = taken("train", KEPT), taken(given.split, ASKED)
    embed = _Vectors(given.vectors, [e.instruction for e in shown])
    rows = embed([e.instruction for e in shown])
    vectors = embed([e.instruction for e in asked])
    gold = np.array([e.calls[0].intent for e in asked])
    for number in given.examples:
        figures = []
        for turn in given.turns:
            new = (order * 2)[LEFT_OUT * turn : LEFT_OUT * (turn + 1)]
            figures.append(_judge_vectors(shown, rows, vectors, gold, new, number, embed, given))
        mean = np.nanmean(np.array(figures), 0)
        _say(
            f"{name}, {given.split}, turns {given.turns}, {number} examples: new {mean[0]:.1%}; "
            f"old {mean[1]:.1%} -> {mean[2]:.1%}; out of scope taken for new {mean[3]:.1%}; of "
            f"answers with a new intent {mean[4]:.1%} right, at a probability of {mean[5]:.3f}"
        )


def _judge_vectors(
    shown: Sequence[Example],
    rows: Floats,
    vectors: Floats,
    gold: Any,
    new: Sequence[str],
    number: int,
    embed: _Vectors,
    given: argparse.Namespace,
) -> list[float]:
    """(new right, old right before, old right after, out of scope taken, new answers right, their
    mean probability)."""
    owner = np.array([e.calls[0].intent for e in shown])
    names = [n for n in dict.fromkeys(owner.tolist()) if n not in new]
    places = [np.flatnonzero(owner == n) for n in names]
    begin = [0, *np.cumsum([len(p) for p in places]).tolist()]
    standing = SimpleNamespace(
        name="vectors", intents=names, trained=len(names), embed=embed,
        near=SimpleNamespace(begin=begin, vectors=rows[np.concatenate(places)]),
        contract=Contract(Catalog(())),
    )  # fmt: skip
    workshop = Workshop(cast(EncoderRecognizer, standing))
    odds = workshop.odds(number)
    rng, made = random.Random(2), None
    for name in new:
        own = [e.instruction for e in shown if e.calls[0].intent == name]
        about = "" if given.names_only else DESCRIPTIONS.get(name, "")
        one = workshop.add(Intent(name, about), rng.sample(own, min(number, len(own))), odds)
        made = one if made is None else made.beside(one)
    assert made is not None
    known = workshop.whole
    likeliest = known.classes.log_likelihoods(known.space.turned(vectors)).argmax(1)
    before = np.array([names[workshop.places[k]] for k in likeliest])
    joined = np.exp(join(np.zeros((len(gold), 1), np.float32), made.log_odds(vectors), gold == ""))
    taken = joined.argmax(1) > 0
    after = np.where(taken, np.array(["", *new])[joined.argmax(1)], before)
    fresh, out = np.isin(gold, new), gold == "none"
    old, said = ~fresh & ~out, taken & ~out
    pairs = ((after == gold, fresh), (before == gold, old), (after == gold, old), (taken, out),
             (after == gold, said), (joined.max(1), said))  # fmt: skip
    return [float(what[of].mean()) if of.any() else float("nan") for what, of in pairs]


def _measure(name: str, data: Dataset, turn: int, given: argparse.Namespace) -> None:
    intents = sorted({c.intent for e in data.train for c in e.calls if c != NONE})
    order = random.Random(0).sample(intents, len(intents))
    new = (order * 2)[LEFT_OUT * turn : LEFT_OUT * (turn + 1)]

    def is_new(e: Example) -> bool:
        return any(c.intent in new for c in e.calls)

    shown = Dataset((e for e in data if e.split != "test" and not is_new(e)), name=name)
    alone = [e for e in data.of(given.split) if len(e.calls) == 1]
    old = [e for e in alone if not is_new(e)]
    if given.rows:
        old = random.Random(1).sample(old, min(given.rows, len(old)))
    asked = [*old, *(e for e in alone if is_new(e))]
    with tempfile.TemporaryDirectory() as room:
        started = time.process_time()
        run = train(
            shown, out=Path(room) / "run", base="e5-small", depth="frozen", threads=1,
            per_intent=given.per_intent, calibration_examples=500, on_progress=False,
        )  # fmt: skip
        recognizer = load_recognizer(run)
        assert isinstance(recognizer, EncoderRecognizer)
        before = recognizer.recognize([e.instruction for e in asked])
        _say(
            f"{name}, {given.split}, turn {turn}: without {', '.join(new)}; trained in "
            f"{time.process_time() - started:.0f} CPU s"
        )
        workshop = Workshop(recognizer)
        for number in given.examples:
            started = time.process_time()
            made = _with(workshop, run.path, data, new, number, Path(room) / str(number), given)
            seconds = time.process_time() - started
            after = made.recognize([e.instruction for e in asked])
            _tell(number, asked, before, after, new, seconds)


def _with(
    workshop: Workshop,
    run: Path,
    data: Dataset,
    new: Sequence[str],
    number: int,
    place: Path,
    given: argparse.Namespace,
) -> EncoderRecognizer:
    """The recognizer with the new intents, each known by so many examples."""
    rng = random.Random(2)
    added, entries, odds = None, [], workshop.odds(number)
    for name in new:
        rows = [e.instruction for e in data.train if [c.intent for c in e.calls] == [name]]
        about = "" if given.names_only else DESCRIPTIONS.get(name, "")
        intent = Intent(name, about, data.catalog.get(name).parameters)  # type: ignore[union-attr]
        one = workshop.add(intent, rng.sample(rows, min(number, len(rows))), odds)
        added = one if added is None else added.beside(one)
        entries.append(intent)
    assert added is not None
    shutil.copytree(run, place)
    added.save(place)
    contract = workshop.recognizer.contract
    catalog = Catalog((*contract.catalog.intents, *entries))
    return EncoderRecognizer.load(place, replace(contract, catalog=catalog), "more")


def _tell(
    number: int,
    asked: Sequence[Example],
    before: Sequence[Recognition],
    after: Sequence[Recognition],
    new: Sequence[str],
    seconds: float,
) -> None:
    gold = [e.calls[0].intent for e in asked]
    was, is_ = ([a.calls[0].intent for a in answers] for answers in (before, after))
    fresh = [g in new for g in gold]
    out = [g == "none" for g in gold]
    old = [not f and not o for f, o in zip(fresh, out, strict=True)]
    acted = [a.accepted for a in after]
    say_new = [k for k, i in enumerate(is_) if i in new]
    sure = [after[k].confidence for k in say_new]
    right = [is_[k] == gold[k] for k in say_new]
    rest = [k for k, i in enumerate(is_) if i not in new and old[k]]
    line = (
        f"  {number} examples: new {_right(is_, gold, fresh)}; old {_right(was, gold, old)} -> "
        f"{_right(is_, gold, old)}; answers with a new intent right {_share(right)} at mean "
        f"confidence {sum(sure) / max(1, len(sure)):.3f}; with an old one, in scope, intent right "
        f"{_share([is_[k] == gold[k] for k in rest])} at "
        f"{sum(after[k].confidence for k in rest) / max(1, len(rest)):.3f}"
    )
    if any(out):
        refused = [not a.accepted for a, o in zip(before, out, strict=True) if o]
        still = [not a for a, o in zip(acted, out, strict=True) if o]
        line += f"; out of scope refused {_share(refused)} -> {_share(still)}"
    _say(f"{line}; {seconds / len(new):.1f} CPU s an intent")


def _right(answers: Sequence[str], gold: Sequence[str], of: Sequence[bool]) -> str:
    return _share([a == g for a, g, wanted in zip(answers, gold, of, strict=True) if wanted])


def _share(flags: Sequence[bool]) -> str:
    return f"{100 * sum(flags) / len(flags):.1f} %" if flags else "–"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
