"""Settings of a training, from what a person gave; the data settle what `auto` leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from maksud.data.dataset import Dataset
from maksud.errors import SettingsError
from maksud.recognizers.choosing import (
    AUTO,
    COMPACT,
    ENCODER,
    KINDS,
    Undecided,
    choose,
    gather_facts,
    kinds_that_know,
)
from maksud.recognizers.kinds import Kind, find_kind, kind_of_base, list_kinds
from maksud.recognizers.settings import TrainSettings
from maksud.settings import change_settings, find_setting, settings_of, unknown_setting


def make_settings(
    changes: Mapping[str, Any], settings: TrainSettings | None = None
) -> TrainSettings:
    """Settings with `changes`, each given to all kinds' settings or to those of the base's kind.

    Names are those of the fields, or the guide's. Values may be texts, as in `KEY=VALUE`. The
    kind's own settings are filled in. Under `auto`, what only one kind has decides for that kind;
    else they are `Undecided` until `settle`. Raises `SettingsError` for an unknown name, a value
    out of range, or settings of another kind than the base's.
    """
    settings = settings or TrainSettings()
    whole = {f.name for f in fields(TrainSettings)}
    shared = {k: v for k, v in changes.items() if k in whole}
    made = replace(settings, kind=shared.pop("kind", settings.kind))
    made = change_settings(made, shared)
    given = {k: v for k, v in changes.items() if k not in whole}
    if made.base == AUTO:
        return _open(made, given)
    if made.choice is None:
        _refuse_minutes(made, f"base {made.base!r}")
    if isinstance(made.kind, Undecided):
        given = {**made.kind.given, **given}
        made = replace(made, kind=None)
    kind = kind_of_base(made.base)
    if made.kind is not None and not isinstance(made.kind, kind.settings):
        raise SettingsError(
            f"base {made.base!r} takes {kind.settings.__name__}, not {type(made.kind).__name__}"
        )
    return replace(made, kind=_of_kind(kind, made.kind, given))


def settle(settings: TrainSettings, data: Dataset) -> TrainSettings:
    """The settings with `auto` decided by the data and the machine; others as they are."""
    if settings.base != AUTO:
        return settings
    given = settings.kind.given if isinstance(settings.kind, Undecided) else {}
    facts = gather_facts(data, per_intent=settings.per_intent, minutes=settings.minutes)
    made = choose(facts, given)
    changes = {**made.settings, **given}
    return make_settings(changes, replace(settings, base=made.base, kind=None, choice=made))


def _open(settings: TrainSettings, given: dict[str, Any]) -> TrainSettings:
    """The settings of `auto`: of one kind where something is set that only this has."""
    if isinstance(settings.kind, Undecided):
        given = {**settings.kind.given, **given}
        settings = replace(settings, kind=None)
    if settings.kind is not None:
        _refuse_minutes(settings, type(settings.kind).__name__)
        return make_settings(given, replace(settings, base=_base_of(settings.kind)))
    able = kinds_that_know(given)
    if not able:
        raise _unknown(given)
    made = [
        (name, _of_kind(find_kind(name), None, given)) for name in able if not _fails(name, given)
    ]
    if not made:
        _of_kind(find_kind(able[0]), None, given)  # raises why
    if len(made) > 1:
        return replace(settings, kind=Undecided(given))
    name, own = made[0]
    _refuse_minutes(settings, ", ".join(given))
    return replace(settings, base=KINDS[name], kind=own)


def _refuse_minutes(settings: TrainSettings, decided: str) -> None:
    """Raises `SettingsError` for a budget that nothing would be chosen by."""
    if settings.minutes:
        raise SettingsError(
            f"minutes is {settings.minutes:g}, but {decided} decides what is trained, and that "
            "takes the time that it takes",
            hint=f"Leave one of the two away: minutes are what `{AUTO}` chooses by",
        )


def _of_kind(kind: Kind, own: Any, given: Mapping[str, Any]) -> Any:
    """The kind's settings with what is given under any of their names."""
    given = kind.translate(given)
    for key in given:
        if find_setting(kind.settings, key) is None:
            elsewhere = [k.name for k in list_kinds() if _has(k, key)]
            if elsewhere:
                raise SettingsError(
                    f"unknown setting {key!r}: it is one of {elsewhere[0]}, not of {kind.name}",
                    hint="Leave it away, or name another --base",
                )
            raise unknown_setting(key, [*settings_of(TrainSettings), *settings_of(kind.settings)])
    return change_settings(kind.settings() if own is None else own, given)


def _fails(name: str, given: Mapping[str, Any]) -> bool:
    """Whether a kind does not take these values."""
    try:
        _of_kind(find_kind(name), None, given)
    except SettingsError:
        return True
    return False


def _base_of(own: Any) -> str:
    """The base that settings of a kind go with, where a person names none."""
    for kind in list_kinds():
        if isinstance(own, kind.settings) and kind.bases:
            return kind.bases[0]
    raise SettingsError(
        f"{type(own).__name__} does not say what to start from", hint="Give a base as well"
    )


def _unknown(given: Mapping[str, Any]) -> SettingsError:
    """The error for settings that none of the kinds to choose among has all of."""
    known = [*settings_of(TrainSettings)]
    for name in KINDS:
        known += settings_of(find_kind(name).settings)
    for key in given:
        if kinds_that_know([key]):
            continue
        elsewhere = [k.name for k in list_kinds() if _has(k, key)]
        if elsewhere:
            return SettingsError(
                f"unknown setting {key!r}: it is one of {elsewhere[0]}, which `auto` never chooses",
                hint="Name a --base: `maksud models list` shows them",
            )
        return unknown_setting(key, known)
    return SettingsError(
        f"no kind has all of {', '.join(given)}", hint=f"Name --base {COMPACT} or {ENCODER}"
    )


def _has(kind: Kind, key: str) -> bool:
    try:
        return any(find_setting(kind.settings, k) is not None for k in kind.translate({key: "1"}))
    except SettingsError:
        return True  # it knows the name, and only the value is wrong
