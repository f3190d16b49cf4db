"""Embeddings as the official client gets them, and who may have which."""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import pytest
from jsonschema import Draft202012Validator
from openai import OpenAI
from serving_server import TOKEN, Live, Scripted, running
from weighing import Weighing

from maksud.http.api_error import ApiError
from maksud.http.tokens import METRICS, Token, Tokens
from maksud.serving.embeddings import parse_embeddings

READER = "mk-a-token-that-reads-figures"
TOKENS = Tokens([Token.of(TOKEN, "app"), Token.of(READER, "reads", [METRICS])])
PATH = "/v1/embeddings"
TENTH = float(np.float32(0.1))


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    settings = {"max_batch": 4, "max_utterance_chars": 500}
    with running(Scripted(), Weighing(), tokens=TOKENS, **settings) as server:
        yield server


@pytest.fixture
def client(live: Live) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{live.url}/v1", api_key=TOKEN, max_retries=0) as made:
        yield made


def embed(client: OpenAI, said: Any, **more: Any) -> Any:
    return client.embeddings.create(**{"model": "scripted", "input": said, **more})


def test_a_text_and_a_list_of_them(client: OpenAI) -> None:
    one = embed(client, "putar lagu")
    assert one.object == "list" and one.model == "scripted"
    assert [(d.object, d.index, d.embedding) for d in one.data] == [
        ("embedding", 0, [10, 2, TENTH])
    ]
    assert (one.usage.prompt_tokens, one.usage.total_tokens) == (2, 2)
    several = embed(client, ["a", "b c", "a"])
    assert [d.embedding[:2] for d in several.data] == [[1, 1], [3, 2], [1, 1]]
    assert [d.index for d in several.data] == [0, 1, 2] and several.usage.prompt_tokens == 4
    assert embed(client, "a", model="scripted/chat").model == "scripted"


def test_both_encodings_are_the_same_numbers(live: Live, client: OpenAI) -> None:
    """The client asks for base64 by itself, and decodes it."""
    assert embed(client, "a").data[0].embedding == [1, 1, TENTH]
    assert embed(client, "a", encoding_format="float").data[0].embedding == [1, 1, TENTH]
    body = {"model": "scripted", "input": "a"}
    assert live.client().post(PATH, json=body).json()["data"][0]["embedding"] == [1, 1, TENTH]
    body["encoding_format"] = "base64"
    text = live.client().post(PATH, json=body).json()["data"][0]["embedding"]
    assert struct.unpack("<3f", base64.b64decode(text)) == (1, 1, TENTH)


def test_dimensions_are_those_of_the_model(client: OpenAI) -> None:
    assert len(embed(client, "a", dimensions=3).data[0].embedding) == 3
    with pytest.raises(openai.BadRequestError) as caught:
        embed(client, "a", dimensions=2)
    assert caught.value.param == "dimensions" and "have 3" in str(caught.value)


def test_a_model_without_an_encoder_says_which_have_one(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        embed(client, "a", model="weighing")
    assert (caught.value.code, caught.value.param) == ("unsupported_model", "model")
    assert "Models that have: scripted" in str(caught.value)
    with pytest.raises(openai.NotFoundError):
        embed(client, "a", model="other")
    with running(Weighing()) as live:
        reply = live.client().post(PATH, json={"model": "weighing", "input": "a"})
    assert reply.status_code == 400 and "maksud train" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("more", "param", "word"),
    [
        ({"model": None}, "model", "Name a model"),
        ({"model": 3}, "model", "a text"),
        ({"input": None}, "input", "a text, or"),
        ({"input": 3}, "input", "a number"),
        ({"input": ""}, "input", "no text"),
        ({"input": []}, "input", "an empty list"),
        ({"input": ["a", " "]}, "input[1]", "no text"),
        ({"input": ["a", None]}, "input[1]", "null"),
        ({"input": ["a", True]}, "input[1]", "true or false"),
        ({"input": ["a"] * 5}, "input", "at most 4"),
        ({"input": [1, 2]}, "input", "tokens are not read"),
        ({"input": [[1, 2]]}, "input[0]", "tokens are not read"),
        ({"encoding_format": "int8"}, "encoding_format", "float, base64"),
        ({"encoding_format": []}, "encoding_format", "an empty list"),
        ({"dimensions": 0}, "dimensions", "1 or more"),
        ({"dimensions": "3"}, "dimensions", "a whole number"),
    ],
)
def test_what_can_not_be_is_named(more: dict[str, Any], param: str, word: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_embeddings({"model": "scripted", "input": "a", **more}, 4)
    assert caught.value.status == 400 and caught.value.param == param
    assert word in str(caught.value)


def test_errors_are_those_of_the_other_routes(live: Live, client: OpenAI) -> None:
    for said, param in (("x" * 501, "input"), (["a", "x" * 501], "input[1]")):
        with pytest.raises(openai.BadRequestError) as long:
            embed(client, said)
        assert (long.value.code, long.value.param) == ("context_length_exceeded", param)
    with pytest.raises(openai.BadRequestError) as endless:
        embed(client, ["a", "endless"])
    assert (endless.value.code, endless.value.param) == ("context_length_exceeded", "input[1]")
    for token, status in ((None, 401), (READER, 403)):
        assert live.client(token).post(PATH, json={}).status_code == status
    assert live.client().get(PATH).status_code == 405


def test_each_text_is_counted_and_limited(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="maksud.serving")
    settings = {"utterances_per_minute": 3, "access_log": True, "log_utterances": True}
    with running(Scripted(), tokens=TOKENS, **settings) as live:
        http = live.client()
        body = {"model": "scripted", "input": ["a b", "c"]}
        first, second = (http.post(PATH, json=body) for _ in range(2))
        text = live.client(READER).get("/metrics").text
    assert (first.status_code, second.status_code) == (200, 429)
    assert first.headers["x-ratelimit-remaining-utterances"] == "1"
    assert 'maksud_requests_total{path="/v1/embeddings",status="200"} 1.0' in text
    assert 'maksud_token_utterances_total{token="app"} 2.0' in text
    assert 'maksud_vectors_total{model="scripted"} 2.0' in text
    assert 'maksud_model_tokens_total{kind="prompt",model="scripted"} 3.0' in text
    line = next(r.getMessage() for r in caplog.records if " 200 " in r.getMessage())
    assert json.loads(line[line.index("{") :]) == {
        "said": [{"utterance": "a b"}, {"utterance": "c"}]
    }


def test_they_are_of_the_shape_that_is_told(live: Live) -> None:
    http = live.client()
    description = http.get("/openapi.json").json()

    def check(name: str, content: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
        Draft202012Validator(schema).validate(content)

    for more in ({"input": "a"}, {"input": ["a", "b"], "encoding_format": "base64"}):
        body = {"model": "scripted", **more}
        check("EmbeddingRequest", body)
        check("Embeddings", http.post(PATH, json=body).json())
    about = description["paths"][PATH]["post"]["description"]
    assert about.endswith("Served here: scripted")
