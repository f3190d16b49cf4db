"""The encoder as an ONNX graph, for recognition: built from its weights, without torch.

    embeddings of pieces -> + positions, normalised -> layers of attention and feed-forward
    -> what is after some of these layers, side by side

Matrices are kept in eight-bit numbers, their inputs are made such numbers while the graph runs:
a quarter of the size, and about twice as fast. Encoders have a few very large features, which
would take the precision of all others: these are evened out first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from maksud.recognizers.joint.decoding import Floats

MOST = 63
"""The largest number of a quantised matrix: with seven bits AVX2's sums can't overflow."""
EVEN = 0.7
"""How much of the differences between inputs is moved into the weights (SmoothQuant's alpha)."""
OPSET = 17


@dataclass(frozen=True)
class EncoderShape:
    """Sizes of an encoder. `shift`: where position numbers begin (XLM-R: after the padding id);
    `read`: after which layers features are read, the last one among them."""

    dim: int
    layers: int
    heads: int
    positions: int
    shift: int
    epsilon: float
    read: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able mapping of the fields."""
        return asdict(self)


def layers_read(layers: int) -> tuple[int, ...]:
    """After which of so many layers features are read: half of them, three quarters, all.

    Pretraining bends the last layers to its own task. What kind of word stands where is told best
    by those in the middle (Tenney et al. 2019), what a sentence means by the last.
    """
    return tuple(sorted({max(1, layers // 2), max(1, 3 * layers // 4), layers}))


def build_graph(
    shape: EncoderShape, weights: dict[str, Floats], largest: dict[str, Floats] | None
) -> bytes:
    """The graph from `embeds` [B, L, D] and `mask` [B, L] (int32) to `hidden` [B, L, R D].

    `weights`: under the names of Hugging Face's BertModel, without word embeddings. `largest`: of
    each matrix by name, how large each of its inputs gets; None: full precision.
    """
    return _Builder(shape, weights, largest).build()


class _Builder:
    def __init__(
        self, shape: EncoderShape, weights: dict[str, Floats], largest: dict[str, Floats] | None
    ) -> None:
        self.shape = shape
        self.weights = dict(weights)
        self.largest = None if largest is None else dict(largest)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def build(self) -> bytes:
        from onnx import TensorProto, helper

        at = self._embed()
        read = []
        for layer in range(self.shape.layers):
            at = self._layer(at, f"encoder.layer.{layer}.")
            if layer + 1 in self.shape.read:
                read.append(at)
        self._node("Concat", read, axis=2)
        self.nodes[-1].output[0] = "hidden"
        width = self.shape.dim * len(read)
        sizes = ["batch", "pieces"]
        floats, ints = TensorProto.FLOAT, TensorProto.INT32
        graph = helper.make_graph(
            self.nodes,
            "encoder",
            [
                helper.make_tensor_value_info("embeds", floats, [*sizes, self.shape.dim]),
                helper.make_tensor_value_info("mask", ints, sizes),
            ],
            [helper.make_tensor_value_info("hidden", floats, [*sizes, width])],
            self.constants,
        )
        versions = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=8)
        content: bytes = model.SerializeToString()
        return content

    def _embed(self) -> str:
        """Positions and the type of a first sentence are added, then normalised."""
        place = self.weights["embeddings.position_embeddings.weight"]
        place = place[self.shape.shift : self.shape.shift + self.shape.positions]
        kind = self.weights["embeddings.token_type_embeddings.weight"][:1]
        table = self._constant("positions", place + kind)
        whole = self._node("Shape", ["embeds"], start=1, end=2)
        zero = self._constant("zero", np.zeros(1, np.int64))
        one = self._constant("one", np.ones(1, np.int64))
        first = self._node("Slice", [table, zero, whole, zero, one])
        added = self._node("Add", ["embeds", first])
        return self._normalise(added, "embeddings.LayerNorm")

    def _layer(self, at: str, name: str) -> str:
        own = [f"{name}attention.self.{part}" for part in ("query", "key", "value")]
        whole = f"{name}attention.self"
        self.weights[f"{whole}.weight"] = np.concatenate([self.weights[f"{p}.weight"] for p in own])
        if self.largest is not None and own[0] in self.largest:
            self.largest[whole] = self.largest[own[0]]  # all three read the same
        queries, keys, values = self._split(self._product(at, whole))
        bias = np.concatenate([self.weights[f"{p}.bias"] for p in own])
        mixed = self._node(
            "MultiHeadAttention",
            [queries, keys, values, self._constant(f"{name}bias", bias), "mask"],
            domain="com.microsoft",
            num_heads=self.shape.heads,
        )
        out = self._linear(mixed, f"{name}attention.output.dense")
        at = self._normalise(self._node("Add", [at, out]), f"{name}attention.output.LayerNorm")
        wide = self._product(at, f"{name}intermediate.dense")
        bias_name = f"{name}intermediate.dense.bias"
        wide = self._node(
            "BiasGelu",
            [wide, self._constant(bias_name, self.weights[bias_name])],
            domain="com.microsoft",
        )
        out = self._linear(wide, f"{name}output.dense")
        return self._normalise(self._node("Add", [at, out]), f"{name}output.LayerNorm")

    def _linear(self, at: str, name: str) -> str:
        bias = self._constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self._node("Add", [self._product(at, name), bias])

    def _product(self, at: str, name: str) -> str:
        weight = self.weights[f"{name}.weight"]
        if self.largest is None:
            matrix = self._constant(f"{name}.weight", np.ascontiguousarray(weight.T))
            return self._node("MatMul", [at, matrix])
        if name in self.largest:
            even = even_out(self.largest[name], weight)
            at = self._node("Mul", [at, self._constant(f"{name}.even", 1 / even)])
            weight = weight * even
        numbers, scales = quantise(weight)
        return self._node(
            "DynamicQuantizeMatMul",
            [
                at,
                self._constant(f"{name}.weight", np.ascontiguousarray(numbers.T)),
                self._constant(f"{name}.scales", scales),
            ],
            domain="com.microsoft",
        )

    def _normalise(self, at: str, name: str) -> str:
        parts = [
            self._constant(f"{name}.{p}", self.weights[f"{name}.{p}"]) for p in ("weight", "bias")
        ]
        return self._node("LayerNormalization", [at, *parts], epsilon=self.shape.epsilon)

    def _constant(self, name: str, values: np.ndarray[Any, Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _split(self, at: str) -> list[str]:
        from onnx import helper

        names = [f"{at}.{k}" for k in range(3)]
        self.nodes.append(helper.make_node("Split", [at], names, axis=2))
        return names

    def _node(self, kind: str, inputs: list[str], domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = f"at.{len(self.nodes)}"
        node = helper.make_node(kind, inputs, [name], domain=domain, **attributes)
        self.nodes.append(node)
        return name


def even_out(largest: Floats, weight: Floats) -> Floats:
    """What each input of a matrix [N, K] is divided by, so that few large ones do not take the
    precision of all others (SmoothQuant: Xiao et al. 2023)."""
    inputs = np.maximum(largest, np.float32(1e-3)) ** EVEN
    out = inputs / np.maximum(np.abs(weight).max(0), np.float32(1e-4)) ** (1 - EVEN)
    even: Floats = (out / np.exp(np.log(out).mean())).astype(np.float32)
    return even


def quantise(weight: Floats) -> tuple[np.ndarray[Any, Any], Floats]:
    """(numbers [N, K], scales [N]) of a matrix; a scale for each output."""
    scales = np.maximum(np.abs(weight).max(-1), np.float32(1e-12)) / np.float32(MOST)
    return np.rint(weight / scales[:, None]).astype(np.int8), scales.astype(np.float32)
