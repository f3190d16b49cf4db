"""Both implementations of the network agree, and its tables move only where they were used."""

from pathlib import Path

import numpy as np
import torch
from joint_data import several, single

from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.compact.engine import Extractor
from maksud.recognizers.compact.features import GRAMS, Vocabulary, word_grams
from maksud.recognizers.compact.network import Network, Shape, Table
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.compact.training import train_compact
from maksud.recognizers.joint.engine import Heads
from maksud.recognizers.joint.weights import load_weights


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


def test_numpy_and_torch_agree(tmp_path: Path) -> None:
    examples = single(30) + several(20)
    catalog = infer_catalog([e.calls for e in examples], [e.instruction for e in examples])
    small = CompactSettings(dim=32, word_dim=16, buckets=256, members=3, epochs=2)
    train_compact(examples, [], catalog, tmp_path, small)
    content, tensors = load_weights(tmp_path)
    network = Network(Shape(**content["shape"]), 0.0, 0, joins=True)
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
        odds = network.heads.boundaries(h, mask).mean(0)

    extractor = Extractor(content["shape"], content["vocabulary"], tensors)
    heads = Heads(content["shape"]["members"], tensors)
    h2, alone2, mask2 = extractor(utterances)
    intents2, tags2, _ = heads(h2, alone2, mask2)
    real = mask2[..., 0] > 0
    assert np.allclose(h.numpy(), h2, atol=1e-4)
    assert np.allclose(alone.numpy(), alone2, atol=1e-4)
    assert np.allclose(intents.numpy(), intents2, atol=1e-4)
    assert np.allclose(tags.mean(0).numpy()[real], tags2[real], atol=1e-4)
    assert np.allclose(odds.numpy()[real], heads.boundaries(h2, mask2)[real], atol=1e-4)
    before = {k: v for k, v in tensors.items() if ".sides." not in k and ".apart." not in k}
    plain = Heads(content["shape"]["members"], before).boundaries(h2, mask2)  # of a run of before
    with torch.no_grad():
        own = network.heads.boundary(h).mean(0)[..., 0].numpy()
    assert np.allclose(own[real], plain[real], atol=1e-4) and not np.allclose(own, odds, atol=0.01)


def test_a_boundary_does_not_hang_on_padding() -> None:
    network = Network(Shape(2, 9, 16, 4, 4, 8, 2, 1, 3, 2, 0), 0.0, 0, joins=True)
    h = torch.randn(2, 1, 5, 8)
    alone = network.heads.boundaries(h[:, :, :3], torch.ones(1, 3, 1))
    mask = torch.tensor([1.0, 1, 1, 0, 0])[None, :, None]
    assert torch.allclose(network.heads.boundaries(h, mask)[:, :, :3], alone, atol=1e-5)
