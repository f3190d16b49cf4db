"""Compares the compact recognizer with linear baselines: `python benchmarks/baselines.py DIR…`.

Who has few examples an intent would otherwise write ten lines of scikit-learn: TF-IDF of words,
pairs of words and character n-grams, a support vector machine or logistic regression. Accuracy
of the intent on the utterances of the split with one call in scope, all trained on the same rows.
`--per-intent 5 20 0`: so many examples an intent, 0 for all.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from reporting import Column, Row, arguments, percent, run
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

import maksud
from maksud.language.calls import NONE
from maksud.recognizers.door import balanced_sample
from maksud.settings import read_pairs

COLUMNS = (
    Column("train_examples", "training rows", ".0f"),
    percent("compact", "compact"),
    percent("svm", "TF-IDF + linear SVM"),
    percent("logistic", "TF-IDF + logistic regression"),
    Column("difference", "compact less the better baseline", "+.1f", 100.0),
    Column("train_cpu_seconds", "training of compact, CPU s", ".0f"),
)


def measure(
    data: maksud.Dataset, seed: int, *, split: str, per_intent: int, given: dict[str, str]
) -> Row:
    """Trains all three on one sample: a row of figures."""
    asked = [e for e in data.of(split) if len(e.calls) == 1 and e.calls != (NONE,)]
    gold = [e.calls[0].intent for e in asked]
    sample = balanced_sample(data.train, per_intent, seed) if per_intent else data.train
    rows = [e for e in sample if len(e.calls) == 1 and e.calls != (NONE,)]
    row: Row = {"seed": seed, "train_examples": len(rows)}
    for name, learner in (("svm", LinearSVC()), ("logistic", LogisticRegression(C=30))):
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        model = make_pipeline(make_union(words, letters), learner)
        model.fit([e.instruction for e in rows], [e.calls[0].intent for e in rows])
        row[name] = _share(model.predict([e.instruction for e in asked]).tolist(), gold)
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "run"
        settings = {"base": "compact", "seed": seed, "per_intent": per_intent, **given}
        trained = maksud.train(data, out=out, **settings)
        answers = maksud.load_recognizer(trained).recognize([e.instruction for e in asked])
        row["train_cpu_seconds"] = trained.metrics["cpu_seconds"]
    row["compact"] = _share([a.calls[0].intent for a in answers], gold)
    row["difference"] = row["compact"] - max(row["svm"], row["logistic"])
    return row


def _share(answers: Sequence[str], gold: Sequence[str]) -> float:
    return sum(a == g for a, g in zip(answers, gold, strict=True)) / len(gold)


def main() -> int:
    """Measures each set with each number of examples an intent."""
    parser = arguments(__doc__, seeds=(0, 1, 2))
    parser.add_argument("--per-intent", nargs="+", type=int, default=[5, 10, 20, 50, 0])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    settings = read_pairs(given.set)
    for number in given.per_intent:
        suffix = f", {number} an intent" if number else ", all"
        each = partial(measure, split=given.split, per_intent=number, given=settings)
        code = run(given, COLUMNS, each, suffix=suffix)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
