"""A pretrained encoder in torch under the heads of joint networks, for training.

    vectors of pieces -> encoder, some layers of it read -> mean of a word's pieces, standardised
    -> heads

`engine` has the same features from a graph, without torch.
"""

# torch is not followed by mypy, so its classes are of no known type.
# mypy: disable-error-code="misc"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from maksud.recognizers.encoder.graph import EncoderShape, layers_read
from maksud.recognizers.encoder.pieces import Pieces, Row, places_of
from maksud.recognizers.joint.decoding import Floats
from maksud.recognizers.joint.network import IMPOSSIBLE, Dropout, Heads

INNER = 256
"""Width of the layer before tags."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the heads. Saved with the weights."""

    members: int
    dim: int
    intents: int
    parameters: int
    choices: int


class Encoder(nn.Module):
    """The layers of a Hugging Face model, from vectors of pieces to features of words.

    R features of a piece: those after each of the layers `read`, one after the other.
    """

    def __init__(self, model: Any, device: torch.device) -> None:
        super().__init__()
        self.model = model.to(device)
        self.device = device
        self.read = layers_read(len(model.encoder.layer))
        dim = model.config.hidden_size * len(self.read)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def lower(self, vectors: Tensor, mask: Tensor, layers: int) -> Tensor:
        """What is after embeddings and some layers [B, L, D], which are not tuned.

        At most as many as the first of those that are read.
        """
        with torch.no_grad():
            hidden = self.model.embeddings(inputs_embeds=vectors.to(self.device))
            hide = self._hide(hidden, mask)
            for layer in range(layers):
                hidden = self._layer(layer, hidden, hide)
            return hidden

    def upper(self, hidden: Tensor, mask: Tensor, layers: int) -> Tensor:
        """The features of pieces [B, L, R D], from what is after so many layers."""
        hidden = hidden.to(self.device)
        hide = self._hide(hidden, mask)
        read = [hidden] if layers in self.read else []
        for layer in range(layers, len(self.model.encoder.layer)):
            hidden = self._layer(layer, hidden, hide)
            if layer + 1 in self.read:
                read.append(hidden)
        return torch.cat([x.float() for x in read], -1)

    def _hide(self, hidden: Tensor, mask: Tensor) -> Tensor:
        return (1 - mask.to(self.device, hidden.dtype))[:, None, None, :] * IMPOSSIBLE

    def _layer(self, number: int, hidden: Tensor, hide: Tensor) -> Tensor:
        out = self.model.encoder.layer[number](hidden, hide)
        return out[0] if isinstance(out, tuple) else out

    def standard(self, words: Tensor, present: Tensor) -> Tensor:
        """Features of words [B, T, D] made standard: [1, B, T, D]."""
        out: Tensor = ((words - self.mean) * self.scale * present)[None]
        return out

    def standardise(self, words: Tensor) -> None:
        """Sets what makes features [N, D] of mean 0 and variance 1."""
        self.mean.copy_(words.mean(0))
        self.scale.copy_(1 / words.std(0).clamp(min=1e-3))


def mean_of_pieces(hidden: Tensor, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
    """(the mean over each word's pieces [B, T, D], mask [B, T, 1])."""
    first, last, present = (torch.from_numpy(x) for x in places_of(rows))
    dim = hidden.shape[-1]
    summed = torch.cat([torch.zeros_like(hidden[:, :1]), hidden.cumsum(1)], 1)
    ends = summed.gather(1, last[..., None].expand(-1, -1, dim))
    begins = summed.gather(1, first[..., None].expand(-1, -1, dim))
    return (ends - begins) / (last - first).clamp(min=1)[..., None], present


class Network(nn.Module):
    """Encoder and heads."""

    def __init__(
        self, encoder: Encoder, shape: Shape, dropout: float, seed: int, *, joins: bool = False
    ) -> None:
        """`joins`: whether utterances have several clauses."""
        super().__init__()
        self.encoder = encoder
        source = np.random.Generator(np.random.SFC64(seed))
        self.heads = Heads(shape, Dropout(dropout, source), INNER, joins=joins)


def load_encoder(
    directory: Path, device: torch.device, dropout: float = 0.0
) -> tuple[Encoder, Floats]:
    """(the encoder of a checked directory in float32, the vectors of its pieces [V, D]).

    `dropout`: of its layers while it is tuned, attention's weights too, as it was pretrained.
    """
    from transformers import AutoModel

    from maksud.recognizers.language_model.notices import quiet

    with quiet():
        model = AutoModel.from_pretrained(
            directory, dtype=torch.float32, use_safetensors=True, trust_remote_code=False,
            add_pooling_layer=False,
            hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
        )  # fmt: skip
    table: Floats = model.embeddings.word_embeddings.weight.detach().numpy()
    model.embeddings.word_embeddings = nn.Embedding(1, model.config.hidden_size)
    model.embeddings.word_embeddings.weight.requires_grad = False
    return Encoder(model, device), table


def shape_of(model: Any) -> EncoderShape:
    """The sizes of a Hugging Face model."""
    config = model.config
    shift = config.pad_token_id + 1 if config.model_type == "xlm-roberta" else 0
    return EncoderShape(
        dim=config.hidden_size,
        layers=config.num_hidden_layers,
        read=layers_read(config.num_hidden_layers),
        heads=config.num_attention_heads,
        positions=config.max_position_embeddings - shift,
        shift=shift,
        epsilon=config.layer_norm_eps,
    )


def weights_of(model: Any) -> dict[str, Floats]:
    """The weights of a Hugging Face model by name, without the vectors of pieces."""
    return {
        name: p.detach().float().cpu().numpy()
        for name, p in model.named_parameters()
        if "word_embeddings" not in name
    }


def measure(
    encoder: Encoder, pieces: Pieces, batches: Sequence[Sequence[Row]]
) -> dict[str, Floats]:
    """How large each input of each matrix gets on some batches of utterances, by its name."""
    found: dict[str, Tensor] = {}

    def watch(name: str) -> Any:
        def see(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            top = inputs[0].detach().abs().flatten(0, -2).amax(0)
            found[name] = torch.maximum(found[name], top) if name in found else top

        return see

    watched = [
        module.register_forward_pre_hook(watch(name))
        for name, module in encoder.model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        with torch.no_grad():
            for rows in batches:
                vectors, mask = (torch.from_numpy(x) for x in pieces.batch(rows))
                encoder.upper(encoder.lower(vectors, mask, 0), mask, 0)
    finally:
        for handle in watched:
            handle.remove()
    return {name: top.float().cpu().numpy() for name, top in found.items()}
