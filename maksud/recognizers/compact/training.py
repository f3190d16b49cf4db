"""Trains the compact recognizer: labelled examples in, a directory of weights out.

One recipe serves all sizes of data; what depends on size is derived in `CompactSettings`. Each
epoch composes its utterances anew (`joint.augmentation`) and hides rare words (`loop`).
Deterministic for a seed and a number of threads. torch is imported inside `train_compact`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maksud.data.dataset import Example
from maksud.language.catalog import Catalog
from maksud.progress import OnProgress
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.compact.words import WordTable
from maksud.recognizers.joint.alignment import corpus_of
from maksud.recognizers.joint.framed import Framed
from maksud.recognizers.joint.linear import Linear
from maksud.recognizers.joint.nearness import Nearness
from maksud.recognizers.joint.planning import Plan
from maksud.recognizers.joint.saving import describe_heads
from maksud.recognizers.joint.weights import save_weights

if TYPE_CHECKING:
    from maksud.recognizers.compact.network import Network


def train_compact(
    train: Sequence[Example],
    dev: Sequence[Example],
    catalog: Catalog,
    out: Path,
    settings: CompactSettings | None = None,
    progress: OnProgress | None = None,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Trains on `train` and writes model.safetensors and joint.json into the directory `out`.

    `dev` is not learned from: the caller calibrates on it. Returns what was measured: CPU
    seconds, epochs, loss, parameters, under "skipped" what could not be used and why, under
    "skipped_at" where, and under "settings" each setting as it was carried out.
    Raises `DataError` where there is nothing to learn from.
    """
    import torch

    from maksud.recognizers.compact.loop import fit
    from maksud.recognizers.joint.linear_training import fit_framed, fit_linear

    started, cpu = time.perf_counter(), time.process_time()
    corpus = corpus_of(train, catalog)
    settings = settings or CompactSettings()
    plan = Plan.build(corpus, contrast=settings.frame > 0)
    resolved = settings.resolved(len(corpus.clauses), len(plan.intents))
    words = WordTable.build(plan, resolved.buckets)
    threads = torch.get_num_threads()
    torch.set_num_threads(resolved.threads)
    try:
        network, loss = fit(plan, words, resolved, seed, progress)
        linear = fit_linear(corpus.clauses, plan.intents, resolved.linear)
        framed = fit_framed(plan, seed)
    finally:
        torch.set_num_threads(threads)
    nearness = Nearness.build(corpus.clauses, plan.intents, seed)
    beside = [m for m in (nearness, linear, framed) if m is not None]
    _save(network, words, plan, beside, Path(out))
    parameters = sum(p.numel() for p in network.parameters())
    tables = sum(p.numel() for n, p in network.named_parameters() if "word" in n or "gram" in n)
    return {
        "examples": len(train),
        "dev_examples": len(dev),
        **corpus.report(),
        "intents": len(plan.intents),
        "parameters": parameters,
        "parameters_network": parameters - tables,
        "epochs": resolved.epochs,
        "members": resolved.members,
        "loss": round(loss, 4),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "seconds": round(time.perf_counter() - started, 2),
        "settings": asdict(resolved),
    }


def _save(
    network: Network,
    words: WordTable,
    plan: Plan,
    beside: Sequence[Nearness | Linear | Framed],
    out: Path,
) -> None:
    network.heads.settle(plan)
    tensors = {
        name: np.ascontiguousarray(p.detach().numpy()) for name, p in network.named_parameters()
    }
    for member in beside:
        tensors |= member.tensors()
    extractor = {
        "shape": asdict(network.extractor.shape),
        "vocabulary": words.vocabulary.to_list(),
    }
    save_weights(out, extractor | describe_heads(plan), tensors)
