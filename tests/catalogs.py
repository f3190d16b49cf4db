"""Catalogs for the tests: one with everything in it, and any."""

from hypothesis import strategies as st

from maksud.language.catalog import PARAMETER_TYPES, Catalog, Intent, Parameter

ALARM = Intent(
    "set_alarm",
    "Ring at a time",
    (
        Parameter("time", required=True, question="At what time?"),
        Parameter("sound", type="enumeration", values=("bell", "bird")),
        Parameter("volume", type="number", copied=False),
        Parameter("repeat", type="boolean"),
        Parameter("until", type="datetime"),
    ),
)
WEATHER = Intent("weather", parameters=(Parameter("place"), Parameter("day")), positional=True)
CATALOG = Catalog((ALARM, WEATHER, Intent("stop")))

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_name = st.text("abé播_1-", min_size=1, max_size=4).filter(lambda n: n != "none")


@st.composite
def _parameters(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from(PARAMETER_TYPES))
    values = draw(st.lists(_text, min_size=1, max_size=3, unique=True))
    return Parameter(
        draw(_name),
        type=kind,  # type: ignore[arg-type]
        description=draw(_text),
        required=draw(st.booleans()),
        question=draw(_text),
        values=tuple(values) if kind == "enumeration" else (),
        copied=draw(st.booleans()),
        many=draw(st.booleans()),
    )


@st.composite
def _made_intents(draw: st.DrawFn) -> Intent:
    found = draw(st.lists(_parameters(), max_size=3, unique_by=lambda p: p.name))
    named = [f"{{{p.name}}}" if p.required else f"[ {{{p.name}}}]" for p in found]
    confirm = draw(st.sampled_from(["", "OK " + " ".join(named), "{{}} . " + "".join(named)]))
    return Intent(draw(_name), draw(_text), tuple(found), draw(st.booleans()), confirm)


_intents = _made_intents()
CATALOGS = st.lists(_intents, max_size=3, unique_by=lambda i: i.name).map(
    lambda found: Catalog(tuple(found))
)
"""Any catalog."""

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_fields = [
    *("intents", "f", "parameters", "x", "type", "values", "description", "required", "question"),
    *(
        "copied",
        "many",
        "items",
        "positional",
        "confirm",
        "function",
        "name",
        "properties",
        "enum",
        "format",
        "x-maksud",
    ),
    *("text", "enumeration", "string", "number"),
]
_keys = st.sampled_from(_fields) | _scalars.filter(lambda k: k == k)
ANYTHING = st.recursive(
    _scalars | st.sampled_from(_fields),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=8,
)
"""Any value that YAML, TOML or JSON can hold."""
