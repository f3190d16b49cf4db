"""The encoder recognizer: heads on a pretrained encoder, in a few milliseconds on one core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maksud.errors import RunError, TooLongError
from maksud.recognizers.contract import Contract
from maksud.recognizers.encoder.added import Added
from maksud.recognizers.encoder.companions import stand_by
from maksud.recognizers.encoder.engine import GRAPH, Extractor, Graph
from maksud.recognizers.encoder.nearness import EncodedNearness, pool
from maksud.recognizers.encoder.pieces import TOKENIZER, Pieces
from maksud.recognizers.joint.answers import ClauseReadings, Reading
from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.joint.engine import Heads
from maksud.recognizers.joint.framed import Framed
from maksud.recognizers.joint.linear import Linear
from maksud.recognizers.joint.recognizer import JointRecognizer
from maksud.recognizers.joint.tokens import MAX_TOKENS, batches, tokenize
from maksud.recognizers.joint.weights import load_weights
from maksud.recognizers.recognition import Usage, Vector, list_texts
from maksud.storage import sha256


class EncoderRecognizer(JointRecognizer):
    """A joint network on a pretrained encoder. Made by `load`."""

    kind = "encoder"
    near: EncodedNearness
    extra: Added | None
    encoder: Extractor
    dim: int

    @classmethod
    def load(cls, path: str | Path, contract: Contract, name: str) -> EncoderRecognizer:
        """The recognizer in a directory that `train_encoder` wrote. Raises `RunError`."""
        place = Path(path)
        content, tensors = load_weights(place)
        if fingerprint(place) != contract.tokenizer:
            raise RunError(
                "the tokenizer is not the one that the model was trained with",
                where=str(place / TOKENIZER),
                hint="Train it again",
            )
        try:
            own = open_extractor(
                place, content, tensors["features.mean"], tensors["features.scale"]
            )
            dim = own.pieces.dim
            near = EncodedNearness.from_tensors(tensors, len(content["intents"]), dim)
            linear = Linear.from_tensors(tensors, len(content["intents"]))
            added = Added.load(place, len(content["intents"]), dim)
            extractor, heads = stand_by(own, Heads(1, tensors), content, tensors)
            framed = Framed.from_tensors(tensors)
            made = cls(name, contract, content, extractor, heads, near, linear, added, framed)
        except ImportError as error:
            raise RunError(
                f"recognition with an encoder needs {error.name}",
                where=str(path),
                hint="pip install 'maksud[encoder]'",
            ) from error
        except RunError:
            raise
        except Exception as error:  # onnxruntime, tokenizers and safetensors raise their own
            raise RunError(
                f"weights and joint.json do not fit ({error!r})",
                where=str(path),
                hint="Train it again",
            ) from error
        made.near = near
        made.extra = added
        made.encoder, made.dim = own, dim
        return made

    def embed(self, utterances: Sequence[str]) -> Floats:
        """Vectors of length 1 [N, D] of utterances in the form that `contract.read` gives.

        What means the same to the encoder is near: their product is the cosine. One
        without a word or mark has a vector of zeros.
        """
        tokens = [tokenize(u) for u in utterances]
        out = np.zeros((len(tokens), self.dim), np.float32)
        for group in batches(tokens):
            h, _, mask = self.encoder([[t.text for t in tokens[k]] for k in group])
            out[group] = pool(h, mask, self.dim)
        return out

    def represent(self, utterances: Sequence[str]) -> list[Vector]:
        """See `Recognizer.represent`; they are those of `embed`, and usage counts words.

        Raises `TooLongError` for an utterance of which only a part would be read.
        """
        read = [self.contract.read(u).text for u in list_texts(utterances)]
        counts = [len(tokenize(text, MAX_TOKENS + 1)) for text in read]
        if max(counts, default=0) > MAX_TOKENS:
            raise TooLongError(
                f"the text has more than {MAX_TOKENS} words and marks, which is as many as the "
                "encoder reads",
                hint="Shorten it, or send its parts",
            )
        vectors = self.embed(read)
        return [Vector(v, Usage(n)) for v, n in zip(vectors, counts, strict=True)]

    def pool(self, h: Floats, mask: Floats) -> Floats | None:
        """Vectors of length 1 of clauses."""
        return pool(h, mask, self.dim)

    def _near(self, clause: ClauseReadings, reading: Reading) -> float:
        assert clause.vector is not None
        if reading.tags.intent >= self.trained:
            return self._usual(13)
        return self.near(reading.tags.intent, clause.vector)


def open_extractor(
    place: Path, content: dict[str, object], mean: Floats, scale: Floats
) -> Extractor:
    """The features of words of a run's directory."""
    begin, end, longest, known = (content[k] for k in ("begin", "end", "longest", "vocabulary"))
    assert isinstance(begin, list) and isinstance(end, list)
    assert isinstance(longest, int) and isinstance(known, list)
    pieces = Pieces(place, begin, end)
    return Extractor(Graph(place / GRAPH), pieces, longest, mean, scale, known)


def fingerprint(place: Path) -> str:
    """`sha256:<hex>` of the tokenizer in a directory; empty where there is none."""
    file = place / TOKENIZER
    return f"sha256:{sha256(file)}" if file.is_file() else ""
