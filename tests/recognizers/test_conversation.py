"""Open turns: what was closed is never read again, what is open is read with the answer to it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import Scripted

from maksud.errors import InputError, SettingsError
from maksud.language.calls import Argument, Call, parse_calls
from maksud.language.catalog import Catalog, Intent, Parameter
from maksud.language.conversation import FURTHEST, Turn
from maksud.recognizers.contract import FOLD_USER_TURNS, NOTHING_SAID, Contract
from maksud.recognizers.conversation import Reading, converse
from maksud.recognizers.recognition import Proposal, Recognition

CATALOG = Catalog(
    (
        Intent("set_alarm", parameters=(Parameter("time", required=True, question="Jam berapa?"),)),
        Intent("play_music", parameters=(Parameter("song"),)),
        Intent("lamp_on", parameters=(Parameter("room"),)),
    )
)
SURE = {"telepon dong": 0.9}


def user(text: str) -> Turn:
    return Turn("user", text)


def assistant(text: str, *calls: Call) -> Turn:
    return Turn("assistant", text, calls)


ANSWERS = {
    "nyalakan lampu": "lamp_on()",
    "pasang alarm": "set_alarm()",
    "jam 6": "none()",
    "pasang alarm. jam 6": "set_alarm(time=jam 6)",
    "pasang alarm. gak jadi": "set_alarm()",
    "gak jadi": "none()",
    "putar musik": "play_music()",
    "Hampa": "none()",
    "putar musik. Hampa": "play_music(song=Hampa)",
    "nyalakan lampu. putar musik": "lamp_on();play_music()",
    "pasang alarm. putar musik": "set_alarm(time=putar musik)",
    "halo": "none()",
    "pasang alarm. jam 6. pagi": "set_alarm(time=jam 6 pagi)",
    "pagi": "none()",
}


class Listening(Scripted):
    """Keeps what it is asked."""

    def __init__(self, sure: dict[str, float] | None = None) -> None:
        super().__init__(ANSWERS, CATALOG, sure=sure or {}, threshold=0.3)
        self.heard: list[str] = []

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        self.heard += utterances
        return super().propose(utterances)


def said(*turns: Turn, sure: dict[str, float] | None = None) -> Recognition:
    return converse(Listening(sure), turns)


@pytest.mark.parametrize(
    "reply",
    [
        assistant("lamp_on()"),
        assistant("", Call("lamp_on")),
        assistant("Baik, lampu menyala."),
        assistant("Lampu sudah menyala, ada lagi?"),
    ],
)
def test_what_was_done_is_not_done_again(reply: Turn) -> None:
    sure = {"nyalakan lampu. putar musik": 0.95}
    answer = said(user("nyalakan lampu"), reply, user("putar musik"), sure=sure)
    assert answer.text == "play_music()" and answer.turns == (2,)


@pytest.mark.parametrize(
    "reply", [assistant("Jam berapa?"), assistant("set_alarm()"), assistant("Sebutkan jamnya.")]
)
def test_what_is_missing_keeps_a_turn_open(reply: Turn) -> None:
    answer = said(user("pasang alarm"), reply, user("jam 6"))
    assert answer.text == "set_alarm(time=jam 6)" and answer.turns == (0, 2)


def test_a_question_keeps_a_whole_answer_open() -> None:
    answer = said(user("putar musik"), assistant("Lagu apa? 🎵"), user("Hampa"))
    assert answer.text == "play_music(song=Hampa)" and answer.turns == (0, 2)


@pytest.mark.parametrize(
    "reply",
    [
        assistant("play_music(Hampa)"),
        assistant("", Call("play_music", (Argument(None, "Hampa"),))),
        assistant("play_music(artist=Ari, song=Hampa)"),
        assistant("play_music(song=Hampa, artist=Ari)"),
    ],
)
def test_what_was_done_is_known_however_it_is_written(reply: Turn) -> None:
    """ "Ada lagi?" leaves the turn open: what was done in it is not asked for again."""
    song = "song=Hampa, artist=Ari" if "artist" in reply.text else "song=Hampa"
    answers = {
        **ANSWERS,
        "putar Hampa": f"play_music({song})",
        "putar Hampa. nyalakan lampu": f"play_music({song});lamp_on()",
    }
    catalog = Catalog(
        (
            Intent("play_music", parameters=(Parameter("song"), Parameter("artist"))),
            Intent("lamp_on", parameters=(Parameter("room"),)),
        )
    )
    recognizer = Scripted(answers, catalog, threshold=0.3)
    turns = (user("putar Hampa"), reply, assistant("Ada lagi?"), user("nyalakan lampu"))
    answer = converse(recognizer, turns)
    assert answer.text == "lamp_on()" and answer.turns == (3,)


@pytest.mark.parametrize("blank", ["", " ", "\u200b"])
@pytest.mark.parametrize("reading", ["open", "last"])
def test_who_says_nothing_more_asks_for_nothing(blank: str, reading: Reading) -> None:
    """An old command is not run again by an empty turn, a closing statement or a tool's result."""
    done = (user("putar musik"), assistant("play_music()"))
    result = Turn("tool", "ok")
    for more in ((user(blank),), (), (result,), (result, assistant("Selesai."), user(blank))):
        answer = converse(Listening(), [*done, *more], reading)
        assert answer.text == "none()" and not answer.accepted and answer.turns == ()
        assert answer.reason == NOTHING_SAID
    first = converse(Listening(), [user("nyalakan lampu"), *done, user(blank)], reading)
    assert first.text == "none()"


def test_a_tool_result_closes() -> None:
    call = Call("set_alarm")
    result = Turn("tool", "ok?")
    answer = said(user("pasang alarm"), assistant("", call), result, user("putar musik"))
    assert answer.text == "play_music()" and answer.turns == (3,)


def test_a_greeting_that_ends_in_a_question_mark_opens_nothing() -> None:
    answer = said(user("halo"), assistant("Halo, mau apa?"), user("putar musik"))
    assert answer.text == "play_music()" and answer.turns == (2,)


def test_changing_ones_mind_and_cancelling() -> None:
    asked = (user("pasang alarm"), assistant("Jam berapa?"))
    changed = said(*asked, user("putar musik"), sure={"putar musik": 0.9})
    assert changed.text == "play_music()" and changed.turns == (2,)
    cancelled = said(*asked, user("gak jadi"), sure={"gak jadi": 0.9})
    assert cancelled.text == "none()" and cancelled.turns == (2,)


REMINDING = Catalog(
    (
        Intent(
            "remind",
            parameters=(
                Parameter("task", required=True, question="Tentang apa?"),
                Parameter("time"),
            ),
        ),
        Intent("phone", parameters=(Parameter("contact"),)),
    )
)


def reminded(said: str, together: str, alone: str, sure: tuple[float, float]) -> Recognition:
    """The answer to what is said after "Tentang apa?"."""
    first = "ingatkan jam 7"
    answers = {first: "remind(time=jam 7)", said: alone, f"{first}. {said}": together}
    chances = {f"{first}. {said}": sure[0], said: sure[1]}
    recognizer = Scripted(answers, REMINDING, sure=chances, threshold=0.3)
    return converse(recognizer, [user(first), assistant("Tentang apa?"), user(said)])


def test_who_is_asked_for_a_value_gives_it() -> None:
    """A wish in the same words is a little likelier: it was asked what to remind of."""
    together, alone = "remind(time=jam 7, task=telepon ibu)", "phone(contact=ibu)"
    answer = reminded("telepon ibu", together, alone, (0.93, 0.985))
    assert answer.text == together and answer.turns == (0, 2)
    surely = reminded("telepon ibu", together, alone, (0.93, 0.996))
    assert surely.text == alone and surely.turns == (2,)
    more = reminded("eh telepon ibu saja", together, alone, (0.93, 0.985))
    assert more.text == alone  # words beside the value: it may be another wish
    nothing = reminded("telepon ibu", "remind(time=jam 7)", alone, (0.93, 0.985))
    assert nothing.text == alone  # not what was asked for
    unsure = reminded("telepon ibu", together, alone, (0.29, 0.32))
    assert unsure.text == alone


def test_what_was_said_before_is_kept_where_the_last_turn_means_the_same_alone() -> None:
    together = "remind(time=jam 7, task=telepon ibu)"
    answer = reminded("itu, telepon ibu saja", together, "remind(task=telepon ibu)", (0.6, 0.99))
    assert answer.text == together and answer.turns == (0, 2)
    other = reminded("itu, telepon ibu saja", together, "remind(task=ibu)", (0.6, 0.99))
    assert other.turns == (2,)  # the two do not agree on what was said
    several = reminded(
        "telepon ibu, terus telepon ibu", together, f"{together};remind(task=ibu)", (0.6, 0.99)
    )
    assert several.turns == (2,)


@pytest.mark.parametrize("read", ["open", "all"])
def test_a_value_is_given_as_it_was_said_in_its_turn(read: Reading) -> None:
    """As in an utterance alone, white space and curly quotes among it."""
    answers = {
        "ingatkan": "remind()",
        'ingatkan. beli "Dilan" dan susu': 'remind(task="beli \\"Dilan\\" dan susu")',
        'beli "Dilan" dan susu': "none()",
    }
    said = "\u200bbeli \u201cDilan\u201d\ndan  susu "
    turns = [user("ingatkan"), assistant("Tentang apa?"), user(said)]
    answer = converse(Scripted(answers, REMINDING, threshold=0.3), turns, read)
    assert answer.turns == (0, 2)
    assert answer.calls[0].arguments[0].value == "beli \u201cDilan\u201d\ndan  susu"


def test_a_sign_without_a_word_is_no_answer() -> None:
    answers = {**ANSWERS, "pasang alarm. 👍": "set_alarm(time=👍)"}
    recognizer = Scripted(answers, CATALOG, sure={"pasang alarm. 👍": 0.9}, threshold=0.3)
    turns = [user("pasang alarm"), assistant("Jam berapa?"), user("👍")]
    answer = converse(recognizer, turns)
    assert answer.text == "none()" and answer.reason == NOTHING_SAID


class Short(Listening):
    """Reads three words."""

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        heard = [" ".join(u.replace(".", "").split()[:3]) for u in utterances]
        made = super().propose([h if h in ANSWERS else "pasang alarm" for h in heard])
        cut = [len(u.split()) > 3 for u in utterances]
        return [replace(p, truncated=t) for p, t in zip(made, cut, strict=True)]


@pytest.mark.parametrize("reply", ["Maaf, itu terlalu panjang.", "set_alarm()", "Jam berapa?"])
def test_what_was_too_long_does_not_make_the_rest_so(reply: str) -> None:
    """However sure a recognizer is of what it has read of both."""
    said = "pasang alarm. jam" if reply == "Jam berapa?" else "pasang alarm dong buat besok"
    turns = [user(said), assistant(reply), user("putar musik")]
    answer = converse(Short({"pasang alarm": 0.95, "putar musik": 0.6}), turns)
    assert answer.text == "play_music()" and answer.accepted and answer.turns == (2,)


def test_a_chain_of_questions_stays_open() -> None:
    answer = said(
        user("pasang alarm"), assistant("Jam berapa?"), user("jam 6"),
        assistant("Pagi atau sore?"), user("pagi"),
    )  # fmt: skip
    assert answer.text == "set_alarm(time=jam 6 pagi)" and answer.turns == (0, 2, 4)


def test_neighbouring_turns_are_one_and_empty_ones_are_read_over() -> None:
    answer = said(user("putar musik"), assistant(" "), user(" "), user("Hampa"))
    assert answer.text == "play_music(song=Hampa)" and answer.turns == (0, 3)


def test_a_request_can_choose() -> None:
    turns = [user("putar musik"), assistant("play_music()"), user("Hampa")]
    assert converse(Listening(), turns, "all").text == "play_music(song=Hampa)"
    assert converse(Listening(), turns, "last").text == "none()"
    with pytest.raises(InputError, match="no user turn"):
        converse(Listening(), [assistant("Halo"), user(" ")])


def test_a_run_of_the_former_rule_keeps_it() -> None:
    old = Listening()
    old.contract = Contract(CATALOG, fold=FOLD_USER_TURNS)
    assert Contract.from_json(old.contract.to_json()) == old.contract
    turns = [user("putar musik"), assistant("play_music()"), user("Hampa")]
    assert converse(old, turns).turns == (0, 2)


def test_a_long_history_costs_no_more_than_a_short_one() -> None:
    def cost(rounds: int) -> int:
        recognizer = Listening()
        history = [user("nyalakan lampu"), assistant("Baik.")] * rounds
        converse(recognizer, [*history, user("putar musik")])
        return len(recognizer.heard)

    assert cost(0) == 1 and cost(1) == 2
    assert cost(500) == cost(FURTHEST) == FURTHEST + 1
    closed = Listening()
    converse(closed, [user("nyalakan lampu"), assistant("lamp_on()")] * 500 + [user("halo")])
    assert closed.heard == ["halo"]


class Echo(Scripted):
    """Answers by the words of an utterance, so that any conversation has an answer."""

    def __init__(self) -> None:
        super().__init__({}, CATALOG, sure={})

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        out = []
        for u in utterances:
            calls = parse_calls("none()")
            if "alarm" in u:
                time = u.rpartition("alarm")[2].strip(" .")
                calls = (Call("set_alarm", (Argument("time", time),) if time else ()),)
            elif "lampu" in u:
                calls = (Call("lamp_on"),)
            out.append(Proposal(calls, (len(u) % 7 - 3.0,)))
        return out


UTTERANCES = st.sampled_from(["pasang alarm", "jam 6", "nyalakan lampu", "halo", "alarm jam 7"])
REPLIES = st.sampled_from(
    ["Jam berapa?", "Baik.", "lamp_on()", "set_alarm()", "none()", "set_alarm(time=6)", "", "Apa?"]
)
CLOSED = st.sampled_from(
    [
        (user("nyalakan lampu"), assistant("lamp_on()")),
        (user("nyalakan lampu"), assistant("Baik.")),
        (user("halo"), assistant("Halo, ada yang bisa dibantu?")),
        (user("alarm jam 7"), assistant("Alarm dipasang.")),
        (user("pasang alarm"), assistant("", Call("set_alarm")), Turn("tool", "")),
        (user("pasang alarm"), assistant("none()")),
    ]
)


@given(
    st.lists(CLOSED, max_size=3),
    st.lists(st.tuples(UTTERANCES, REPLIES), max_size=FURTHEST + 2),
    UTTERANCES,
)
def test_closed_exchanges_before_a_conversation_never_change_the_answer(
    closed: list[tuple[Turn, ...]], rounds: list[tuple[str, str]], last: str
) -> None:
    turns = [t for u, a in rounds for t in (user(u), assistant(a))] + [user(last)]
    before = [t for exchange in closed for t in exchange]
    plain, longer = converse(Echo(), turns), converse(Echo(), [*before, *turns])
    assert longer.calls == plain.calls and longer.confidence == plain.confidence
    read = plain.turns or (len(turns) - 1,)
    assert (longer.turns or read) == tuple(k + len(before) for k in read)


def test_what_is_no_conversation_or_reading_is_told() -> None:
    openai = {"role": "user", "content": "putar musik"}
    for wrong, kind in (("hi", "str"), (None, "NoneType"), (["hi"], "str"), ([openai], "dict")):
        with pytest.raises(InputError, match=rf"a {kind} where turns .*maksud\.Turn\("):
            converse(Listening(), wrong)  # type: ignore[arg-type]
    for reading in ("bogus", ""):
        with pytest.raises(SettingsError, match="no reading .*open, all, last"):
            converse(Listening(), [user("putar musik")], reading)  # type: ignore[arg-type]
