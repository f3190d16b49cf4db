"""A small language for the tests of joint networks: two things to ask for, in two languages."""

from __future__ import annotations

import random

from maksud.data.dataset import Example
from maksud.language.calls import Argument, Call, format_calls
from maksud.language.catalog_inference import infer_catalog
from maksud.recognizers.joint.alignment import build_corpus
from maksud.recognizers.joint.planning import Plan

SONGS = ["hampa", "bunga terakhir", "blue sky", "yellow", "kangen", "laskar pelangi", "creep"]
CITIES = ["jakarta", "hangzhou", "new york", "bandung", "surabaya", "london", "kuala lumpur"]
JOINS = [" lalu ", " and then ", ", ", " habis itu ", " terus "]


def clause(rng: random.Random) -> tuple[str, Call]:
    kind = rng.randrange(4)
    if kind == 0:
        song = rng.choice(SONGS)
        text = rng.choice(["putar lagu {}", "play the song {}", "saya mau dengar {}"])
        return text.format(song), Call("play_music", (Argument("song", song),))
    if kind == 1:
        city = rng.choice(CITIES)
        text = rng.choice(["cuaca di {}", "how is the weather in {}", "apakah {} hujan"])
        return text.format(city), Call("weather", (Argument("city", city),))
    if kind == 2:
        return rng.choice(["keraskan suaranya", "turn it up please"]), Call("volume_up")
    return rng.choice(["matikan lampu", "lights off please"]), Call("lights_off")


def single(count: int, seed: int = 0) -> list[Example]:
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        text, call = clause(rng)
        out.append(Example(text, format_calls([call])))
    return out


def several(count: int, seed: int = 0, avoid: tuple[str, str] = ("", "")) -> list[Example]:
    """Two calls an utterance; never the intents `avoid` in this order."""
    rng = random.Random(seed)
    out: list[Example] = []
    while len(out) < count:
        (a, first), (b, second) = clause(rng), clause(rng)
        if (first.intent, second.intent) != avoid:
            out.append(Example(a + rng.choice(JOINS) + b, format_calls([first, second])))
    return out


def plan_of(*examples: Example) -> Plan:
    """What training makes of the examples, with the catalog that they suggest."""
    catalog = infer_catalog([e.calls for e in examples], [e.instruction for e in examples])
    return Plan.build(build_corpus(examples, catalog))
