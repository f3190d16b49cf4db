"""Vectors of utterances (`POST /v1/embeddings`), in the shape of OpenAI's embeddings."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maksud.http.api_error import ApiError
from maksud.http.fields import invalid, missing, read_integer, read_said, read_text
from maksud.http.json_body import kind_of
from maksud.recognizers.recognition import Recognizer, Vector

ENCODINGS = ("float", "base64")
"""Values of `encoding_format`: numbers, or the bytes of 32-bit floats, the lowest first."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """A request for vectors. `param`: the field of the texts, as `place_of` reads it."""

    model: str
    texts: tuple[str, ...]
    param: str
    encoding: str
    dimensions: int | None


def parse_embeddings(content: Mapping[str, Any], max_batch: int) -> EmbeddingRequest:
    """Reads the body of `POST /v1/embeddings`. Raises `ApiError` (400) that names the field."""
    if content.get("model") is None:
        raise missing("model", "Name a model with an encoder; GET /v1/models lists all")
    encoding = content.get("encoding_format")
    if encoding is not None and encoding not in ENCODINGS:
        shown = repr(encoding[:40]) if isinstance(encoding, str) else kind_of(encoding)
        raise invalid("encoding_format", f"is {shown}. Known: {', '.join(ENCODINGS)}")
    said = content.get("input")
    return EmbeddingRequest(
        model=read_text(content, "model"),
        texts=_read_texts(said, max_batch),
        param="input[]" if isinstance(said, list) else "input",
        encoding=encoding or "float",
        dimensions=read_integer(content, "dimensions", 1),
    )


def check_model(recognizer: Recognizer, asked: EmbeddingRequest, others: Sequence[str]) -> None:
    """Raises `ApiError` (400) where a model has no vectors, or none of the size that is asked for.

    `others`: the served models that have vectors.
    """
    if not recognizer.dim:
        hint = "No served model has: serve one that was made by maksud train --base e5-small"
        if others:
            hint = f"Models that have: {', '.join(others[:20])}"
        what = f"{recognizer.name!r} has no encoder, so no embeddings. {hint}"
        raise ApiError(400, what, code="unsupported_model", param="model")
    if asked.dimensions not in (None, recognizer.dim):
        what = f"vectors of {recognizer.name!r} have {recognizer.dim}: leave it out"
        raise invalid("dimensions", what, "unsupported_parameter")


def write_embeddings(
    vectors: Sequence[Vector], model: str, asked: EmbeddingRequest
) -> dict[str, Any]:
    """The reply: an entry for each text, in order."""
    read = sum(v.usage.prompt_tokens for v in vectors)
    return {
        "object": "list",
        "model": model,
        "data": [
            {"object": "embedding", "index": k, "embedding": _write(v, asked.encoding)}
            for k, v in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": read, "total_tokens": read},
    }


def _read_texts(said: Any, max_batch: int) -> tuple[str, ...]:
    if said is None:
        raise missing("input", "Send a text, or a list of texts")
    if isinstance(said, str):
        return (read_said(said, "input"),)
    if not isinstance(said, list) or not said:
        what = f"must be a text or a list of texts, found {kind_of(said)}"
        raise invalid("input", what, "invalid_type")
    if len(said) > max_batch:
        raise invalid("input", f"has {len(said)} texts, at most {max_batch} in one request")
    for k, text in enumerate(said):
        if isinstance(text, int | list) and not isinstance(text, bool):
            what = "tokens are not read, they are of another vocabulary than the model's. Send text"
            where = f"input[{k}]" if isinstance(text, list) else "input"
            raise invalid(where, what, "invalid_type")
    return tuple(read_said(text, f"input[{k}]") for k, text in enumerate(said))


def _write(vector: Vector, encoding: str) -> Any:
    if encoding == "float":
        return vector.numbers.tolist()
    return base64.b64encode(vector.numbers.astype("<f4").tobytes()).decode("ascii")
