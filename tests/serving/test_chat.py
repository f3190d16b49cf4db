"""NAME/chat: what a person reads of a decision, plain and streamed, in whole conversations."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import openai
import pytest
from openai import OpenAI
from serving_server import TOKEN, Live, Scripted, chat, running

from maksud.demo.shipped import SCENARIOS, load_shipped
from maksud.errors import SettingsError
from maksud.language.calls import parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.confirmation import fill_confirmation
from maksud.language.languages import Familiar
from maksud.language.text import is_question
from maksud.recognizers.contract import Contract
from maksud.recognizers.recognition import Proposal, Recognizer
from maksud.serving.app import Front, ServeSettings
from maksud.serving.chat import LOOKED_AT, SAYINGS, speak, tell_language

CATALOG = Catalog(
    (
        Intent(
            "set_alarm",
            "Ring at a time",
            (Parameter("time", required=True, question="Jam berapa?"), Parameter("date")),
            confirm="Alarm dipasang {time}[ untuk {date}].",
        ),
        Intent("play_music", "Play a song", (Parameter("song"), Parameter("by", many=True))),
        Intent("volume_up"),
    )
)
UNSURE = "set_alarm(time=5)"
LONG = "a very long story"


class Talker(Recognizer):
    """Answers with the utterance where it reads as calls, with what it was told of others."""

    kind = "talker"

    def __init__(self, **told: str) -> None:
        contract = Contract(CATALOG, threshold=0.5, scripts=("LATIN",))
        super().__init__("home", contract)
        both = contract.read(contract.fold_turns(["pasang alarm", "jam 6"])).text
        self.told = {
            "pasang alarm": "set_alarm()",
            both: "set_alarm(time=jam 6)",
            "jam 6": "none()",
            "saya mau apa ya": UNSURE,
            **told,
        }
        self.asked: list[str] = []

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        self.asked += utterances
        return [self._answer(u) for u in utterances]

    def _answer(self, said: str) -> Proposal:
        calls = parse_calls(self.told.get(said, said if said.endswith(")") else "none()"))
        return Proposal(calls, (0.0,), truncated=said == LONG)


class Unsure(Talker):
    """Is never sure."""

    def recognize(self, utterances: Sequence[str]) -> list[Any]:
        return [replace(a, confidence=0.3, accepted=False) for a in super().recognize(utterances)]


def said(recognizer: Recognizer, *texts: str) -> str:
    """What is said to the last of the texts."""
    return speak(recognizer(texts[-1]), CATALOG, texts)


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with running(Talker(), Scripted()) as server:
        yield server


@pytest.fixture
def client(live: Live) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=0) as made:
        yield made


def ask(client: OpenAI, *messages: str, **more: Any) -> Any:
    """Of turns by turns of the person and the assistant, the reply to the last."""
    turns: list[Any] = [
        {"role": ("user", "assistant")[k % 2], "content": text} for k, text in enumerate(messages)
    ]
    return client.chat.completions.create(**{"model": "home/chat", "messages": turns, **more})


# ---------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("set_alarm(time=5, date=lusa)", "Alarm dipasang 5 untuk lusa."),
        ("set_alarm(time=5)", "Alarm dipasang 5."),
        ("set_alarm(date=lusa)", "Jam berapa?"),
        ("play_music(); set_alarm()", "Jam berapa?"),
        ("volume_up(); set_alarm(time=5)", "Baik / OK: volume up\nAlarm dipasang 5."),
        ("play_music(song=Hampa, by=A, by=B)", "Baik / OK: Play a song (song: Hampa; by: A, B)"),
        ("play_music(song=Mau apa?)", "Baik: Play a song (song: Mau apa?) OK."),
    ],
)
def test_what_is_acted_on_is_confirmed_and_what_is_missing_asked_for(
    text: str, answer: str
) -> None:
    assert said(Talker(), text) == answer


@pytest.mark.parametrize(
    ("text", "key", "language"),
    [
        ("siapa presiden dan apa itu", "outside", "id"),
        ("who is the president", "outside", "en"),
        ("wer ist der Präsident und warum", "outside", "en"),
        ("Quito", "outside", ""),
        ("…", "nothing", ""),
        ("今日は", "script", "en"),
        (LONG, "long", ""),
    ],
)
def test_a_refusal_is_in_the_language_of_the_utterance(text: str, key: str, language: str) -> None:
    words = SAYINGS[key]
    expected = words[language] if language else f"{words['id']} / {words['en']}"
    assert said(Talker(), text) == expected


def test_a_language_that_the_model_never_learnt_is_named_as_the_reason() -> None:
    talker = Talker()
    talker.contract = replace(talker.contract, familiar=Familiar(("English", "Indonesian")))
    assert said(talker, "wo ist das Paket, das ich bestellt habe") == SAYINGS["language"]["en"]
    assert talker("wo ist das Paket, das ich bestellt habe").refusal == "out of scope: language"
    assert said(talker, "where is the parcel that I ordered") == SAYINGS["outside"]["en"]


def test_what_is_not_sure_is_told_from_what_is_out_of_scope() -> None:
    assert said(Unsure(), "saya mau apa ya") == SAYINGS["unsure"]["id"]
    assert said(Unsure(), "apa itu dan siapa ini") == SAYINGS["outside"]["id"]


def test_the_language_is_that_of_what_was_said_before_where_the_last_tells_nothing() -> None:
    assert tell_language(["what is the time", "Quito"]) == "en"
    assert tell_language(["what is the time", "jam berapa dong"]) == "id"
    assert tell_language(["tolong"]) == "id" and tell_language(["the"]) == "en"
    assert tell_language(["tolong the"]) == "" and tell_language([]) == ""
    assert tell_language(["what is the time", *["7"] * LOOKED_AT]) == ""
    assert tell_language(["what is the time", *["7"] * (LOOKED_AT - 1)]) == "en"


def test_only_questions_leave_a_turn_open() -> None:
    """What is said comes back as the assistant's turn: a statement that ends in a question mark
    would have the command before it read, and acted on, again."""
    for words in SAYINGS.values():
        assert set(words) == {"id", "en"}
        assert not any(is_question(text) for text in words.values())
    for text in ("set_alarm(time=apa?)", "play_music(song=apa?)", "siapa kamu?"):
        assert not is_question(said(Talker(), text)), text


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_shipped_catalogs_confirm_every_intent(scenario: str) -> None:
    catalog = load_shipped(scenario).catalog
    for intent in catalog.intents:
        whole = {p.name: ["X"] for p in intent.parameters}
        least = {p.name: ["X"] for p in intent.parameters if p.required}
        for values in (whole, least):
            text = fill_confirmation(intent.confirm, values)
            assert text.count(" / ") == 1 and text.count("X") == 2 * len(values), text
            assert not set("{}[]") & set(text)


# ---------------------------------------------------------------- over HTTP


def test_a_reply_is_what_a_person_reads_and_the_decision_stays(client: OpenAI) -> None:
    reply = ask(client, "set_alarm(time=5)")
    plain = ask(client, "set_alarm(time=5)", model="home")
    assert reply.model == "home/chat" and plain.model == "home"
    message = reply.choices[0].message
    assert message.content == "Alarm dipasang 5."
    assert plain.choices[0].message.content == "set_alarm(time=5)"
    assert message.model_extra == plain.choices[0].message.model_extra
    assert reply.system_fingerprint == plain.system_fingerprint
    assert reply.usage.completion_tokens == 4 and reply.choices[0].finish_reason == "stop"


def test_a_refusal_stands_in_the_content_alone(client: OpenAI) -> None:
    """Typed clients raise, or show no content, where `refusal` is there."""
    message = ask(client, "who is the president").choices[0].message
    assert message.content == SAYINGS["outside"]["en"] and message.refusal is None
    assert message.model_extra["maksud"]["accepted"] is False
    chunks = list(ask(client, "who is the president", stream=True))
    assert not any(c.choices[0].delta.refusal for c in chunks)
    assert ask(client, "x y", model="home").choices[0].message.refusal == "out of scope"


@pytest.mark.parametrize("text", ["set_alarm(time=5)", "pasang alarm", "who is it", "今日は"])
@pytest.mark.parametrize("most", [None, 2])
def test_a_stream_says_what_the_plain_reply_says(
    client: OpenAI, text: str, most: int | None
) -> None:
    plain = ask(client, text, max_completion_tokens=most).choices[0]
    usage = {"include_usage": True}
    stream = ask(client, text, stream=True, max_completion_tokens=most, stream_options=usage)
    *chunks, last = list(stream)
    assert "".join(c.choices[0].delta.content for c in chunks) == plain.message.content
    assert {c.model for c in chunks} == {"home/chat"} == {last.model}
    assert chunks[-1].choices[0].finish_reason == plain.finish_reason
    assert chunks[-1].model_extra["maksud"] == plain.message.model_extra["maksud"]
    assert last.usage.completion_tokens > 0 and (most or 99) >= last.usage.completion_tokens


def test_a_whole_conversation(client: OpenAI) -> None:
    """As a chat page has it: each reply is sent back, and nothing is acted on twice."""
    said = ["pasang alarm"]
    said.append(ask(client, *said).choices[0].message.content)
    assert said[-1] == "Jam berapa?"
    said += ["jam 6"]
    reply = ask(client, *said).choices[0].message
    assert reply.content == "Alarm dipasang jam 6."
    assert reply.model_extra["maksud"]["turns"] == [0, 2]
    said += [reply.content, "volume_up()"]
    reply = ask(client, *said).choices[0].message
    assert reply.model_extra["maksud"]["turns"] == [4]
    assert [c["intent"] for c in reply.model_extra["maksud"]["calls"]] == ["volume_up"]


def test_models_that_talk_are_listed_behind_the_others(client: OpenAI, live: Live) -> None:
    """Clients that take the first of the list get calls, as before."""
    names = [m.id for m in client.models.list().data]
    assert names == ["home", "scripted", "home/chat", "scripted/chat"]
    for written in ("home/chat", "home%2Fchat"):
        assert live.client().get(f"/v1/models/{written}").json()["id"] == "home/chat"
    for name in ("home/chat/chat", "chat", "/chat", "home/chats"):
        with pytest.raises(openai.NotFoundError):
            ask(client, "x", model=name)


def test_recognitions_are_those_of_the_model_itself(live: Live) -> None:
    for name in ("home", "home/chat"):
        body = {"model": name, "utterance": "volume_up()"}
        assert live.client().post("/v1/recognize", json=body).json()["model"] == "home"


def test_a_run_that_has_the_name_of_one_that_talks_is_refused() -> None:
    with pytest.raises(SettingsError, match="called 'a/chat'"):
        Front([Scripted("a"), Scripted("a/chat")], ServeSettings())


def test_errors_are_those_of_every_model(live: Live) -> None:
    reply = live.client().post("/v1/chat/completions", json=chat("endless", model="scripted/chat"))
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "context_length_exceeded"
    events = live.client().post(
        "/v1/chat/completions", json=chat("volume_up()", model="home/chat", stream=True)
    )
    frames = [f for f in events.text.split("\n\n") if f]
    assert frames[-1] == "data: [DONE]"
    assert all(json.loads(f.removeprefix("data: "))["model"] == "home/chat" for f in frames[:-1])
