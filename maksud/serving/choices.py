"""From a recognition to what a chat reply says: text, tool calls or JSON; one answer, or several.

A plan is what a request asks for beside the text, matched to the catalog of the contract. It is
made before the model is asked, so that what can't be met is refused without it.
"""

from __future__ import annotations

import marshal
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from maksud.http.api_error import ApiError, new_id
from maksud.language.calls import NONE
from maksud.language.catalog import Catalog
from maksud.recognizers.contract import Contract
from maksud.recognizers.recognition import Recognition
from maksud.serving.evidence import cut_entries, list_tokens, weigh_pieces
from maksud.serving.json_reply import Form, FormatAsked
from maksud.serving.protocol import ChatRequest
from maksud.serving.replies import REFUSED, Answer, split
from maksud.serving.tools import Toolbox, ToolCall, is_done, results_of, unknown_tool

_KEPT = 64
_LONGEST_KEPT = 1 << 16


@dataclass(frozen=True, slots=True)
class Plan:
    """What a chat request asks for, under a catalog; see the module.

    `form_tool`: the tool whose arguments the form is, "" where it is the text.
    """

    asked: ChatRequest
    toolbox: Toolbox | None = None
    form: Form | None = None
    form_tool: str = ""

    @property
    def allowed(self) -> frozenset[str] | None:
        """The intents that the answer may have; None for all that there are."""
        if self.toolbox is not None:
            return self.toolbox.allowed
        return self.form.allowed if self.form is not None else None

    @property
    def is_answered(self) -> bool:
        """Whether nothing is left to answer: the last thing said has the results of its calls."""
        turns, box = self.asked.turns, self.toolbox
        if self.form is not None or not is_done(turns):
            return False
        return box is None or box.asked.parallel


class Planner:
    """Makes the plans of requests; what a client sends with each of them is matched once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, bytes], Any] = OrderedDict()

    def plan(self, asked: ChatRequest, contract: Contract, model: str) -> Plan:
        """The plan of a request. Raises `ApiError` (400) for what the contract can't meet."""
        tools, wanted = asked.tools, asked.format
        if tools is not None and tools.only and tools.only[1]["name"] not in contract.catalog:
            where, function = tools.only
            key = _key_of([where, function])
            made = lambda: _form_of(where, function, contract.catalog, model)  # noqa: E731
            form = self._keep(model, "tool", key, made)
            return Plan(asked, form=form, form_tool=function["name"])
        if tools is not None and tools.mode != "none":
            key = _key_of([tools.field, tools.functions, tools.names, tools.mode, tools.parallel])
            box = self._keep(model, "tools", key, lambda: Toolbox(tools, contract.catalog, model))
            return Plan(asked, toolbox=box)
        if wanted is not None:
            key = _key_of(wanted.schema)
            form = self._keep(model, "form", key, lambda: Form(wanted, contract.catalog))
            return Plan(asked, form=form)
        return Plan(asked)

    def _keep(self, model: str, kind: str, content: bytes, make: Callable[[], Any]) -> Any:
        key = model, kind, content
        found = self._kept.get(key)
        if found is None:
            found = make()
            if len(content) <= _LONGEST_KEPT:
                self._kept[key] = found
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found


def _form_of(where: str, function: Mapping[str, Any], catalog: Catalog, model: str) -> Form:
    """What a client forces to be called and is no intent: the class that the answer shall fill.

    So LangChain, instructor, LlamaIndex and Pydantic AI ask for a typed object.
    """
    name, schema = function["name"], function.get("parameters")
    if not isinstance(schema, dict) or not schema.get("properties"):
        raise unknown_tool(name, where, catalog, model)
    try:
        return Form(FormatAsked(schema, f"{where}.parameters"), catalog)
    except ApiError as error:
        more = f". Nor can its parameters be filled with an answer: {error}"
        raise unknown_tool(name, where, catalog, model, more) from error


def _key_of(content: Any) -> bytes:
    """JSON as a key: version 2 of marshal, which is quick, writes equal content alike."""
    return marshal.dumps(content, 2)


def answer_nothing(contract: Contract, model: str) -> Recognition:
    """The recognition of a conversation in which nothing is left to answer."""
    return Recognition("", (), "", 1.0, True, model=model, contract=contract.id)


def answers_of(
    recognition: Recognition, plan: Plan, catalog: Catalog, text: str | None = None
) -> list[Answer]:
    """The choices of the reply: the answer, and where `n` asks for them those next to it.

    `text`: what is said where the reply is to be text, instead of the call text.
    """
    if plan.is_answered:
        done = Answer.of(recognition, plan.asked, results_of(plan.asked.turns))
        return [_with_evidence(done, plan.asked, [])]
    others = [_other(recognition, k, catalog) for k in range(len(recognition.alternatives))]
    out = []
    for k, each in enumerate([recognition, *others][: plan.asked.n]):
        answer = _answer(each, plan, text if k == 0 else each.text, first=k == 0)
        if k:
            why = f"another answer: {each.text} at {each.confidence:.2f}"
            answer = replace(answer, refusal=why)
        out.append(_with_evidence(answer, plan.asked, [recognition, *others]))
    return out


def _other(recognition: Recognition, k: int, catalog: Catalog) -> Recognition:
    """Another answer as a recognition: one that is not acted on."""
    found = recognition.alternatives[k]
    return replace(
        recognition,
        calls=found.calls,
        text=found.text,
        confidence=found.confidence,
        accepted=False,
        alternatives=(),
        missing=catalog.missing(found.calls),
        doubts=(),
        tokens=(),
    )


def _answer(recognition: Recognition, plan: Plan, text: str | None, *, first: bool) -> Answer:
    if plan.form is not None:
        written, refusal = plan.form.write(recognition, recognition.accepted or not first)
        if plan.form_tool and written is not None:
            call = ToolCall(new_id("call_")[:29], plan.form_tool, written)
            return replace(_cut([call], recognition, plan.asked), refusal=refusal)
        answer = Answer.of(recognition, plan.asked, written or "")
        return replace(answer, refusal=refusal, is_silent=written is None)
    if plan.toolbox is not None:
        return _call_tools(recognition, plan, plan.toolbox, text, first=first)
    return Answer.of(recognition, plan.asked, text)


def _call_tools(
    recognition: Recognition, plan: Plan, box: Toolbox, text: str | None, *, first: bool
) -> Answer:
    """The calls of an answer; else the question for what is missing, or why there are none.

    A client that says that a tool must be called has it called, however unsure the answer is.
    """
    asked, turns = plan.asked, plan.asked.turns
    forced = box.asked.mode == "required" or not first
    acts = bool(recognition.calls) and NONE not in recognition.calls
    acts = acts and (recognition.accepted or (forced and not recognition.truncated))
    if not acts:
        return Answer.of(recognition, asked, text or recognition.refusal or REFUSED)
    calls = box.next_calls(recognition.calls, turns)
    if not calls:
        return Answer.of(recognition, asked, results_of(turns))
    made, gaps = box.write(calls)
    if len(calls) < len(recognition.calls):
        # Of calls that are made one after the other too, what is missing is asked for before the
        # first: with its result the turn is closed, and an answer would find no question.
        gaps = box.write(recognition.calls)[1]
    if gaps:
        asks = text if recognition.missing else None
        question = asks or " ".join(gap.question for gap in gaps)
        # No refusal: clients that see one (Pydantic AI) show the person no question.
        return replace(Answer.of(recognition, asked, question), refusal="")
    return _cut(made, recognition, asked)


def _cut(calls: Sequence[ToolCall], recognition: Recognition, asked: ChatRequest) -> Answer:
    """The calls, up to the length that is asked for: names and pieces of arguments count."""
    is_old = asked.tools is not None and asked.tools.is_old
    finish = "function_call" if is_old else "tool_calls"
    left = asked.max_tokens
    kept = []
    for call in calls:
        pieces = split(call.arguments)
        if left is not None and left < 1 + len(pieces):
            finish = "length"
            if left > 0:
                kept.append(replace(call, arguments="".join(pieces[: left - 1])))
            break
        kept.append(call)
        left = None if left is None else left - 1 - len(pieces)
    return Answer((), finish, recognition, tuple(kept), is_old)


def _with_evidence(answer: Answer, asked: ChatRequest, known: Sequence[Recognition]) -> Answer:
    """The answer with log-probabilities, where they are wanted; `known`: all that were weighed.

    Of what a language model wrote they are its own, of anything else those of decisions.
    """
    if asked.top_logprobs is None:
        return answer
    # Calls are told by the text of the answer, which stands for them.
    own = answer.recognition
    said = own.text if answer.calls else "".join(answer.pieces)
    whole = own.text if own.text.startswith(said) else said
    if own.tokens and b"".join(t.text for t in own.tokens) == whole.encode():
        entries = list_tokens(own.tokens, asked.top_logprobs)
        return replace(answer, evidence=cut_entries(entries, said))
    weights: dict[str, float] = {}
    for each in known:
        weights.setdefault(each.text, each.confidence)
    if whole in weights:
        probability = weights.pop(whole)
    elif whole == REFUSED:
        probability = max(0.0, 1 - sum(weights.values()))
    else:  # a question, JSON: as likely as the answer that it says
        probability, weights = own.confidence, {}
    others = [(split(text), p) for text, p in weights.items()]
    entries = weigh_pieces(split(whole), probability, others, asked.top_logprobs)
    return replace(answer, evidence=cut_entries(entries, said))
