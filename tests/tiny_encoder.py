"""A tiny encoder with random weights and a unigram tokenizer, as a plain directory.

Of the same architectures, and the same kind of tokenizer, as the real ones.
"""

from __future__ import annotations

import json
import random
import string
from pathlib import Path
from typing import Any

from joint_data import clause

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")


def tiny_unigram() -> Any:
    """A tokenizer that has the words of `joint_data`, and letters for all others."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    from maksud.recognizers.encoder.charsmap import write_charsmap

    rng = random.Random(0)
    words = sorted({w for _ in range(400) for w in clause(rng)[0].split()})
    pieces = [(p, 0.0) for p in SPECIAL]
    pieces += [("▁" + w, -5.0) for w in ["query", *words]]
    pieces += [(c, -9.0) for c in ["▁", *string.ascii_lowercase, *string.digits, *",.:?!"]]
    made = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    made.normalizer = normalizers.Precompiled(write_charsmap({"ﬁ": "fi", "\u200b": " "}))
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def write_tiny_encoder(
    place: Path, *, architecture: str = "bert", positions: int = 64, **changes: Any
) -> Path:
    """Writes a model of some 100,000 weights; the same every time."""
    import torch
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    tokenizer = tiny_unigram()
    shift = 2 if architecture == "xlm-roberta" else 0
    sizes: dict[str, Any] = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
        "max_position_embeddings": positions + shift,
        "pad_token_id": 1,
        **changes,
    }
    torch.manual_seed(0)
    model: Any
    if architecture == "bert":
        model = BertModel(BertConfig(**sizes), add_pooling_layer=False)
    else:
        model = XLMRobertaModel(XLMRobertaConfig(**sizes), add_pooling_layer=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.06)
        # The usual beginning is so small that all words are alike.
        model.embeddings.word_embeddings.weight.normal_()
    model.save_pretrained(place)
    tokenizer.save(str(place / "tokenizer.json"))
    (place / "tokenizer_config.json").write_text(json.dumps({"model_max_length": positions}))
    return place
