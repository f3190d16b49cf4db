"""Trains the encoder recognizer: labelled examples and a base in, a directory of weights out.

The heads are trained on the base's features first; with depth `full` the encoder is tuned with
them after that. What recognition computes (`graph`) is written at the end, without torch.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maksud.data.dataset import Example
from maksud.language.catalog import Catalog
from maksud.progress import OnProgress, Progress
from maksud.recognizers.encoder.base import Base
from maksud.recognizers.encoder.companions import Companions, fit_companions
from maksud.recognizers.encoder.engine import GRAPH, Extractor, Graph, mean_of_pieces
from maksud.recognizers.encoder.graph import build_graph
from maksud.recognizers.encoder.nearness import EncodedNearness, pool
from maksud.recognizers.encoder.pieces import TOKENIZER, Pieces, Row, save_vectors
from maksud.recognizers.encoder.settings import EncoderSettings
from maksud.recognizers.joint.alignment import corpus_of
from maksud.recognizers.joint.choices import width_of
from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.joint.framed import Framed
from maksud.recognizers.joint.linear import Linear
from maksud.recognizers.joint.planning import Plan
from maksud.recognizers.joint.saving import describe_heads
from maksud.recognizers.joint.weights import save_weights
from maksud.recognizers.threads import core_count

if TYPE_CHECKING:
    import torch

    from maksud.recognizers.encoder.loop import Prepared
    from maksud.recognizers.encoder.network import Network

_MEASURED = 8
"""Batches on which it is measured how large the features get."""


def train_encoder(
    train: Sequence[Example],
    dev: Sequence[Example],
    catalog: Catalog,
    base: Base,
    out: Path,
    settings: EncoderSettings | None = None,
    progress: OnProgress | None = None,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Trains on `train` and writes the weights, the graph and the tokenizer into `out`.

    `dev` is not learned from: the caller calibrates on it. Returns what was measured, as
    `train_compact` does. Raises `DataError` where there is nothing to learn from.
    """
    import torch

    started, cpu = time.perf_counter(), time.process_time()
    corpus = corpus_of(train, catalog)
    settings = settings or EncoderSettings()
    plan = Plan.build(corpus, contrast=settings.frame > 0)
    s = settings.resolved(len(corpus.clauses), len(plan.intents))
    threads = torch.get_num_threads()
    torch.set_num_threads(s.threads or core_count())
    try:
        made = _Training(plan, base, s, Path(out), seed, progress or (lambda _: None))
        loss = made.run()
    finally:
        torch.set_num_threads(threads)
    network = made.network
    return {
        "examples": len(train),
        "dev_examples": len(dev),
        **corpus.report(),
        "intents": len(plan.intents),
        "parameters": sum(p.numel() for p in network.parameters()) + made.table_size,
        "parameters_network": sum(p.numel() for p in network.parameters()),
        "epochs": s.epochs,
        "loss": round(loss, 4),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "seconds": round(time.perf_counter() - started, 2),
        "settings": asdict(s),
    }


class _Training:
    """One training, step by step."""

    network: Network

    def __init__(
        self, plan: Plan, base: Base, s: EncoderSettings, out: Path, seed: int, tell: OnProgress
    ) -> None:
        import torch

        from maksud.recognizers.encoder.loop import Composer
        from maksud.recognizers.encoder.network import Network, Shape, load_encoder, shape_of

        self.plan, self.base, self.out, self.seed = plan, base, out, seed
        self.tell = tell
        torch.manual_seed(seed)
        self.rng = random.Random(seed)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        tell(Progress("encode", 0.0, "loading the encoder"))
        encoder, table = load_encoder(base.directory, device, s.dropout)
        self.table_size = int(table.size)
        self.shape = shape_of(encoder.model)
        self.s = s = replace(s, frozen_layers=min(s.frozen_layers, self.shape.read[0]))
        out.mkdir(parents=True, exist_ok=True)
        save_vectors(out, table)
        shutil.copyfile(base.directory / TOKENIZER, out / TOKENIZER)
        self.pieces = Pieces(out, base.begin, base.end)
        sizes = Shape(
            members=1,
            dim=self.shape.dim * len(self.shape.read),
            intents=len(plan.intents),
            parameters=len(plan.parameters),
            choices=width_of(plan.choices),
        )
        self.network = Network(encoder, sizes, s.dropout, seed, joins=plan.joins)
        self.network.heads.allowed.copy_(torch.from_numpy(plan.tag_penalties()))
        self.composer = Composer(plan, self.pieces, self.shape.positions, s, self.rng)

    def run(self) -> float:
        """Trains and writes; the last mean loss."""
        from maksud.recognizers.encoder.loop import fine_tune, fit_heads
        from maksud.recognizers.joint.linear_training import fit_framed, fit_linear

        s, network = self.s, self.network
        network.eval()
        frozen = s.depth == "frozen"
        if frozen:
            self._write_graph()
        prepared = self._prepare(frozen=frozen)
        loss = fit_heads(network.heads, self.plan, prepared, s.head_epochs, s, self.rng, self.tell)
        if not frozen:
            del prepared  # some KB a word
            loss = fine_tune(network, self.plan, self.composer, s, self.tell)
            self._write_graph()
        linear = fit_linear(self.plan.corpus.clauses, self.plan.intents, s.linear)
        framed = fit_framed(self.plan, self.seed)
        beside = [m for m in (linear, framed) if m is not None]
        self._write_heads(beside, fit_companions(self.plan, s, self.seed, self.tell))
        return loss

    def _prepare(self, *, frozen: bool) -> list[Prepared]:
        """The data composed several times, with its features."""
        import torch

        from maksud.recognizers.encoder.loop import prepare

        extract = None
        if frozen:  # as recognition computes them
            graph = Graph(self.out / GRAPH)

            def extract(rows: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor]:
                hidden = graph(*self.pieces.batch(rows))
                words, mask = mean_of_pieces(hidden, rows)
                return torch.from_numpy(words), torch.from_numpy(mask)

        views = [self.composer.compose() for _ in range(self.s.views)]
        return prepare(views, self.composer, self.network.encoder, extract, self.tell)

    def _extractor(self) -> Extractor:
        encoder = self.network.encoder
        graph = Graph(self.out / GRAPH)
        mean, scale = encoder.mean.numpy(), encoder.scale.numpy()
        return Extractor(graph, self.pieces, self.shape.positions, mean, scale)

    def _write_graph(self) -> None:
        from maksud.recognizers.encoder.network import measure, weights_of

        self.tell(Progress("export", 0.0, "writing what recognition computes"))
        model = self.network.encoder.model
        weights = weights_of(model)
        largest: dict[str, Floats] = {}
        if self.s.eight_bit:
            batches = self.composer.compose()[:_MEASURED]
            rows = [self.composer.rows_of(batch) for batch in batches]
            largest = measure(self.network.encoder, self.pieces, rows)
        content = build_graph(self.shape, weights, largest if self.s.eight_bit else None)
        (self.out / GRAPH).write_bytes(content)
        self.tell(Progress("export", 1.0, f"{len(content) / 1e6:.0f} MB"))

    def _write_heads(
        self, beside: Sequence[Linear | Framed], companions: Companions | None
    ) -> None:
        heads, encoder = self.network.heads, self.network.encoder
        heads.settle(self.plan)
        tensors = {
            f"heads.{name}": np.ascontiguousarray(p.detach().numpy())
            for name, p in heads.named_parameters()
        }
        tensors["features.mean"] = encoder.mean.numpy()
        tensors["features.scale"] = encoder.scale.numpy()
        extractor = self._extractor()

        def embed(utterances: Sequence[Sequence[str]]) -> Floats:
            h, _, mask = extractor(utterances)
            return pool(h, mask, self.shape.dim)

        self.tell(Progress("near", 0.0, "reading the labelled rows"))
        corpus = self.plan.corpus
        near = EncodedNearness.build(corpus.clauses, self.plan.intents, embed, self.seed)
        for member in (near, *beside):
            tensors |= member.tensors()
        content = {
            "shape": {"members": 1, **self.shape.to_json()},
            "begin": self.base.begin,
            "end": self.base.end,
            "longest": self.shape.positions,
            "vocabulary": sorted(w for w, n in self.plan.words.items() if n),
        }
        if companions is not None:
            content |= companions.content
            tensors |= companions.tensors
        save_weights(self.out, content | describe_heads(self.plan), tensors)
