"""What is not set follows from the data; what is set is kept, or refused."""

import pytest

from maksud.errors import SettingsError
from maksud.recognizers.compact.settings import CompactSettings


def test_settings_follow_the_data() -> None:
    much, little = CompactSettings().resolved(13_000, 7), CompactSettings().resolved(700, 7)
    many = CompactSettings().resolved(13_000, 150)
    assert much.epochs < many.epochs < little.epochs
    plenty, short_of_it = (
        CompactSettings().resolved(6_500, 13),
        CompactSettings().resolved(6_499, 13),
    )
    assert plenty.epochs >= 1.9 * short_of_it.epochs and plenty.members < short_of_it.members
    assert little.veil > much.veil == 0
    given = CompactSettings(
        epochs=3, members=1, dim=8, dropout=0.0, swap=0.0, mix=0.0, veil=0.0, linear=0.0
    )
    assert given.resolved(700, 7) == given
    assert CompactSettings().resolved(1, 1).epochs <= 200


def test_a_value_out_of_range_is_an_error() -> None:
    with pytest.raises(SettingsError, match="dropout"):
        CompactSettings(dropout=2.0)
