"""Trains the compact recognizer: labelled examples in, a directory of weights out.

Each epoch composes its utterances anew: values are swapped for other values of the same
parameter, clauses are joined with connectives that the data uses, rare words are hidden. One
recipe serves all sizes of data; what depends on size is derived in `CompactSettings`.
Deterministic for a seed and a number of threads. torch is imported inside `train_compact`.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maksud.data.dataset import Example
from maksud.errors import DataError, SettingsError
from maksud.language.calls import OUT_OF_SCOPE
from maksud.language.catalog import Catalog
from maksud.progress import OnProgress, Progress
from maksud.recognizers.joint.alignment import Corpus, build_corpus, count_untrimmed
from maksud.recognizers.joint.features import GRAMS, UNKNOWN, Vocabulary, word_grams

if TYPE_CHECKING:
    from torch import Tensor

    from maksud.recognizers.joint.network import Network

FORMAT = "maksud-joint/1"
"""Version of joint.json and the tensors beside it."""

LITTLE = 3_000
"""Fewer clauses than this are augmented more: their values are few, and easily learned by heart."""

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class CompactSettings:
    """Settings of the compact recognizer. The defaults need no change for any size of data."""

    seed: int = 0
    """Seed of initialisation, order of examples and augmentation."""
    threads: int = 1
    """CPU threads. More than one helps little: the matrices are small."""
    epochs: int = 0
    """Passes over the data; 0 derives them: few for much data, many for little."""
    members: int = 0
    """Networks in the committee; 0 derives them. More are surer and slower."""
    dim: int = 0
    """Width of the network, a multiple of 4; 0 derives it: a few wide networks for little data,
    more and narrower ones for much. All weights together should fit a core's cache (2 MB)."""
    word_dim: int = 64
    """Width of word embeddings, and of those of character n-grams."""
    buckets: int = 16384
    """Rows of the table of character n-grams."""
    convolutions: int = 2
    """Convolution blocks before the attention block."""
    dropout: float = -1.0
    """Dropout probability; negative derives it: more for little data."""
    batch_size: int = 64
    """Clauses in a step."""
    learning_rate: float = 3e-3
    """Peak learning rate: linear warm-up, then linear decay."""
    weight_decay: float = 0.01
    """Weight decay of AdamW."""
    label_smoothing: float = 0.05
    """Share of an intent's probability that is spread over the others."""
    swap: float = -1.0
    """Share of clauses in which values are swapped for others of the same parameter; negative
    derives it: more for little data."""
    mix: float = -1.0
    """Share of values in such clauses that are made of the beginning of one value and the end of
    another; negative derives it: none for much data."""
    hide: float = 0.5
    """How often rare words are hidden: a word seen n times with probability hide / (hide + n)."""
    veil: float = -1.0
    """Share of the words of values that are shown without word and spelling, so that only the
    words around them tell what they are; negative derives it: none for much data."""

    def __post_init__(self) -> None:
        """Raises `SettingsError` for values out of range."""
        for name, low, high in (
            ("threads", 1, 256),
            ("epochs", 0, 10_000),
            ("members", 0, 16),
            ("dim", 0, 4096),
            ("word_dim", 1, 4096),
            ("buckets", 16, 2**24),
            ("convolutions", 0, 16),
            ("dropout", -1.0, 0.9),
            ("batch_size", 1, 65_536),
            ("learning_rate", 1e-6, 1.0),
            ("weight_decay", 0.0, 1.0),
            ("label_smoothing", 0.0, 0.5),
            ("swap", -1.0, 1.0),
            ("mix", -1.0, 1.0),
            ("hide", 0.0, 100.0),
            ("veil", -1.0, 0.9),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(
                    f"{name} is {value}, expected {low} to {high}", where="CompactSettings"
                )
        if self.dim % 4:
            raise SettingsError(f"dim is {self.dim}, expected a multiple of 4", where="dim")

    def resolved(self, clauses: int, intents: int) -> CompactSettings:
        """The settings with everything derived, for data of so many clauses and intents."""
        little = clauses < LITTLE
        plenty = clauses >= 500 * intents
        # Many intents need more passes than few with as many examples together.
        need = (13_000 / clauses) ** 0.5 * (1_900 * intents / clauses) ** 0.33
        return replace(
            self,
            epochs=self.epochs or min(200, max(5, round((6 if little else 8) * need))),
            members=self.members or (3 if little else 4 if plenty else 6),
            dim=self.dim or (128 if little else 96),
            dropout=self.dropout if self.dropout >= 0 else 0.1 if plenty else 0.2,
            swap=self.swap if self.swap >= 0 else 0.8 if little else 0.6,
            mix=self.mix if self.mix >= 0 else 0.3 if little else 0.0,
            veil=self.veil if self.veil >= 0 else 0.2 if little else 0.0,
        )


def train_compact(
    train: Sequence[Example],
    dev: Sequence[Example],
    catalog: Catalog,
    out: Path,
    settings: CompactSettings | None = None,
    progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Trains on `train` and writes model.safetensors and joint.json into the directory `out`.

    `dev` is not learned from: the caller calibrates on it. Returns what was measured: CPU
    seconds, epochs, loss, parameters, and under "skipped" what could not be used and why.
    Raises `DataError` where there is nothing to learn from.
    """
    import torch

    started, cpu = time.perf_counter(), time.process_time()
    settings = settings or CompactSettings()
    if not train:
        raise DataError("there are no training examples", hint="Give at least one labelled example")
    corpus = build_corpus(train, catalog)
    count_untrimmed(corpus)
    if not corpus.clauses:
        reasons = ", ".join(f"{n} × {why}" for why, n in corpus.skipped.most_common())
        raise DataError(f"none of {len(train)} training examples can be learned from ({reasons})")
    plan = _Plan.build(corpus, settings)
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        network, loss = _fit(plan, progress)
    finally:
        torch.set_num_threads(threads)
    _save(network, plan, Path(out))
    parameters = sum(p.numel() for p in network.parameters())
    tables = sum(p.numel() for n, p in network.named_parameters() if "word" in n or "gram" in n)
    return {
        "examples": len(train),
        "dev_examples": len(dev),
        "clauses": len(corpus.clauses),
        "intents": len(plan.intents),
        "parameters": parameters,
        "parameters_network": parameters - tables,
        "epochs": plan.settings.epochs,
        "members": plan.settings.members,
        "loss": round(loss, 4),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "seconds": round(time.perf_counter() - started, 2),
        "connectives": [" ".join(c) for c, _ in corpus.connectives.most_common(10)],
        "skipped": dict(corpus.skipped.most_common()),
    }


# ---------------------------------------------------------------- what training reads


@dataclass(slots=True)
class _Item:
    """A clause in numbers. `types`: word types; `spans`: (first, last + 1, parameter)."""

    intent: int
    types: list[int]
    spans: list[tuple[int, int, int]]
    choices: list[int]
    tagged: bool


@dataclass
class _Plan:
    """Everything that training needs, in numbers."""

    settings: CompactSettings
    corpus: Corpus
    vocabulary: Vocabulary
    intents: list[str]
    parameters: list[str]
    choices: list[tuple[str, list[str]]]
    items: list[_Item]
    values: list[list[list[int]]]
    connectives: list[list[int]]
    connective_weights: list[float]
    call_weights: list[float]
    word_ids: Ints
    grams: Ints
    scale: np.ndarray[Any, np.dtype[np.float32]]
    counts: np.ndarray[Any, np.dtype[np.float32]]

    @classmethod
    def build(cls, corpus: Corpus, settings: CompactSettings) -> _Plan:
        """Numbers the corpus' words, intents, parameters and choices."""
        clauses = corpus.clauses
        intents = sorted({c.intent for c in clauses})
        parameters = sorted({p for c in clauses for _, _, p in c.spans})
        settings = settings.resolved(len(clauses), len(intents))
        words = Counter(w for c in clauses for w in c.words)
        vocabulary = Vocabulary.build(words, settings.buckets)
        for phrase in corpus.connectives:
            for word in phrase:
                words[word] += 0
        types = {w: i for i, w in enumerate(words, start=1)}
        intent_of = {f: i for i, f in enumerate(intents)}
        parameter_of = {p: i for i, p in enumerate(parameters)}
        used = Counter(p for c in clauses for p in c.choices)
        choices = [(p, listed) for p, listed in corpus.choices.items() if used[p]]
        has_choice = {(c.intent, p) for c in clauses for p in c.choices}
        items = []
        for clause in clauses:
            chosen = []
            for p, listed in choices:
                if (clause.intent, p) not in has_choice:
                    chosen.append(-100)  # torch's index to ignore
                else:
                    given = clause.choices.get(p)
                    chosen.append(0 if given is None else 1 + listed.index(given))
            items.append(
                _Item(
                    intent_of[clause.intent],
                    [types[w] for w in clause.words],
                    [(i, j, parameter_of[p]) for i, j, p in clause.spans],
                    chosen,
                    clause.tagged,
                )
            )
        values_of: list[dict[tuple[int, ...], None]] = [{} for _ in parameters]
        for item in items:
            for i, j, k in item.spans:
                values_of[k][tuple(item.types[i:j])] = None
        grams = np.zeros((len(types) + 1, GRAMS), np.int64)
        for word, t in types.items():
            hashed = word_grams(word, settings.buckets)
            grams[t, : len(hashed)] = hashed
        number = np.maximum(1, (grams > 0).sum(1))
        calls = corpus.call_counts
        longest = max(calls, default=1)
        return cls(
            settings,
            corpus,
            vocabulary,
            intents,
            parameters,
            choices,
            items,
            [[list(v) for v in found] for found in values_of],
            [[types[w] for w in phrase] for phrase in corpus.connectives],
            [float(n) for n in corpus.connectives.values()],
            # At least a fifth of the composed utterances has several calls once data has any.
            _call_weights(calls, longest),
            np.array([0] + [vocabulary.id(w) for w in types], np.int64),
            grams,
            (1 / np.sqrt(number)).astype(np.float32),
            np.array([1e9] + [max(1, words[w]) for w in types], "f4"),
        )

    @property
    def joins(self) -> bool:
        """Whether the data has utterances with several calls."""
        return len(self.call_weights) > 1


def _call_weights(calls: Counter[int], longest: int) -> list[float]:
    if longest < 2:
        return [1.0]
    longest = min(longest, 6)
    weights = [float(calls[k]) for k in range(1, longest + 1)]
    total = sum(weights)
    several = max(0.2, 1 - weights[0] / total)
    rest = sum(weights[1:]) or 1.0
    return [1 - several if several < 1 else 0.1] + [several * w / rest for w in weights[1:]]


# ---------------------------------------------------------------- composing utterances


@dataclass(slots=True)
class _Utterance:
    types: list[int]
    clauses: list[tuple[int, int]]
    tags: list[list[int]]
    items: list[_Item]


def _compose(plan: _Plan, rng: random.Random) -> list[_Utterance]:
    """One epoch of utterances."""
    items = plan.items
    order = rng.sample(range(len(items)), len(items))
    none = plan.intents.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in plan.intents else -1
    many = len(plan.parameters)
    out = []
    at = 0
    while at < len(order):
        number = 1
        if plan.joins:
            number = rng.choices(range(1, len(plan.call_weights) + 1), plan.call_weights)[0]
        group = [items[k] for k in order[at : at + number]]
        at += number
        alone = [[i] for i in group if i.intent == none]  # none() never stands beside a call
        for part in [*alone, [i for i in group if i.intent != none]]:
            if part:
                out.append(_join(plan, part, many, rng))
    return out


def _join(plan: _Plan, group: Sequence[_Item], many: int, rng: random.Random) -> _Utterance:
    types: list[int] = []
    bounds: list[tuple[int, int]] = []
    tags: list[list[int]] = []
    for item in group:
        words, spans = item.types, item.spans
        if spans and rng.random() < plan.settings.swap:
            words, spans = _swap(words, spans, plan.values, rng, plan.settings.mix)
        lead: list[int] = []
        if types:
            lead = rng.choices(plan.connectives, plan.connective_weights)[0]
        row = [0] * (len(lead) + len(words))
        for i, j, k in spans:
            row[len(lead) + i] = 1 + k
            row[len(lead) + i + 1 : len(lead) + j] = [1 + many + k] * (j - i - 1)
        bounds.append((len(types), len(types) + len(row)))
        types = types + lead + words
        tags.append(row)
    return _Utterance(types, bounds, tags, list(group))


def _swap(
    types: list[int],
    old: list[tuple[int, int, int]],
    values: list[list[list[int]]],
    rng: random.Random,
    mix: float,
) -> tuple[list[int], list[tuple[int, int, int]]]:
    words: list[int] = []
    spans: list[tuple[int, int, int]] = []
    at = 0
    for i, j, k in old:
        value = rng.choice(values[k]) if rng.random() < 0.5 else types[i:j]
        if mix and rng.random() < mix:
            other = rng.choice(values[k])
            value = value[: rng.randint(1, len(value))] + other[rng.randint(1, len(other)) :]
        words += types[at:i]
        spans.append((len(words), len(words) + len(value), k))
        words += value
        at = j
    return words + types[at:], spans


# ---------------------------------------------------------------- the loop


def _fit(plan: _Plan, progress: OnProgress | None) -> tuple[Network, float]:
    """The trained network (averaged weights) and the last epoch's mean loss."""
    import torch

    from maksud.recognizers.joint.network import Network, Shape

    s = plan.settings
    torch.manual_seed(s.seed)
    rng = random.Random(s.seed)
    noise = np.random.Generator(np.random.SFC64(s.seed + 1))
    shape = Shape(
        members=s.members,
        words=len(plan.vocabulary),
        buckets=s.buckets,
        word_dim=s.word_dim,
        gram_dim=s.word_dim,
        dim=s.dim,
        heads=4,
        convolutions=s.convolutions,
        intents=len(plan.intents),
        parameters=len(plan.parameters),
        choices=sum(1 + len(values) for _, values in plan.choices),
    )
    network = Network(shape, s.dropout, s.seed)
    network.heads.allowed.copy_(torch.from_numpy(_allowed(plan)))
    params = list(network.parameters())
    tables = [network.extractor.word, network.extractor.gram]
    dense = [p for p in params if p.requires_grad]
    optimizer = torch.optim.AdamW(
        dense,
        lr=s.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=s.weight_decay,
        fused=True,
    )
    average = [p.detach().clone() for p in params]
    batches = _batches(plan, rng)
    total = len(batches) * s.epochs
    step, mean, told = 0, 0.0, time.monotonic()
    network.train()
    for epoch in range(s.epochs):
        if epoch:
            batches = _batches(plan, rng)
        losses = []
        for batch in batches:
            done = min(1.0, step / total)
            rate = min(1.0, done / 0.15) * (1 - max(0.0, done - 0.15) / 0.85)
            for group in optimizer.param_groups:
                group["lr"] = s.learning_rate * rate + 1e-6
            loss = _loss(network, plan, batch, noise)
            optimizer.zero_grad()
            loss.backward()
            moved = [*dense, *(t.taken for t in tables if t.taken is not None)]
            torch.nn.utils.clip_grad_norm_(moved, 5.0 * math.sqrt(s.members))
            optimizer.step()
            step += 1
            for table in tables:
                table.step(s.learning_rate * rate, s.weight_decay, 0.98, step)
            losses.append(float(loss.detach()))
            if step % 4 == 0:
                keep = min(0.998, step / (step + 40)) ** 4
                torch._foreach_lerp_(average, [p.detach() for p in params], 1 - keep)
            if progress is not None and time.monotonic() - told > 0.5:
                told = time.monotonic()
                text = f"epoch {epoch + 1} of {s.epochs}"
                progress(Progress("train", min(1.0, step / total), text, {"loss": losses[-1]}))
        mean = sum(losses) / len(losses) / s.members
        if progress is not None:
            text = f"epoch {epoch + 1} of {s.epochs}"
            progress(Progress("train", (epoch + 1) / s.epochs, text, {"loss": mean}))
    with torch.no_grad():
        if step >= 8:
            for p, q in zip(params, average, strict=True):
                p.copy_(q)
    network.eval()
    return network, mean


def _allowed(plan: _Plan) -> np.ndarray[Any, np.dtype[np.float32]]:
    """[I, K]: 0 for tags that an intent has in training, -8 for others: unlikely."""
    many = len(plan.parameters)
    allowed = np.full((len(plan.intents), 1 + 2 * many), -8.0, np.float32)
    allowed[:, 0] = 0
    for item in plan.items:
        for _, _, k in item.spans:
            allowed[item.intent, [1 + k, 1 + many + k]] = 0
    return allowed


def _batches(plan: _Plan, rng: random.Random) -> list[list[_Utterance]]:
    """An epoch of utterances in batches of similar length, in random order."""
    utterances = _compose(plan, rng)
    mean = sum(len(u.clauses) for u in utterances) / len(utterances)
    size = max(1, round(plan.settings.batch_size / mean))
    key = [len(u.types) + rng.random() * 3 for u in utterances]
    order = sorted(range(len(utterances)), key=key.__getitem__)
    batches = [[utterances[k] for k in order[i : i + size]] for i in range(0, len(order), size)]
    rng.shuffle(batches)
    return batches


def _padded(rows: Sequence[Sequence[int]]) -> Ints:
    out = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for k, row in enumerate(rows):
        out[k, : len(row)] = row
    return out


def _loss(
    network: Network, plan: _Plan, batch: Sequence[_Utterance], noise: np.random.Generator
) -> Tensor:
    """The sum over members of the mean loss of a clause."""
    import torch
    from torch.nn import functional as F

    from maksud.recognizers.joint.network import tag_loss

    s = plan.settings
    members = s.members
    tokens = _padded([u.types for u in batch])
    # Rare words are hidden more often; now and then the spelling is hidden instead. A word type
    # is computed once for each way in which it is shown.
    chance = s.hide / (s.hide + plan.counts[tokens]) + 0.02
    hidden = np.less(noise.random(tokens.shape), chance)
    unspelled = np.less(noise.random(tokens.shape), 0.02)
    if s.veil:
        labels = _padded([[tag for row in u.tags for tag in row] for u in batch])
        veiled = (labels > 0) & (noise.random(tokens.shape) < s.veil)
        hidden |= veiled
        unspelled |= veiled
    shown, place = np.unique(tokens * 4 + hidden * 2 + unspelled, return_inverse=True)
    place = place.reshape(tokens.shape)
    present = shown // 4
    words = np.where((shown & 2 > 0) & (present > 0), UNKNOWN, plan.word_ids[present])
    scale = plan.scale[present] * (shown & 1 == 0)
    mask = torch.from_numpy((tokens > 0).astype(np.float32))[..., None]
    h, alone = network.extractor(
        torch.from_numpy(words),
        torch.from_numpy(plan.grams[present]),
        torch.from_numpy(scale.astype(np.float32)),
        torch.from_numpy(place),
        mask,
    )
    items = [i for u in batch for i in u.items]
    spans = [(b, i, j) for b, u in enumerate(batch) for i, j in u.clauses]
    number = len(spans)
    loss = torch.zeros(())
    if plan.joins:
        first = torch.zeros(tokens.shape)
        for b, i, _ in spans:
            first[b, i] = 1
        inner = mask[..., 0].clone()
        inner[:, 0] = 0
        score = network.heads.boundary(h).squeeze(-1)
        each = F.binary_cross_entropy_with_logits(score, first.expand_as(score), reduction="none")
        loss = loss + (each * inner).sum() / number
    if len(spans) > len(batch):
        h, alone, mask = _clause_rows(h, alone, spans)
    intent = torch.tensor([i.intent for i in items])
    logits, tags, choices = network.heads(h, alone, mask)
    loss = loss + members * F.cross_entropy(
        logits.flatten(0, 1), intent.repeat(members), label_smoothing=s.label_smoothing
    )
    if plan.parameters:
        gold = torch.from_numpy(_padded([row for u in batch for row in u.tags]))
        scores = network.heads.emissions(tags, intent).flatten(0, 1)
        each = tag_loss(scores, gold.repeat(members, 1), mask[..., 0].repeat(members, 1))
        if all(i.tagged for i in items):
            loss = loss + each.sum() / number
        else:
            known = torch.tensor([float(i.tagged) for i in items])
            loss = loss + (each * known.repeat(members)).sum() / number
    if choices is not None:
        chosen = torch.tensor([i.choices for i in items])
        at = 0
        for k, (_, values) in enumerate(plan.choices):
            block = choices[..., at : at + 1 + len(values)].flatten(0, 1)
            at += 1 + len(values)
            if (chosen[:, k] >= 0).any():
                loss = loss + members * F.cross_entropy(block, chosen[:, k].repeat(members))
    return loss


def _clause_rows(
    h: Tensor, alone: Tensor, spans: Sequence[tuple[int, int, int]]
) -> tuple[Tensor, Tensor, Tensor]:
    """[M, B, T, D] -> [M, S, T', D]: a row for each clause (utterance, first, last + 1)."""
    import torch

    size = max(j - i for _, i, j in spans)
    rows = np.zeros((len(spans), size), np.int64)
    keep = np.zeros((len(spans), size), np.float32)
    for k, (b, i, j) in enumerate(spans):
        rows[k] = b * h.shape[2] + i
        rows[k, : j - i] = np.arange(b * h.shape[2] + i, b * h.shape[2] + j)
        keep[k, : j - i] = 1
    at = torch.from_numpy(rows.reshape(-1))
    mask = torch.from_numpy(keep)[..., None]
    cut = [
        x.flatten(1, 2).index_select(1, at).view(len(x), len(spans), size, -1) * mask
        for x in (h, alone)
    ]
    return cut[0], cut[1], mask


# ---------------------------------------------------------------- saving


def _save(network: Network, plan: _Plan, out: Path) -> None:
    from safetensors.numpy import save_file

    network.heads.intent_tag.data += network.heads.allowed
    tensors = {
        name: np.ascontiguousarray(p.detach().numpy()) for name, p in network.named_parameters()
    }
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(out / "model.safetensors"))
    corpus = plan.corpus
    observed: defaultdict[str, list[str]] = defaultdict(list)
    for clause in corpus.clauses:
        for p in clause.choices:
            if p not in observed[clause.intent]:
                observed[clause.intent].append(p)
    content = {
        "format": FORMAT,
        "shape": asdict(network.extractor.shape),
        "vocabulary": plan.vocabulary.to_list(),
        "intents": plan.intents,
        "parameters": plan.parameters,
        "choices": plan.choices,
        "choices_of": {f: sorted(ps) for f, ps in sorted(observed.items())},
        "joins": plan.joins,
        "trims": [
            [p, side, affix]
            for (p, side, affix), (trimmed, seen) in sorted(corpus.trims.items())
            if 2 * trimmed > seen
        ],
        "before": {
            f"{f}\t{a}\t{b}": n
            for (f, a, b), n in sorted(corpus.before.items())
            if {a, b} & {p for p, _ in plan.choices}
        },
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (out / "joint.json").write_text(text + "\n", encoding="utf-8")
