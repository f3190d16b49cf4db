"""Tuning a causal language model to write the calls: LoRA, QLoRA or all weights.

Input: examples, a base (a plain Hugging Face directory) and a contract. Output: a merged plain
Hugging Face directory, which the guide's own evaluation script and every serving tool load.
Examples go through in packs that share the prompt's prefix (see `packing`). The lower layers can
be left as they are (`frozen_layers`): what they compute for an example is then the same in every
epoch and is computed once. Hu et al. 2021 (LoRA, arXiv:2106.09685).
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from maksud.data.dataset import Example
from maksud.errors import DataError, EngineError, RunError, SettingsError
from maksud.language.calls import Call, parse_calls, same_answer
from maksud.progress import OnProgress, Progress
from maksud.recognizers.contract import Contract
from maksud.recognizers.language_model import attention
from maksud.recognizers.language_model.checkpoints import Keeper
from maksud.recognizers.language_model.constraint import Constraint
from maksud.recognizers.language_model.decoding import Decoder
from maksud.recognizers.language_model.gallery import quiet
from maksud.recognizers.language_model.loading import load
from maksud.recognizers.language_model.packing import Encoded, Lower, encode, make_packs, pack_loss
from maksud.recognizers.language_model.precision import arithmetic, choose_precision
from maksud.recognizers.language_model.prompt import Prompt, tokenizer_fingerprint
from maksud.recognizers.language_model.variation import Variations

KEEP_SECONDS = 60.0
"""Between two checkpoints, about: what an interruption may cost."""

SMALL = 1_000_000_000
"""Models below this many parameters are merged and saved in float32.

A greedy choice between two near-equal tokens falls differently in bfloat16 when the batch or the
cache does: only in float32 does the guide's script, one prompt at a time, give the answers of our
batched evaluation. Small models can afford it; larger ones are saved in bfloat16.
"""


@dataclass(frozen=True)
class LanguageModelSettings:
    """How a language model is tuned. Names are the guide's where it has one."""

    method: Literal["lora", "qlora", "full"] = "lora"
    """`lora`: small matrices beside frozen weights; `qlora`: the same on 4-bit weights (needs
    bitsandbytes and a GPU); `full`: all weights."""
    learning_rate: float = 0.0
    """Peak of the learning rate. 0 chooses by method and size: 1.5e-3 for LoRA below a billion
    parameters, 3e-4 above, 5e-5 for all weights."""
    num_train_epochs: float = 7.0
    """Passes over the examples."""
    lora_dim: int = 32
    """Rank of the LoRA matrices."""
    lora_alpha: int = 64
    """LoRA's weight: the matrices' product is scaled by lora_alpha / lora_dim."""
    varied_values: float = 0.5
    """From the second epoch on, each copied value of an example is replaced with this probability
    by one of another example (see `variation`)."""
    decision_weight: float = 1.0
    """Weight in the loss of the tokens that say which calls there are, beside 1 for those of
    arguments. More helps where intents are many and training is short."""
    frozen_layers: float = 0.0
    """Share of the layers, from the bottom, that stay as they are, in [0, 1). What they compute is
    kept in memory, so that half the layers cost half the time."""
    tokens_per_pack: int = 0
    """Examples' own tokens in one step. 0 chooses: 300 on a CPU, 4096 on a GPU."""
    seq_length: int = 0
    """Longest example in tokens, prompt and answer; a longer one is an error. 0: the model's."""
    warmup_ratio: float = 0.06
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = 0.0
    """AdamW's decay of the trained weights."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the matrix products. `auto`: what MAKSUD_PRECISION says, else bfloat16 where
    the machine says that it has instructions for it."""
    evaluations: int = 2
    """How often to look at the dev sample, evenly spread, the last time at the end. The best
    state is kept."""
    dev_loss_rows: int = 64
    """Dev examples for the loss."""
    dev_answer_rows: int = 32
    """Dev examples that are answered, for exact match; 0 looks at the loss only."""
    seed: int = 0
    """Order of the examples and first values of the LoRA matrices."""
    threads: int = 0
    """CPU threads; 0 leaves PyTorch's choice. Another number gives slightly other weights."""

    def __post_init__(self) -> None:
        _require(self.method in ("lora", "qlora", "full"), "method", self.method)
        _require(self.precision in ("auto", "float32", "bfloat16"), "precision", self.precision)
        _require(self.learning_rate >= 0, "learning_rate", self.learning_rate)
        _require(self.num_train_epochs > 0, "num_train_epochs", self.num_train_epochs)
        _require(self.lora_dim > 0, "lora_dim", self.lora_dim)
        _require(self.lora_alpha > 0, "lora_alpha", self.lora_alpha)
        _require(0 <= self.varied_values <= 1, "varied_values", self.varied_values)
        _require(self.decision_weight > 0, "decision_weight", self.decision_weight)
        _require(0 <= self.frozen_layers < 1, "frozen_layers", self.frozen_layers)
        _require(self.tokens_per_pack >= 0, "tokens_per_pack", self.tokens_per_pack)
        _require(self.seq_length >= 0, "seq_length", self.seq_length)
        _require(0 <= self.warmup_ratio < 1, "warmup_ratio", self.warmup_ratio)
        _require(self.evaluations >= 1, "evaluations", self.evaluations)
        _require(self.threads >= 0, "threads", self.threads)


def _require(fine: bool, name: str, value: object) -> None:
    if not fine:
        raise SettingsError(f"{name} = {value!r} is out of range", hint="See LanguageModelSettings")


def train_language_model(
    train: Sequence[Example],
    dev: Sequence[Example],
    base: str | Path,
    contract: Contract,
    out: str | Path,
    settings: LanguageModelSettings | None = None,
    progress: OnProgress | None = None,
    *,
    checkpoints: str | Path | None = None,
) -> dict[str, float]:
    """Tunes `base` on `train` and writes the merged model into `out`; gives what it measured.

    With `checkpoints`, a directory, the state is kept there every minute, and a training of the
    same data, base and settings goes on from it. Raises `DataError` for examples that
    can't be learned, `RunError` for a base that does not fit the contract, `EngineError` where
    the loss stops being a number.
    """
    settings = settings or LanguageModelSettings()
    if not train:
        raise DataError("there is nothing to train on", hint="Give examples in the train split")
    training = _Training(train, dev, Path(base), contract, settings, progress)
    training.run(Path(checkpoints) if checkpoints else None)
    training.save(Path(out))
    return training.metrics


class _Training:
    """One training from load to save."""

    def __init__(
        self,
        train: Sequence[Example],
        dev: Sequence[Example],
        base: Path,
        contract: Contract,
        settings: LanguageModelSettings,
        progress: OnProgress | None,
    ) -> None:
        self.settings = settings
        self.contract = contract
        self.progress = progress or (lambda _: None)
        self._tell(0.0, "loading the base model")
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(settings.seed)
        self.tokenizer, self.model = load(base, self.device, settings.method)
        self.prompt = Prompt(self.tokenizer, contract.system_prompt, contract.template)
        found = tokenizer_fingerprint(self.tokenizer)
        if contract.tokenizer and contract.tokenizer != found:
            raise RunError(
                "the contract was made for another tokenizer",
                where=str(base),
                hint="Make the contract from this base's tokenizer",
            )
        attention.install(self.model)
        self.limit = settings.seq_length or int(self.model.config.max_position_embeddings)
        self.precision = choose_precision(settings.precision, self.device)
        if settings.method == "lora":  # autocast would cast a base of another type each time
            self.model.to(self.precision)
        self.frozen = int(settings.frozen_layers * len(self.model.model.layers))
        self.tuned = self._with_adapter()
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.train_set = self._encode(train, settings.decision_weight)
        self.variations = Variations(train, contract.catalog)
        sample = random.Random(settings.seed).sample(list(dev), min(len(dev), self._dev_rows()))
        self.dev_rows = sample
        self.dev_set = self._encode(sample[: settings.dev_loss_rows], 1.0)
        self.lower: Lower | None = None
        self.metrics: dict[str, float] = {}
        digest = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
        digest.update(f"{found}{contract.system_prompt}{contract.template}{base}".encode())
        for e in self.train_set:
            digest.update(repr(e).encode())
        self.identity = digest.hexdigest()

    # ------------------------------------------------------------ the loop

    def run(self, checkpoints: Path | None) -> None:
        """Trains, evaluates now and then, and leaves the best state in the model."""
        settings = self.settings
        budget = settings.tokens_per_pack or (300 if self.device.type == "cpu" else 4096)
        rate = settings.learning_rate or self._default_rate()
        optimizer = torch.optim.AdamW(
            self.parameters, lr=rate, betas=(0.9, 0.99), weight_decay=settings.weight_decay,
            fused=True,
        )  # fmt: skip
        packs = list(self._packs(budget))
        total = len(packs)
        marks = {round(total * (k + 1) / settings.evaluations) for k in range(settings.evaluations)}
        keeper = Keeper(checkpoints, self.identity) if checkpoints else None
        names = [n for n, p in self.model.named_parameters() if p.requires_grad]
        begin, best, best_score = 0, self._state(), (-1.0, -math.inf)
        if keeper and (state := keeper.newest()) is not None:
            begin, best, best_score = state.restore(names, self.parameters, optimizer)
            self._tell(begin / total, f"going on from step {begin}")
        if self.frozen:
            self._tell(0.0, "computing the frozen layers")
            self.lower = Lower(self.model, self.frozen, self._prefix(), self.train_set, self.device)
        started, cpu = time.monotonic(), time.process_time()
        kept = started
        examples = sum(len(p) for p in packs[:begin])
        first_examples = examples
        self.model.train()
        smooth = 0.0
        for step in range(begin, total):
            share = step / total
            warm = min(1.0, (step + 1) / (settings.warmup_ratio * total + 1))
            for group in optimizer.param_groups:
                group["lr"] = rate * warm * max(0.02, 1 - share)
            loss = self._step(packs[step], optimizer)
            if not math.isfinite(loss):
                raise EngineError(
                    f"the loss is {loss} at step {step + 1} of {total}",
                    hint=f"Lower learning_rate (now {rate:g}) and look at the data",
                )
            smooth = loss if step == begin else 0.9 * smooth + 0.1 * loss
            examples += len(packs[step])
            spent = time.monotonic() - started
            left = spent / (step + 1 - begin) * (total - step - 1)
            speed = (examples - first_examples) / spent
            self._tell(
                (step + 1) / total,
                f"step {step + 1}/{total}, loss {smooth:.3f}, {speed:.1f} examples/s, "
                f"{_clock(left)} left",
                {"loss": loss, "learning_rate": optimizer.param_groups[0]["lr"]},
            )
            if step + 1 in marks:
                score = self._evaluate((step + 1) / total)
                if score >= best_score:
                    best, best_score = self._state(), score
                self.model.train()
            if keeper and (step + 1 in marks or time.monotonic() - kept > KEEP_SECONDS):
                keeper.keep(step + 1, names, self.parameters, optimizer, best, best_score)
                kept = time.monotonic()
        with torch.no_grad():
            for parameter, value in zip(self.parameters, best, strict=True):
                parameter.copy_(value)
        self.metrics |= {
            "steps": float(total),
            "examples_seen": float(examples),
            "train_loss": smooth,
            "train_seconds": time.monotonic() - started,
            "train_cpu_seconds": time.process_time() - cpu,
            "trained_parameters": float(sum(p.numel() for p in self.parameters)),
            "bfloat16": float(self.precision == torch.bfloat16),
            "threads": float(torch.get_num_threads()),
            "seed": float(settings.seed),
        }
        if best_score[0] >= 0:
            self.metrics["dev_exact_match"] = best_score[0]
        if keeper:
            keeper.clear()

    def _packs(self, budget: int) -> Iterator[list[int]]:
        """The steps, as numbers of `train_set`, to which the epochs' variations are added."""
        epochs = self.settings.num_train_epochs
        count = len(self.train_set)
        for epoch in range(math.ceil(epochs)):
            order = random.Random(f"{self.settings.seed}/{epoch}")
            numbers = [self._varied(n, order) if epoch else n for n in range(count)]
            packs = make_packs([self.train_set[n] for n in numbers], budget, order)
            if epoch + 1 > epochs:
                packs = packs[: math.ceil(len(packs) * (epochs - epoch))]
            yield from ([numbers[k] for k in pack] for pack in packs)

    def _varied(self, number: int, rng: random.Random) -> int:
        """The number of a variation of an example; its own where nothing is replaced."""
        utterance, calls = self.variations.draw(number, self.settings.varied_values, rng)
        encoded = self._encoded(utterance, calls, self.settings.decision_weight)
        if encoded == self.train_set[number] or len(self._prefix()) + len(encoded) > self.limit:
            return number
        self.train_set.append(encoded)
        return len(self.train_set) - 1

    def _step(self, numbers: list[int], optimizer: torch.optim.Optimizer) -> float:
        with self._arithmetic():
            loss, count = pack_loss(
                self.model,
                self._prefix(),
                [self.train_set[n] for n in numbers],
                self.device,
                lower=self.lower,
                numbers=numbers,
            )
        (loss / count).backward()
        nn.utils.clip_grad_norm_(self.parameters, self.settings.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach()) / count

    # ------------------------------------------------------------ evaluation

    def _evaluate(self, done: float) -> tuple[float, float]:
        """Exact match (-1 where nothing is answered) and negative loss on the dev sample."""
        self.model.eval()
        loss = 0.0
        if self.dev_set:
            count = 0.0
            with torch.no_grad(), self._arithmetic():
                for pack in make_packs(self.dev_set, 1200, random.Random(0)):
                    some, n = pack_loss(
                        self.model, self._prefix(), [self.dev_set[i] for i in pack], self.device
                    )
                    loss, count = loss + float(some), count + n
            loss /= count
        match = -1.0
        rows = self.dev_rows[: self.settings.dev_answer_rows]
        if rows:
            self._tell(done, f"answering {len(rows)} dev examples")
            decoder = Decoder(self.model, self.prompt)
            constraint = Constraint(self.contract.catalog, self.tokenizer)
            with self._arithmetic():
                answers = decoder.constrained(
                    [r.instruction for r in rows], constraint, self.contract.decoding.max_new_tokens
                )
            catalog = self.contract.catalog
            right = sum(
                same_answer(
                    catalog.name_arguments(parse_calls(a.text)), catalog.name_arguments(r.calls)
                )
                for a, r in zip(answers, rows, strict=True)
            )
            match = right / len(rows)
        metrics = {"dev_loss": loss} if self.dev_set else {}
        if match >= 0:
            metrics["dev_exact_match"] = match
        self.metrics |= metrics
        self._tell(done, ", ".join(f"{k} {v:.3f}" for k, v in metrics.items()), metrics)
        return match, -loss

    # ------------------------------------------------------------ saving

    def save(self, out: Path) -> None:
        """Writes the merged model, tokenizer and generation settings as a plain directory."""
        from transformers import GenerationConfig

        self._tell(1.0, "saving the merged model")
        model = self.model
        if self.tuned is not None:
            model = self.tuned.merge_and_unload()
        count = sum(p.numel() for p in model.parameters())
        model.to(torch.float32 if count < SMALL else torch.bfloat16)
        end = self.prompt.end_id
        model.config._attn_implementation_internal = None
        model.config.use_cache = True
        model.config.eos_token_id = end
        model.generation_config = GenerationConfig(
            eos_token_id=end, pad_token_id=end, do_sample=False
        )
        out.mkdir(parents=True, exist_ok=True)
        with quiet():
            model.save_pretrained(out)
        # The guide's script stops at the tokenizer's end token: it must be the one trained.
        self.tokenizer.eos_token = self.tokenizer.convert_ids_to_tokens(end)
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.tokenizer.save_pretrained(out)

    # ------------------------------------------------------------ parts

    def _encode(self, examples: Sequence[Example], weight: float) -> list[Encoded]:
        prefix = len(self._prefix())
        out = []
        for example in examples:
            encoded = self._encoded(example.instruction, example.calls, weight)
            if prefix + len(encoded) > self.limit:
                raise DataError(
                    f"an example has {prefix + len(encoded)} tokens, more than {self.limit}",
                    where=example.place,
                    hint="Raise seq_length or shorten the example",
                )
            out.append(encoded)
        return out

    def _encoded(self, utterance: str, calls: Sequence[Call], weight: float) -> Encoded:
        # Constrained decoding writes the catalog's style: training asks for the same.
        answer = self.contract.catalog.render(calls)
        return encode(self.prompt, len(self._prefix()), utterance, answer, weight)

    def _prefix(self) -> tuple[int, ...]:
        return self.prompt.prefix

    def _dev_rows(self) -> int:
        return max(self.settings.dev_loss_rows, self.settings.dev_answer_rows)

    def _with_adapter(self) -> Any:
        """The model under PEFT, or None where all weights are trained."""
        if self.settings.method == "full":
            self.model.requires_grad_(True)
            self.model.float()
            for layer in self.model.model.layers[: self.frozen]:
                layer.requires_grad_(False)
            if self.frozen:
                self.model.get_input_embeddings().requires_grad_(False)
            return None
        from peft import LoraConfig, get_peft_model

        layers = self.model.model.layers
        names = sorted(
            {n.rpartition(".")[2] for n, m in layers.named_modules() if isinstance(m, nn.Linear)}
        )
        shape = LoraConfig(
            r=self.settings.lora_dim,
            lora_alpha=self.settings.lora_alpha,
            lora_dropout=0.0,
            target_modules=names,
            layers_to_transform=list(range(self.frozen, len(layers))),
            task_type="CAUSAL_LM",
        )
        with quiet():
            tuned = get_peft_model(self.model, shape)
        for parameter in tuned.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        return tuned

    def _default_rate(self) -> float:
        if self.settings.method == "full":
            return 5e-5
        size = sum(p.numel() for p in self.model.parameters())
        return 1.5e-3 if size < SMALL else 3e-4

    def _arithmetic(self) -> AbstractContextManager[Any]:
        return arithmetic(self.precision, self.device)

    def _state(self) -> list[Tensor]:
        return [p.detach().clone() for p in self.parameters]

    def _tell(self, done: float, text: str, metrics: dict[str, float] | None = None) -> None:
        self.progress(Progress("train", min(1.0, done), text, metrics or {}))


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
