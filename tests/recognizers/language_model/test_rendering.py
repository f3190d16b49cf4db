"""A chat template gives what transformers makes of it, or an error: it can't hang or fill us."""

import subprocess
from typing import Any

import pytest
from tiny_language_model import tiny_tokenizer

from maksud.errors import RunError, SystemFault
from maksud.recognizers.language_model import rendering
from maksud.recognizers.language_model.rendering import render_template

TALK = [{"role": "system", "content": " Jawab <b>. "}, {"role": "user", "content": "putar 'a'"}]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "additional_special_tokens": ["<x>"]}

LLAMA = """{{- bos_token }}
{%- if not tools is defined %}{% set tools = none %}{% endif %}
{%- set date = date_string if date_string is defined else strftime_now("%d %b %Y") %}
{#- a comment #}
{%- for message in messages %}
    {{- '<|' + message['role'] + '|>\\n\\n' + message['content'] | trim + '<|end|>' }}
{%- endfor %}
{{- date }}
{%- if add_generation_prompt %}
    {{- '<|assistant|>\\n\\n' }}
{%- endif %}
"""
QWEN = """{%- set ns = namespace(last=-1, seen=[]) %}
{%- for m in messages[::-1] %}
    {%- if m.role == "user" and not (m.content.startswith('<t>') and m.content.endswith('</t>')) %}
        {%- set ns.last = (messages|length - 1) - loop.index0 %}
        {%- break %}
    {%- endif %}
{%- endfor %}
{%- macro line(m, end='\\n') %}<{{ m.role }}>
    {{- m | tojson }}{{ m.content | e }}{{ end }}{% endmacro %}
  {% for m in messages %}
    {{ line(m) }} {{ loop.index0 == ns.last }}
    {% generation %}{{ m['content'].split("'")[0] | upper }}{% endgeneration %}
  {% endfor %}
{%- if add_generation_prompt and enable_thinking is defined and enable_thinking is false %}
<think></think>{% endif %}{{ dict(a=1).items() | list }}{{ additional_special_tokens }}
"""


@pytest.mark.parametrize("template", [LLAMA, QWEN, " {{ messages[1]['content'] }}\n\n", "a"])
def test_a_template_gives_what_transformers_makes_of_it(template: str) -> None:
    tokenizer = tiny_tokenizer()
    wanted = tokenizer.apply_chat_template(
        TALK, chat_template=template, tokenize=False, add_generation_prompt=True,
        date_string="26 Jul 2024", enable_thinking=False, **TOKENS,
    )  # fmt: skip
    assert render_template(template, TALK, TOKENS) == wanted


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ strftime_now('%d %b %Y %H:%M:%S') }}", "26 Jul 2024 00:00:00"),
        ("{{ date_string }}", "26 Jul 2024"),
        ("{{ strftime_now('%Y-%m-%d') }}", "2024-07-26"),
    ],
)
def test_the_day_is_always_the_same(template: str, text: str) -> None:
    assert render_template(template, TALK, TOKENS) == text


LOOPS = {
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}"
    "{% endfor %}",
    "a macro that calls itself twice": (
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(99) }}"
    ),
    "a loop that calls itself twice": (
        "{% for a in [1] recursive %}{% if loop.depth < 99 %}{{ loop([1]) }}{{ loop([1]) }}"
        "{% endif %}{% endfor %}"
    ),
}
LARGE = {
    "a range": ("{% for a in range(10 ** 10) %}{% endfor %}", "too big"),
    "a product": ("{{ 'a' * 10 ** 10 }}", "too much memory"),
    "doubling": (
        "{% set n = namespace(x='a') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}"
        "{% endfor %}",
        "too much memory",
    ),
    "a long text": (
        "{% for a in range(99) %}{{ 'a' * 99999 }}{% endfor %}",
        "longer than 1,048,[0-9]+ char",
    ),
}


@pytest.mark.parametrize("template", LOOPS.values(), ids=LOOPS)
def test_a_template_that_does_not_end_is_an_error(template: str) -> None:
    with pytest.raises(RunError, match=r"can't be rendered \(it takes more than 500,000 steps\)"):
        render_template(template, TALK, TOKENS)


@pytest.mark.parametrize(("template", "why"), LARGE.values(), ids=LARGE)
def test_a_template_that_grows_is_an_error(template: str, why: str) -> None:
    with pytest.raises(RunError, match=why):
        render_template(template, TALK, TOKENS)


def test_what_no_step_shows_is_ended_by_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """One comparison of a list that holds itself forty-fold: 2 ** 40 steps inside of Python."""
    monkeypatch.setattr(rendering, "SECONDS", 1)
    pair = "".join(
        f"{{% set a{n + 1}, b{n + 1} = [a{n}, a{n}], [b{n}, b{n}] %}}" for n in range(40)
    )
    with pytest.raises(RunError, match="takes more than 1 s or 1024 MiB"):
        render_template(f"{{% set a0, b0 = [1], [1] %}}{pair}{{{{ a40 == b40 }}}}", TALK, TOKENS)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ raise_exception('Roles must alternate') }}", "Roles must alternate"),
        ("{% for %}", "Expected"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% include 'x' %}", "no loader"),
    ],
)
def test_what_a_template_may_not_do(template: str, why: str) -> None:
    with pytest.raises(RunError, match=f"{why}.*take a base whose template is plain"):
        render_template(template, TALK, TOKENS)


def test_a_long_system_prompt_is_no_long_template() -> None:
    long = [{"role": "system", "content": "kata " * 400_000}, TALK[1]]
    assert render_template("{{ messages[0].content }}", long, {}) == long[0]["content"]


def test_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "run", full)
    with pytest.raises(SystemFault, match="can't be run.*limits on processes"):
        render_template("{{ 'never rendered before' }}", TALK, TOKENS)
