"""Each choice has its own scores, and chosen arguments stand where data writes them."""

import pytest

from maksud.language.calls import Argument
from maksud.recognizers.joint.choices import lay_out, order_key, place_choices, width_of


def test_choices_lie_side_by_side() -> None:
    state, room = lay_out([("state", ["off", "on"]), ("room", ["kitchen"])])
    assert (state.start, state.stop) == (0, 3)
    assert (room.start, room.stop) == (3, 5)
    assert width_of([state, room]) == 5 and width_of([]) == 0
    assert [state.place_of(v) for v in (None, "off", "on")] == [0, 1, 2]
    with pytest.raises(ValueError):
        state.place_of("dim")


def test_a_chosen_argument_stands_where_data_writes_it() -> None:
    room, size, on = Argument("room", "a"), Argument("size", "b"), Argument("state", "on")
    before = {order_key("light", "state", "size"): 3, order_key("light", "size", "state"): 1}
    assert place_choices("light", [room, size], [on], before) == (room, on, size)
    assert place_choices("other", [room, size], [on], before) == (room, size, on)
    even = dict.fromkeys(before, 2)
    assert place_choices("light", [room, size], [on], even) == (room, size, on)
