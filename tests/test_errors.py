"""Every error descends from the root, is drawn in the tree, and says its line."""

import inspect

import maksud.errors as errors


def test_the_tree_is_whole_and_drawn() -> None:
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if kind.__module__ != errors.__name__:
            continue
        assert issubclass(kind, errors.MaksudError), name
        assert name in (errors.__doc__ or ""), f"{name} is missing in the drawing"
        assert kind.__doc__


def test_a_message_is_one_line() -> None:
    error = errors.DataError("broken\nrow.", where="x.json:4", hint="Mend it")
    assert str(error) == "x.json:4: broken row. Mend it"


def test_exit_codes_and_statuses() -> None:
    assert errors.DataError.exit_code == 2 and errors.DataError.status == 400
    assert errors.NotFoundError.status == 404
    assert errors.SystemFault.exit_code == 3
    assert errors.MaksudError.exit_code == 1


def test_nearest_names() -> None:
    assert errors.nearest("bok_flight", ["book_flight", "play"]) == "Nearest: book_flight"
    assert errors.nearest("zzz", map(str, range(10))).endswith("and 2 more")
    assert errors.nearest("x", []) == "There are none"
