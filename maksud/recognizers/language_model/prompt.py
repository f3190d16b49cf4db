"""From a contract's prompt and an utterance to token ids: the one way, in training and serving.

The prompt is the chat template around the utterance. ChatML, which the guide's script builds by
hand, is the default, also of bases that have no template: they get its two control tokens. Other
bases use their tokenizer's own template. The template's control
tokens are control tokens; the same characters inside an utterance are plain text, so that nobody
can end the user's turn from inside it. For every other utterance the ids are those of the whole
prompt string in one piece.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from maksud.errors import EngineError, RunError
from maksud.recognizers.contract import CHATML
from maksud.recognizers.language_model.rendering import render_template

_START, _END = "<|im_start|>", "<|im_end|>"
_UTTERANCE, _SYSTEM = "\u241eutterance\u241e", "\u241esystem\u241e"
_WITHOUT_SYSTEM = """\
{% if messages[0]['role'] == 'system' %}\
{% set messages = [{'role': 'user', 'content': \
(messages[0]['content'] ~ '\\n\\n' if messages[0]['content'] else '') ~ messages[1]['content']}] \
+ messages[2:] %}\
{% endif %}
"""
_CHATML_TEMPLATE = """\
{% for message in messages %}\
{{ '<|im_start|>' ~ message['role'] ~ '\n' ~ message['content'] ~ '<|im_end|>' ~ '\n' }}\
{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""
# Before a template that has no place for a system prompt: it then stands in the first user's turn.


def template_of(tokenizer: Any) -> str:
    """The template that suits a tokenizer: `"chatml"`, or its own Jinja text.

    ChatML is also what a base without any template gets (see `prepare_tokenizer`).
    Of several named ones, that is `default`. Where the template refuses a system prompt or leaves
    it out (Mistral's), lines before it put the prompt into the first user's turn.

    Raises `EngineError` where none of its named templates is the default, `RunError` where the
    template can't be rendered.
    """
    vocabulary = tokenizer.get_vocab()
    if _START in vocabulary and _END in vocabulary:
        return CHATML
    template = tokenizer.chat_template
    if isinstance(template, dict):
        if template and "default" not in template:
            raise EngineError(
                f"the base model has no default chat template, only {', '.join(sorted(template))}",
                hint="Name one of its templates `default`",
            )
        template = template.get("default")
    if not (isinstance(template, str) and template):
        return CHATML
    try:
        if _SYSTEM in _render(tokenizer, _SYSTEM, template):
            return template
    except RunError:
        if _SYSTEM in _render(tokenizer, _SYSTEM, _WITHOUT_SYSTEM + template):
            return _WITHOUT_SYSTEM + template
        raise
    return _WITHOUT_SYSTEM + template


def prepare_tokenizer(tokenizer: Any, template: str) -> tuple[int, ...]:
    """Gives a tokenizer the end token that is trained, padding, and the template: as a run has it.

    The guide's script stops at the tokenizer's end token. Both become control tokens, which the
    fingerprint shows: they are set before a contract is made, and not while saving. Gives the ids
    of ChatML's tokens where the tokenizer had none: the model needs embeddings for them.
    """
    added: tuple[int, ...] = ()
    if template != CHATML:  # other tools then write the prompt that was trained
        tokenizer.chat_template = template
    else:
        missing = [token for token in (_START, _END) if token not in tokenizer.get_vocab()]
        if missing:
            tokenizer.add_tokens(missing, special_tokens=True)
            added = tuple(map(tokenizer.convert_tokens_to_ids, missing))
        if not tokenizer.chat_template:
            begin = "".join(tokenizer.convert_ids_to_tokens(begins_with(tokenizer)))
            written = f"{{{{ {json.dumps(begin, ensure_ascii=False)} }}}}" if begin else ""
            tokenizer.chat_template = written + _CHATML_TEMPLATE
    end = tokenizer.convert_ids_to_tokens(_end_of_turn(tokenizer, template))
    roles = {}
    if tokenizer.eos_token != end:
        roles["eos_token"] = end
    if tokenizer.pad_token is None:
        roles["pad_token"] = end
    if roles:
        tokenizer.add_special_tokens(roles)
    return added


def begins_with(tokenizer: Any) -> list[int]:
    """The ids that a tokenizer puts before every text by itself: none, or that of `<bos>`."""
    whole: list[int] = tokenizer("a").input_ids
    plain: list[int] = tokenizer("a", add_special_tokens=False).input_ids
    for size in range(len(whole) - len(plain) + 1):
        if whole[size : size + len(plain)] == plain:
            return whole[:size]
    return []


def tokenizer_fingerprint(tokenizer: Any) -> str:
    """`sha256:<hex>` of what decides the token ids: vocabulary, merges, added tokens, rules.

    Padding and truncation are left out: they are settings of one call, and saving changes them.
    """
    content = json.loads(_backend(tokenizer).to_str())
    content.pop("padding", None)
    content.pop("truncation", None)
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Prompt:
    """A system prompt and a template over a tokenizer; renders utterances to token ids."""

    def __init__(self, tokenizer: Any, system_prompt: str, template: str = CHATML) -> None:
        self.tokenizer = tokenizer
        before, after = _around_utterance(tokenizer, system_prompt, template)
        controls = sorted(_control_tokens(tokenizer), key=len, reverse=True)
        pattern = re.compile("|".join(re.escape(c) for c in controls)) if controls else None
        # Text that touches the utterance is tokenised with it; control tokens cut it off.
        matches = list(pattern.finditer(before)) if pattern else []
        cut = matches[-1].end() if matches else 0
        self._head = before[:cut]
        self._lead = before[cut:]
        match = pattern.search(after) if pattern else None
        cut = match.start() if match else len(after)
        self._trail = after[:cut]
        self._tail = after[cut:]
        # A template writes the tokenizer's first token itself; before ChatML's text, which the
        # guide's script builds by hand, the tokenizer puts it.
        begin = begins_with(tokenizer) if template == CHATML else []
        self._head_ids = begin + self._encode(self._head, controls=True)
        self._tail_ids = self._encode(self._tail, controls=True)
        self.end_id = _end_of_turn(tokenizer, template)

    def ids(self, utterance: str) -> list[int]:
        """Token ids of the whole prompt, up to where the answer begins."""
        middle = self._encode(self._lead + clean(utterance) + self._trail, controls=False)
        return self._head_ids + middle + self._tail_ids

    def answer_ids(self, answer: str) -> list[int]:
        """Token ids of an answer, with the end token: what training asks for."""
        return self.text_ids(answer) + [self.end_id]

    def text_ids(self, text: str) -> list[int]:
        """Token ids of plain text, in which nothing is a control token."""
        return self._encode(text, controls=False)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where each of `text_ids(text)` stands in the text: first character, last + 1."""
        found: list[tuple[int, int]] = self.tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
        ).offset_mapping
        return found

    def decode(self, ids: list[int]) -> str:
        """The text of an answer's ids, without control tokens, as the guide's script reads it."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text

    @property
    def prefix(self) -> tuple[int, ...]:
        """The ids with which every prompt starts, whatever the utterance: computed once.

        What stands between them and the utterance is not among them, though it is always the
        same text: where nothing parts words before they are cut, a piece may reach over it.
        """
        return tuple(self._head_ids)

    def _encode(self, text: str, *, controls: bool) -> list[int]:
        if not text:
            return []
        ids: list[int] = self.tokenizer(
            text, add_special_tokens=False, split_special_tokens=not controls
        ).input_ids
        return ids


def clean(utterance: str) -> str:
    """The utterance with lone surrogates, which no tokenizer can encode, written as `\ufffd`."""
    return re.sub("[\ud800-\udfff]", "\ufffd", utterance)


def token_bytes(tokenizer: Any) -> dict[int, bytes]:
    """The bytes that each ordinary token of a BPE vocabulary stands for.

    The vocabulary is of bytes (GPT-2's, Qwen's), or of pieces with bytes to fall back on and blanks
    written as `▁` (Gemma's). Control and added tokens are left out. Raises `EngineError` for other
    kinds of tokenizer.
    """
    backend = _backend(tokenizer)
    added = backend.get_added_tokens_decoder()
    vocabulary = ((t, number) for t, number in tokenizer.get_vocab().items() if number not in added)
    if '"ByteLevel"' in json.dumps(_rules(backend.decoder)):
        letters = {letter: byte for byte, letter in _byte_letters().items()}
        return {
            number: bytes(letters[letter] for letter in token)
            for token, number in vocabulary
            if all(letter in letters for letter in token)
        }
    if _writes_pieces(backend):
        return {
            number: bytes([int(token[3:5], 16)])
            if _BYTE.fullmatch(token)
            else token.replace(_BLANK, " ").encode("utf-8", "replace")
            for token, number in vocabulary
        }
    raise EngineError(
        "the tokenizer is neither byte-level BPE nor Gemma's kind: constrained decoding needs one",
        hint="Take a model of the Qwen, Llama 3, SmolLM2 or Gemma families",
    )


_BLANK = "▁"
_BYTE = re.compile("<0x[0-9A-F]{2}>")


def _writes_pieces(backend: Any) -> bool:
    """Whether texts are pieces with `▁` for blanks, none added in front, and bytes for the rest.

    Llama 2's puts a blank before each text, so that a text in parts is not the text: not this kind.
    """
    blanks = {"type": "Replace", "pattern": {"String": " "}, "content": _BLANK}
    back = [
        {"type": "Replace", "pattern": {"String": _BLANK}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    return (
        bool(getattr(backend.model, "byte_fallback", False))
        and _rules(backend.normalizer) == blanks
        and _rules(backend.decoder).get("decoders") == back
    )


def _rules(part: Any) -> dict[str, Any]:
    """A normaliser or decoder as its JSON: the whole tokenizer's may be of many megabytes."""
    return {} if part is None else dict(json.loads(part.__getstate__()))


def _around_utterance(tokenizer: Any, system_prompt: str, template: str) -> tuple[str, str]:
    if template == CHATML:
        return (
            f"{_START}system\n{system_prompt}{_END}\n{_START}user\n",
            f"{_END}\n{_START}assistant\n",
        )
    text = _render(tokenizer, system_prompt, template)
    before, found, after = text.partition(_UTTERANCE)
    if not found or _UTTERANCE in after:
        raise RunError(
            "the chat template does not hold the user's turn exactly once, as it was said",
            hint="Take a base whose template writes the user's words unchanged",
        )
    return before, after


def _render(tokenizer: Any, system_prompt: str, template: str) -> str:
    messages = [
        {"role": "system", "content": system_prompt},
        {"role": "user", "content": _UTTERANCE},
    ]
    return render_template(template, messages, getattr(tokenizer, "special_tokens_map", {}))


def _control_tokens(tokenizer: Any) -> set[str]:
    added = _backend(tokenizer).get_added_tokens_decoder().values()
    return {token.content for token in added if token.content}


def _end_of_turn(tokenizer: Any, template: str) -> int:
    if template == CHATML:
        number = tokenizer.convert_tokens_to_ids(_END)
        if number is None or number == tokenizer.unk_token_id and tokenizer.unk_token != _END:
            raise RunError("the tokenizer has no <|im_end|>, which ChatML needs")
        return int(number)
    if tokenizer.eos_token_id is None:
        raise RunError(
            "the tokenizer has no end token",
            hint="Name it as eos_token in tokenizer_config.json: what ends the assistant's turn",
        )
    return int(tokenizer.eos_token_id)


def _backend(tokenizer: Any) -> Any:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EngineError(
            "the model has only a slow tokenizer", hint="Save it again with a tokenizer.json"
        )
    return backend


def _byte_letters() -> dict[int, str]:
    """GPT-2's printable letter for each byte (Radford et al. 2019), as all byte-level BPEs use."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in plain}
    for place, byte in enumerate(b for b in range(256) if b not in letters):
        letters[byte] = chr(256 + place)
    return letters
