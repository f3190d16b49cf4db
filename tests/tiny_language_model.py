"""A tiny language model with random weights and a tokenizer of its own, as a plain directory.

Small enough that tuning and decoding take seconds, of the same architectures and the same kind of
tokenizer (byte-level BPE with ChatML's control tokens) as the real ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = """bagaimana cuaca di Bandung besok tolong putar lagu Hampa nomor kecilkan suaranya kali
hari ini lusa nanti malam siapa presiden dari Jakarta Medan Hangzhou Surabaya weather_search
play_music volume_down none song artist value title (live) "remix" 12 2024 5pm"""

QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen's tokenizer cuts text: a sign sticks to the word behind it, as in `=Hampa`."""


_CHATML, _MISTRAL = ("<|im_start|>", "<|im_end|>"), ("[INST]", "[/INST]")


def tiny_tokenizer(*, qwen: bool = False, vocabulary: int = 700, chatml: bool = True) -> Any:
    """A byte-level BPE tokenizer that cuts text as GPT-2's does, or as Qwen's.

    Without `chatml` it has Mistral's control tokens.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if qwen:
        cut = pre_tokenizers.Split(Regex(QWEN_PATTERN), "isolated")
        level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        made.pre_tokenizer = pre_tokenizers.Sequence([cut, level])
    made.decoder = decoders.ByteLevel()
    words = WORDS.split()
    texts = [WORDS, *words, *(f"f({a}={b}, {b}={a});" for a in words for b in words)]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|endoftext|>", *(_CHATML if chatml else _MISTRAL)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|endoftext|>", pad_token="<|endoftext|>"
    )


def tiny_tokenizer_with_plain_ends() -> Any:
    """The tokenizer with ChatML's tokens as added tokens that are not special."""
    import json

    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    content = json.loads(tiny_tokenizer().backend_tokenizer.to_str())
    for token in content["added_tokens"]:
        token["special"] = token["content"] == "<|endoftext|>"
    made = Tokenizer.from_str(json.dumps(content))
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|endoftext|>")


def tiny_tokenizer_of_pieces(*, chatml: bool = True, begin: bool = False) -> Any:
    """A BPE tokenizer whose letters are characters, with bytes to fall back on, as Gemma's.

    With `begin` it puts a blank before every text, as Llama 2's.
    """
    import json

    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Replace(" ", "▁")
    if begin:
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), made.normalizer])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    letters = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<unk>", "</s>", *letters, *(_CHATML if chatml else ())],
        show_progress=False,
    )
    made.train_from_iterator([WORDS], trainer)
    content = json.loads(made.to_str())
    content["added_tokens"] = [t for t in content["added_tokens"] if t["content"] not in letters]
    made = Tokenizer.from_str(json.dumps(content))
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", eos_token="</s>")


def bare_tokenizer(tokenizer: Any = None) -> Any:
    """A tokenizer of pieces as Gemma's, which begins every text with <bos>, without ChatML's tokens
    and without a template: as base models come."""
    from tokenizers import processors

    made = tokenizer or tiny_tokenizer_of_pieces(chatml=False)
    made.add_special_tokens({"bos_token": "<bos>"})
    number = made.convert_tokens_to_ids("<bos>")
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", number)]
    )
    return made


def write_tiny_base(
    directory: Path,
    *,
    qwen: bool = False,
    seed: int = 0,
    spread: float = 0.02,
    tokenizer: Any = None,
    ids: int = 0,
    architecture: str = "",
) -> Path:
    """Writes a base model of Llama's architecture, of Qwen2's, or of another one that is named.

    The greater `spread`, that of the first weights, the less alike are its outputs. `ids`: how
    many the model knows, by default as many as the tokenizer.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    from maksud.recognizers.language_model.notices import quiet

    tokenizer = tokenizer or tiny_tokenizer(qwen=qwen)
    shape: dict[str, Any] = dict(
        vocab_size=ids or len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=False,
        initializer_range=spread,
        bos_token_id=0,
        eos_token_id=0,
    )
    torch.manual_seed(seed)
    made: Any = LlamaForCausalLM(LlamaConfig(**shape))
    if qwen:
        made = Qwen2ForCausalLM(Qwen2Config(**shape))
    if architecture:
        made = tiny_model(architecture, ids or len(tokenizer), seed, spread)
    with quiet():
        made.save_pretrained(directory)
        tokenizer.save_pretrained(directory)
    return directory


ARCHITECTURES = {
    "Gemma2ForCausalLM": {"sliding_window": 8, "head_dim": 16, "query_pre_attn_scalar": 24},
    "Gemma3ForCausalLM": {
        "sliding_window": 8,
        "head_dim": 16,
        "query_pre_attn_scalar": 24,
        "sliding_window_pattern": 3,
    },
    "GraniteForCausalLM": {
        "embedding_multiplier": 3.0,
        "logits_scaling": 2.0,
        "residual_multiplier": 0.7,
        "attention_multiplier": 0.2,
    },
    "LlamaForCausalLM": {},
    "MistralForCausalLM": {"sliding_window": 8},
    "Olmo2ForCausalLM": {},
    "Phi3ForCausalLM": {"sliding_window": 8, "pad_token_id": 0},
    "Qwen2ForCausalLM": {"sliding_window": 8, "use_sliding_window": True, "max_window_layers": 2},
    "Qwen3ForCausalLM": {"head_dim": 24},
    "SmolLM3ForCausalLM": {"pad_token_id": 0},
}
"""Every architecture of language model that can be tuned, with what is its own in a tiny one."""


def tiny_model(architecture: str, vocabulary: int, seed: int = 0, spread: float = 0.3) -> Any:
    """A model of that architecture with random weights: 5 layers, where it has one a window of 8.

    Its norms are random, too, so that none can be left out unseen.
    """
    import torch
    import transformers

    kind = getattr(transformers, architecture)
    config = kind.config_class(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=5,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=spread,
        bos_token_id=0,
        eos_token_id=0,
        **ARCHITECTURES[architecture],
    )
    torch.manual_seed(seed)
    made = kind(config)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "norm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return made.eval()


def write_hub_cache(cache: Path, name: str = "Org/Tiny") -> Path:
    """Puts a tiny base into a folder that is laid out as the hub's cache; its snapshot of links."""
    import os

    entry = cache / f"models--{name.replace('/', '--')}"
    snapshot = entry / "snapshots" / "a1b2"
    for folder in (entry / "blobs", entry / "refs", snapshot):
        folder.mkdir(parents=True)
    (entry / "refs" / "main").write_text("a1b2")
    for number, file in enumerate(sorted(write_tiny_base(entry / "plain").iterdir())):
        os.rename(file, entry / "blobs" / str(number))
        os.symlink(f"../../blobs/{number}", snapshot / file.name)
    (entry / "plain").rmdir()
    return snapshot
