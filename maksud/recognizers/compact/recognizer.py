"""The compact recognizer: an answer in about a millisecond on one core."""

from __future__ import annotations

from pathlib import Path

from maksud.errors import RunError
from maksud.recognizers.compact.engine import Extractor
from maksud.recognizers.contract import Contract
from maksud.recognizers.joint.engine import Heads
from maksud.recognizers.joint.framed import Framed
from maksud.recognizers.joint.linear import Linear
from maksud.recognizers.joint.nearness import Nearness
from maksud.recognizers.joint.recognizer import JointRecognizer
from maksud.recognizers.joint.weights import load_weights


class CompactRecognizer(JointRecognizer):
    """A joint network on hashed features. Made by `load`."""

    kind = "compact"

    @classmethod
    def load(cls, path: str | Path, contract: Contract, name: str) -> CompactRecognizer:
        """The recognizer in a directory that `train_compact` wrote. Raises `RunError`."""
        content, tensors = load_weights(Path(path))
        try:
            shape = content["shape"]
            extractor = Extractor(shape, content["vocabulary"], tensors)
            heads = Heads(shape["members"], tensors)
            near = Nearness.from_tensors(tensors, len(content["intents"]))
            linear = Linear.from_tensors(tensors, len(content["intents"]))
            framed = Framed.from_tensors(tensors)
            return cls(name, contract, content, extractor, heads, near, linear, framed=framed)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise RunError(
                f"weights and joint.json do not fit ({error!r})",
                where=str(path),
                hint="Train it again",
            ) from error
