"""The graph computes what the model computes."""

from pathlib import Path

import numpy as np
import pytest
from tiny_encoder import write_tiny_encoder

from maksud.recognizers.encoder.engine import Extractor, Graph, mean_of_pieces
from maksud.recognizers.encoder.graph import build_graph, even_out, layers_read, quantise
from maksud.recognizers.encoder.pieces import Pieces, save_vectors

UTTERANCES = [["putar", "lagu", "hampa"], ["x9", ",", "cuaca"], ["play"] * 12]


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
def test_the_graph_is_the_model(tmp_path: Path, architecture: str) -> None:
    import torch

    from maksud.recognizers.encoder import network

    place = write_tiny_encoder(tmp_path / "base", architecture=architecture)
    encoder, table = network.load_encoder(place, torch.device("cpu"))
    save_vectors(place, table)
    pieces = Pieces(place, [0], [2])
    rows = [pieces.row(words) for words in UTTERANCES]
    shape, weights = network.shape_of(encoder.model), network.weights_of(encoder.model)
    vectors, mask = pieces.batch(rows)
    with torch.no_grad():
        each = encoder.model(
            inputs_embeds=torch.from_numpy(vectors), attention_mask=torch.from_numpy(mask),
            output_hidden_states=True,
        ).hidden_states  # fmt: skip
        whole = np.concatenate([each[layer].numpy() for layer in shape.read], -1)
        parts = [torch.from_numpy(x) for x in (vectors, mask)]
        for split in (0, 1):
            hidden = encoder.upper(encoder.lower(*parts, split), parts[1], split)
            assert np.allclose(hidden.numpy()[mask > 0], whole[mask > 0], atol=1e-4)
    (tmp_path / "full.onnx").write_bytes(build_graph(shape, weights, None))
    full = Graph(tmp_path / "full.onnx")(vectors, mask)
    assert np.allclose(full[mask > 0], whole[mask > 0], atol=1e-4)
    largest = network.measure(encoder, pieces, [rows])
    assert "encoder.layer.1.output.dense" in largest
    (tmp_path / "small.onnx").write_bytes(build_graph(shape, weights, largest))
    small = Graph(tmp_path / "small.onnx")(vectors, mask)
    off = np.abs(small - whole)[mask > 0].mean() / np.abs(whole[mask > 0]).mean()
    assert 0 < off < 0.05
    for b, row in enumerate(rows):  # eight bits are not rounded by what others ask
        alone = Graph(tmp_path / "small.onnx")(*pieces.batch([row]))[0]
        assert np.array_equal(alone, small[b, : len(row.ids)])
        assert not small[b, len(row.ids) :].any()
    words, present = network.mean_of_pieces(torch.from_numpy(whole), rows)
    same, same_present = mean_of_pieces(whole, rows)
    assert np.array_equal(present.numpy(), same_present)
    assert np.allclose((words * present).numpy(), same * same_present, atol=1e-4)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_dropout_is_within_the_layers_that_are_tuned_and_only_then(
    tmp_path: Path, dropout: float
) -> None:
    import torch

    from maksud.recognizers.encoder import network

    place = write_tiny_encoder(tmp_path / "base")
    encoder, table = network.load_encoder(place, torch.device("cpu"), dropout)
    save_vectors(place, table)
    pieces = Pieces(place, [0], [2])
    vectors, mask = map(torch.from_numpy, pieces.batch([pieces.row(w) for w in UTTERANCES]))
    hidden = encoder.lower(vectors, mask, 1)
    assert torch.equal(encoder.upper(hidden, mask, 1), encoder.upper(hidden, mask, 1))
    encoder.train()
    assert torch.equal(encoder.upper(hidden, mask, 1), encoder.upper(hidden, mask, 1)) == (
        dropout == 0
    )


def test_features_are_read_in_the_middle_and_at_the_end() -> None:
    assert layers_read(12) == (6, 9, 12)
    assert layers_read(6) == (3, 4, 6)
    assert layers_read(2) == (1, 2)
    assert layers_read(1) == (1,)


def test_what_is_multiplied_in_eight_bits_is_near() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(8, 16)).astype("f4")
    inputs = rng.normal(size=(50, 16)).astype("f4")
    inputs[:, 3] *= 100
    even = even_out(np.abs(inputs).max(0), weight)
    assert np.allclose((inputs / even) @ (weight * even).T, inputs @ weight.T, rtol=1e-3, atol=1e-3)
    assert np.abs(inputs / even).max(0).std() < np.abs(inputs).max(0).std() / 5
    numbers, scales = quantise(weight)
    assert np.abs(numbers).max() == 63 and numbers.dtype == np.int8
    assert np.abs(numbers * scales[:, None] - weight).max() <= scales.max() / 2 + 1e-6


def test_a_long_utterance_is_read_in_parts(tmp_path: Path) -> None:
    import torch

    from maksud.recognizers.encoder import network

    place = write_tiny_encoder(tmp_path / "base", positions=64)
    encoder, table = network.load_encoder(place, torch.device("cpu"))
    save_vectors(place, table)
    graph = build_graph(network.shape_of(encoder.model), network.weights_of(encoder.model), None)
    (place / "encoder.onnx").write_bytes(graph)
    ones = np.ones(128, np.float32)
    extractor = Extractor(
        Graph(place / "encoder.onnx"), Pieces(place, [0], [2]), 64, 0 * ones, ones, ["putar"]
    )
    long = ["putar", "lagu"] * 50
    h, alone, mask = extractor([long, ["lagu"], ["abcdefghijklmnopqrstuvwxyz0123456789"]])
    assert h.shape == (1, 3, 100, 128) and mask[:, :, 0].sum(1).tolist() == [100, 1, 1]
    again, _, _ = extractor([long[:62]])
    assert np.allclose(h[0, 0, :62], again[0, 0], atol=1e-5)
    assert np.allclose(h[0, 1, 0], extractor([["lagu"]])[0][0, 0, 0], atol=1e-5)
    assert not h[0, 1, 1:].any() and alone is h
    assert extractor.known("putar") and not extractor.known("lagu")
