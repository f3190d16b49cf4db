"""The files of a joint network: model.safetensors and joint.json beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from maksud.errors import RunError
from maksud.recognizers.joint.decoding import Floats

FORMAT = "maksud-joint/1"
"""Version of joint.json and the tensors beside it."""


def save_weights(path: Path, content: dict[str, Any], tensors: dict[str, Floats]) -> None:
    """Writes joint.json (`content` under the format's version) and the tensors into a directory."""
    from safetensors.numpy import save_file

    path.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(path / "model.safetensors"))
    text = json.dumps({"format": FORMAT, **content}, ensure_ascii=False, separators=(",", ":"))
    (path / "joint.json").write_text(text + "\n", encoding="utf-8")


def load_weights(path: Path) -> tuple[dict[str, Any], dict[str, Floats]]:
    """(joint.json, tensors) of a directory. Raises `RunError` where they can't be used."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        content: dict[str, Any] = json.loads((path / "joint.json").read_text(encoding="utf-8"))
        tensors: dict[str, Floats] = load_file(str(path / "model.safetensors"))
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise RunError(
            f"the joint network can't be read ({error})", where=str(path), hint="Train it again"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RunError(
            f"expected a joint network of format {FORMAT!r}", where=str(path), hint="Train it again"
        )
    return content, tensors
