"""Both implementations of the network agree, and the arithmetic of tags is exact."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from joint_data import several, single

from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.joint.decoding import (
    IMPOSSIBLE,
    best_paths,
    log_partition,
    path_scores,
    second_path,
    segmentations,
    spans_of,
    viterbi,
)
from maksud.recognizers.joint.engine import Extractor, Heads, load_weights
from maksud.recognizers.joint.features import GRAMS, Vocabulary, word_grams
from maksud.recognizers.joint.network import LogPartition, Network, Shape, Table
from maksud.recognizers.joint.training import CompactSettings, train_compact


def valid_paths(size: int, parameters: int) -> list[tuple[int, ...]]:
    def valid(path: tuple[int, ...]) -> bool:
        before = 0
        for tag in path:
            if tag > parameters and before not in (tag, tag - parameters):
                return False
            before = tag
        return True

    tags = range(1 + 2 * parameters)
    return [p for p in itertools.product(tags, repeat=size) if valid(p)]


@pytest.mark.parametrize("parameters", [1, 2])
def test_decoding_agrees_with_enumeration(parameters: int) -> None:
    rng = np.random.default_rng(0)
    size, paths = 4, np.array(valid_paths(4, parameters))
    scores = rng.normal(size=(40, size, 1 + 2 * parameters)).astype(np.float32) * 2
    each = scores[:, np.arange(size), paths].sum(-1)  # [N, paths]
    assert np.allclose(log_partition(scores), np.logaddexp.reduce(each, 1), atol=1e-4)
    best, forward = viterbi(scores)
    assert (best_paths(scores) == best).all()
    assert np.allclose(path_scores(scores, np.array(best)), each.max(1), atol=1e-4)
    ranked = np.argsort(-each, 1)
    assert (np.array(best) == paths[ranked[:, 0]]).all()
    assert np.allclose(forward[:, -1].max(1), each.max(1), atol=1e-4)
    for n in range(40):
        other = second_path(scores[n], forward[n], best[n])
        assert other is not None
        assert other[0] == paths[ranked[n, 1]].tolist()
        assert np.isclose(other[1], each[n, ranked[n, 1]], atol=1e-4)


def test_there_may_be_no_second_path() -> None:
    scores = np.zeros((1, 3, 5), np.float32)
    scores[:, :, 1:] = IMPOSSIBLE
    (best,), forward = viterbi(scores)
    assert best == [0, 0, 0]
    assert second_path(scores[0], forward[0], best) is None


def test_gradient_of_the_partition_is_the_marginals() -> None:
    torch.manual_seed(0)
    scores = torch.randn(3, 4, 5, requires_grad=True)
    paths = valid_paths(4, 2)
    each = [[sum(scores[n, t, p[t]] for t in range(4)) for p in paths] for n in range(3)]
    plain = torch.stack([torch.logsumexp(torch.stack(row), 0) for row in each])
    ours = LogPartition.apply(scores)
    assert torch.allclose(plain, ours, atol=1e-5)
    (a,) = torch.autograd.grad(plain.sum(), scores)
    (b,) = torch.autograd.grad(ours.sum(), scores)
    assert torch.allclose(a, b, atol=1e-5)


def test_a_table_moves_only_the_rows_that_were_used() -> None:
    torch.manual_seed(0)
    table = Table(6, 4)
    before = table.weight.detach().clone()
    rows, place = table.rows(torch.tensor([[3, 0], [5, 3]]))
    assert torch.equal(rows[place], before[torch.tensor([[3, 0], [5, 3]])])
    rows[place].sum().backward()
    table.step(0.1, 0.0, 0.98, 1)
    moved = (table.weight != before).any(1)
    assert moved.tolist() == [False, False, False, True, False, True]
    assert torch.allclose(table.weight[3], before[3] - 0.1)  # a gradient over its own size
    assert not table.weight[0].any()


def test_spans_and_cuts() -> None:
    assert spans_of([0, 1, 3, 0, 2, 1], 2) == [(1, 3, 0), (4, 5, 1), (5, 6, 0)]
    ways = segmentations(np.array([0, -9, 9, -0.5, -9], np.float32))
    assert [cuts for _, cuts in ways] == [(2,), (2, 3)]
    assert np.isclose(np.exp([lp for lp, _ in ways]).sum(), 1, atol=1e-2)
    long = segmentations(np.full(512, 5, np.float32))
    assert all(len(cuts) < 16 for _, cuts in long)


def test_numpy_and_torch_agree(tmp_path: Path) -> None:
    examples = single(30) + several(20)
    catalog = infer_catalog([e.calls for e in examples], [e.instruction for e in examples])
    small = CompactSettings(dim=32, word_dim=16, buckets=256, members=3, epochs=2)
    train_compact(examples, [], catalog, tmp_path, small)
    content, tensors = load_weights(tmp_path)
    network = Network(Shape(**content["shape"]), 0.0, 0)
    weights = {name: torch.from_numpy(v) for name, v in tensors.items()}
    assert network.load_state_dict(weights, strict=False).missing_keys == ["heads.allowed"]
    network.eval()

    utterances = [["putar", "lagu", "xyzzy"], ["cuaca", "di", "new", "york", "lalu"], ["creep"]]
    vocabulary = Vocabulary.from_list(content["vocabulary"], 256)
    types = sorted({w for u in utterances for w in u})
    grams = np.zeros((len(types) + 1, GRAMS), np.int64)
    for k, word in enumerate(types, start=1):
        hashed = word_grams(word, 256)
        grams[k, : len(hashed)] = hashed
    place = np.zeros((3, 5), np.int64)
    for b, words in enumerate(utterances):
        place[b, : len(words)] = [1 + types.index(w) for w in words]
    mask = torch.from_numpy((place > 0).astype(np.float32))[..., None]
    scale = (1 / np.sqrt(np.maximum(1, (grams > 0).sum(1)))).astype(np.float32)
    with torch.no_grad():
        h, alone = network.extractor(
            torch.tensor([0] + [vocabulary.id(w) for w in types]),
            torch.from_numpy(grams),
            torch.from_numpy(scale),
            torch.from_numpy(place),
            mask,
        )
        intents, tags, _ = network.heads(h, alone, mask)
        odds = network.heads.boundary(h).mean(0)[..., 0]

    extractor = Extractor(content["shape"], content["vocabulary"], tensors)
    heads = Heads(content["shape"]["members"], tensors)
    h2, alone2, mask2 = extractor(utterances)
    intents2, tags2, _ = heads(h2, alone2, mask2)
    real = mask2[..., 0] > 0
    assert np.allclose(h.numpy(), h2, atol=1e-4)
    assert np.allclose(alone.numpy(), alone2, atol=1e-4)
    assert np.allclose(intents.numpy(), intents2, atol=1e-4)
    assert np.allclose(tags.mean(0).numpy()[real], tags2[real], atol=1e-4)
    assert np.allclose(odds.numpy()[real], heads.boundaries(h2)[real], atol=1e-4)
