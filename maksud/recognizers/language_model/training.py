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
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maksud.data.dataset import Example
from maksud.errors import DataError, EngineError, SystemFault
from maksud.language.calls import Call, parse_calls, same_answer
from maksud.progress import OnProgress, Progress
from maksud.recognizers.contract import Contract
from maksud.recognizers.language_model import attention
from maksud.recognizers.language_model.checkpoints import Keeper
from maksud.recognizers.language_model.decoding import Decoder
from maksud.recognizers.language_model.inspection import (
    context_of,
    require_method,
    require_room,
    require_tokenizer,
)
from maksud.recognizers.language_model.loading import Base, load_model, open_base
from maksud.recognizers.language_model.notices import quiet
from maksud.recognizers.language_model.packing import Encoded, Lower, encode, make_packs, pack_loss
from maksud.recognizers.language_model.precision import arithmetic, choose_precision
from maksud.recognizers.language_model.prompt import prepare_tokenizer, tokenizer_fingerprint
from maksud.recognizers.language_model.saving import SMALL, merge_afresh, save_model
from maksud.recognizers.language_model.settings import LanguageModelSettings
from maksud.recognizers.language_model.variation import Variations
from maksud.recognizers.resuming import kept_for_another_try

KEEP_SECONDS = 60.0
"""Between two checkpoints, about: what an interruption may cost."""
EPOCHS = 7.0
"""Passes over the examples where neither settings nor the base's recipe say how many."""


def train_language_model(
    train: Sequence[Example],
    dev: Sequence[Example],
    base: str | Path | Base,
    contract: Contract,
    out: str | Path,
    settings: LanguageModelSettings | None = None,
    progress: OnProgress | None = None,
    *,
    seed: int = 0,
    checkpoints: str | Path | None = None,
    keep_checkpoints: bool = False,
) -> dict[str, Any]:
    """Tunes `base` on `train` and writes the merged model into `out`; gives what it measured,
    and under "settings" each setting as it was carried out.

    With `checkpoints`, a directory, the state is kept there every minute, and a training of the
    same data, base and settings goes on from it. The state is removed when the model is saved,
    unless `keep_checkpoints`: then by the caller, once the run stands.

    Before the first step, raises `SettingsError` for a method that this machine does not have,
    `DataError` for examples that can't be learned, `RunError` or `EngineError` for a base that
    does not fit the contract or is not whole. Later, `EngineError` where the loss stops being a
    number and `SystemFault` where the model can't be saved.
    """
    settings = settings or LanguageModelSettings()
    if not train:
        raise DataError("there is nothing to train on", hint="Give examples in the train split")
    require_method(settings.method)
    if not isinstance(base, Base):
        base = open_base(base, contract.template)
    training = _Training(train, dev, base, contract, settings, seed, progress)
    place = Path(checkpoints) if checkpoints else None
    keeper = Keeper(place, training.identity) if place else None
    training.run(keeper)
    with kept_for_another_try(place):
        training.save(Path(out))
    if keeper and not keep_checkpoints:
        keeper.clear()
    return {**training.metrics, "settings": asdict(training.carried_out)}


class _Training:
    """One training from load to save."""

    def __init__(
        self,
        train: Sequence[Example],
        dev: Sequence[Example],
        base: Base,
        contract: Contract,
        settings: LanguageModelSettings,
        seed: int,
        progress: OnProgress | None,
    ) -> None:
        self.settings = settings
        self.seed = seed
        self.contract = contract
        self.base = base
        self.progress = progress or (lambda _: None)
        self._tell(0.0, "loading the base model")
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(seed)
        self.tokenizer = base.tokenizer
        prepare_tokenizer(self.tokenizer, contract.template)
        self.prompt, self.constraint = require_tokenizer(self.tokenizer, contract, base.path)
        self.model = load_model(base, self.device, settings.method, settings.bits)
        attention.install(self.model)
        context = context_of(self.model.config)
        require_room(self.prompt, contract, context, base.path)
        self.limit = min(settings.seq_length or context, context)
        self.precision = choose_precision(settings.precision, self.device)
        if settings.method == "lora":  # autocast would cast a base of another type each time
            self.model.to(self.precision)
        self.budget = settings.tokens_per_pack or (300 if self.device.type == "cpu" else 4096)
        self.rate = settings.learning_rate or self._default_rate()
        self.epochs = settings.num_train_epochs or EPOCHS
        self.frozen = int(settings.frozen_layers * len(self.model.model.layers))
        self.tuned = self._with_adapter()
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.train_set = self._encode(train, settings.decision_weight)
        self.variations = Variations(train, contract.catalog)
        sample = random.Random(seed).sample(list(dev), min(len(dev), self._dev_rows()))
        self.dev_rows = sample
        self.dev_set = self._encode(sample[: settings.dev_loss_rows], 1.0)
        decoder = Decoder(self.model, self.prompt)
        for row in sample[: settings.dev_answer_rows]:
            decoder.require_room(row.instruction, contract.decoding.max_new_tokens)
        self.lower: Lower | None = None
        self.metrics: dict[str, float] = {}
        # Terms are accepted once: whether they were now changes nothing about the training.
        shown = asdict(replace(settings, accept_licence=""))
        digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode())
        fingerprint = tokenizer_fingerprint(self.tokenizer)
        about = f"{seed}/{fingerprint}{contract.system_prompt}{contract.template}{base.path}"
        digest.update(about.encode())
        for e in self.train_set:
            digest.update(repr(e).encode())
        self.identity = digest.hexdigest()

    # ------------------------------------------------------------ the loop

    def run(self, keeper: Keeper | None) -> None:
        """Trains, evaluates now and then, and leaves the best state in model and `keeper`."""
        settings = self.settings
        budget, rate = self.budget, self.rate
        optimizer = torch.optim.AdamW(
            self.parameters, lr=rate, betas=(0.9, 0.99), weight_decay=settings.weight_decay,
            fused=True,
        )  # fmt: skip
        packs = list(self._packs(budget))
        total = len(packs)
        marks = {round(total * (k + 1) / settings.evaluations) for k in range(settings.evaluations)}
        names = [n for n, p in self.model.named_parameters() if p.requires_grad]
        begin, best, best_score = 0, self._state(), (-1.0, -math.inf)
        place = keeper.directory if keeper else None
        if keeper and (state := keeper.newest()) is not None:
            begin, best, best_score = state.restore(names, self.parameters, optimizer)
            self._tell(begin / total, f"going on from step {begin}")
        if self.frozen and begin < total:
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
            with kept_for_another_try(place):
                loss = self._step(packs[step], optimizer)
            # Not said here: the same command would come to the same end.
            if not math.isfinite(loss):
                raise EngineError(
                    f"the loss is {loss} at step {step + 1} of {total}",
                    hint="The base's weights are damaged: fetch it again"
                    if step == 0
                    else f"Lower learning_rate (now {rate:g}) and look at the data",
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
                with kept_for_another_try(place):
                    score = self._evaluate((step + 1) / total)
                if score >= best_score:
                    best, best_score = self._state(), score
                self.model.train()
            if keeper and (step + 1 in marks or time.monotonic() - kept > KEEP_SECONDS):
                try:
                    keeper.keep(step + 1, names, self.parameters, optimizer, best, best_score)
                except SystemFault as error:  # a full disk ends no training
                    self._tell((step + 1) / total, f"{error.message}; the training goes on")
                kept = time.monotonic()
        with torch.no_grad():
            for parameter, value in zip(self.parameters, best, strict=True):
                parameter.copy_(value)
        self.metrics |= {
            "steps": float(total),
            "examples_seen": float(examples),
            "train_seconds": time.monotonic() - started,
            "train_cpu_seconds": time.process_time() - cpu,
            "trained_parameters": float(sum(p.numel() for p in self.parameters)),
            "bfloat16": float(self.precision == torch.bfloat16),
            "threads": float(torch.get_num_threads()),
            "seed": float(self.seed),
        }
        if begin < total:
            self.metrics["train_loss"] = smooth
        if best_score[0] >= 0:
            self.metrics["dev_exact_match"] = best_score[0]

    def _packs(self, budget: int) -> Iterator[list[int]]:
        """The steps, as numbers of `train_set`, to which the epochs' variations are added."""
        epochs = self.epochs
        count = len(self.train_set)
        for epoch in range(math.ceil(epochs)):
            order = random.Random(f"{self.seed}/{epoch}")
            numbers = [self._varied(n, order) if epoch else n for n in range(count)]
            packs = make_packs(
                [self.train_set[n] for n in numbers], budget, order, self.settings.examples_per_step
            )
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
            with self._arithmetic():
                answers = decoder.constrained(
                    [r.instruction for r in rows],
                    self.constraint,
                    self.contract.decoding.max_new_tokens,
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
        self._tell(1.0, "saving the merged model")
        model = self.model
        if self.settings.method == "qlora":
            model = merge_afresh(self.tuned, self.base)
        elif self.tuned is not None:
            model = self.tuned.merge_and_unload()
        save_model(model, self.tokenizer, self.prompt.end_id, out, self.base.path)

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
                    hint="Shorten the example"
                    + (
                        ", or raise seq_length"
                        if 0 < self.settings.seq_length == self.limit
                        else ""
                    ),
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
        size = self.model.num_parameters()  # four-bit weights are counted as they are meant
        return 1.5e-3 if size < SMALL else 3e-4

    @property
    def carried_out(self) -> LanguageModelSettings:
        """The settings with everything that was derived."""
        return replace(
            self.settings,
            learning_rate=self.rate,
            num_train_epochs=self.epochs,
            tokens_per_pack=self.budget,
            seq_length=self.limit,
            precision="bfloat16" if self.precision == torch.bfloat16 else "float32",
            threads=torch.get_num_threads(),
        )

    def _arithmetic(self) -> AbstractContextManager[Any]:
        return arithmetic(self.precision, self.device)

    def _state(self) -> list[Tensor]:
        return [p.detach().clone() for p in self.parameters]

    def _tell(self, done: float, text: str, metrics: dict[str, float] | None = None) -> None:
        self.progress(Progress("train", min(1.0, done), text, metrics or {}))


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
