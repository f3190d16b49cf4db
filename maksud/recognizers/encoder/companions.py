"""Compact networks beside an encoder: trained on the same plan, asked with it.

The encoder knows words that the data does not hold; a network from scratch knows the data's own
turns. Together they are right more often than either: see `joint.ensemble`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from maksud.progress import OnProgress, Progress
from maksud.recognizers.compact.engine import Extractor as CompactExtractor
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.joint.engine import Extractor, Heads, Scores
from maksud.recognizers.joint.ensemble import Averaged, SideBySide
from maksud.recognizers.joint.planning import Plan
from maksud.recognizers.joint.settings import JointSettings

if TYPE_CHECKING:
    from maksud.recognizers.encoder.settings import EncoderSettings

_PREFIX = "companions."


@dataclass(frozen=True)
class Companions:
    """What a run keeps of them: their part of joint.json, and their tensors."""

    content: dict[str, Any]
    tensors: dict[str, Floats]


def fit_companions(
    plan: Plan, s: EncoderSettings, seed: int, tell: OnProgress
) -> Companions | None:
    """Trains them; None where the settings, which are resolved, want none."""
    if not s.companions:
        return None
    import torch

    from maksud.recognizers.compact.loop import fit
    from maksud.recognizers.compact.words import WordTable

    own = compact_settings(s).resolved(len(plan.corpus.clauses), len(plan.intents))
    torch.set_num_threads(own.threads)  # matrices so small gain nothing by more
    words = WordTable.build(plan, own.buckets)

    def forward(progress: Progress) -> None:
        tell(replace(progress, stage="companions"))

    network, _ = fit(plan, words, own, seed, forward)
    network.heads.settle(plan)
    tensors = {
        _PREFIX + name: np.ascontiguousarray(p.detach().numpy())
        for name, p in network.named_parameters()
    }
    content = {
        "shape": asdict(network.extractor.shape),
        "vocabulary": words.vocabulary.to_list(),
        "share": s.share,
    }
    return Companions({"companions": content}, tensors)


def compact_settings(s: EncoderSettings) -> CompactSettings:
    """Those of the networks: what all joint networks have is the encoder's, the rest derived."""
    shared = {f.name: getattr(s, f.name) for f in fields(JointSettings)}
    return CompactSettings(members=s.companions, linear=0.0, **shared)


def stand_by(
    extractor: Extractor, heads: Scores, content: dict[str, Any], tensors: dict[str, Floats]
) -> tuple[Extractor, Scores]:
    """An encoder's extractor and heads with those of the companions that its run keeps, if any.

    Raises `ValueError`, `KeyError` or `TypeError` where they do not fit.
    """
    known = content.get("companions")
    if known is None:
        return extractor, heads
    own = {n.removeprefix(_PREFIX): t for n, t in tensors.items() if n.startswith(_PREFIX)}
    shape, share = known["shape"], float(known["share"])
    if shape["intents"] != len(content["intents"]) or not 0 <= share <= 1:
        raise ValueError("the compact networks beside the encoder do not fit")
    beside = CompactExtractor(shape, known["vocabulary"], own)
    width = len(tensors["features.mean"])
    both = Averaged(heads, Heads(shape["members"], own), width, shape["members"], share)
    return SideBySide(extractor, beside), both
