"""Tokens: made once, kept as a hash that only the owner reads, compared as bytes."""

import errno
import hashlib
import hmac
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maksud.errors import SettingsError, SystemFault
from maksud.http.tokens import INFER, Opened, Token, Tokens, open_tokens, tokens_file

SECRET = "mk-correct-horse"
DOOR = Tokens([Token.of("mk-another-one", "b"), Token.of(SECRET, "a", ["infer", "label"])])


def test_the_first_start_makes_a_token_and_shows_it_once(home: Path) -> None:
    first = open_tokens()
    assert first.secret is not None and len(first.secret) >= 43
    assert first.source == str(home / "tokens.json")
    found = first.tokens.find([b"Bearer " + first.secret.encode()])
    assert found is not None and found.scopes == {INFER}
    again = open_tokens()
    assert again.secret is None
    assert again.tokens.find([b"Bearer " + first.secret.encode()]) is not None


def test_only_the_hash_is_kept_and_only_for_the_owner(home: Path) -> None:
    secret = open_tokens().secret
    assert secret is not None
    text = tokens_file().read_text()
    assert secret not in text
    assert hashlib.sha256(secret.encode()).hexdigest() in text
    assert tokens_file().stat().st_mode & 0o777 == 0o600
    assert [p.name for p in home.iterdir()] == ["tokens.json"]


def test_a_token_is_on_disk_before_it_is_shown(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    acts: list[str] = []
    for act in ("fsync", "link"):
        real = getattr(os, act)
        monkeypatch.setattr(os, act, lambda *a, f=real, n=act: (acts.append(n), f(*a))[1])
    assert open_tokens().secret
    assert acts[-3:] == ["fsync", "link", "fsync"]


def test_two_starts_at_once_agree_on_one_token() -> None:
    opened: list[Opened] = []
    threads = [threading.Thread(target=lambda: opened.append(open_tokens())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (secret,) = [o.secret for o in opened if o.secret is not None]
    assert all(o.tokens.find([f"Bearer {secret}".encode()]) for o in opened)


def test_the_environment_overrides_the_file(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    stored = open_tokens().secret
    monkeypatch.setenv("MAKSUD_TOKEN", "a-token-of-my-own")
    opened = open_tokens()
    assert opened.secret is None and opened.source == "MAKSUD_TOKEN"
    assert opened.tokens.find([b"Bearer a-token-of-my-own"]) is not None
    assert opened.tokens.find([f"Bearer {stored}".encode()]) is None


@pytest.mark.parametrize("weak", ["", "shorty", "changeme", "PASSWORD", "two words!", "pässwörter"])
def test_a_weak_token_is_refused(weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKSUD_TOKEN", weak)
    with pytest.raises(SettingsError, match="MAKSUD_TOKEN") as caught:
        open_tokens()
    assert not weak or weak not in str(caught.value)


@pytest.mark.parametrize(
    "trivial",
    [
        "aaaaaaaa", "AAAAaaaa", "00000000", "abababab", "abcabcabcabc", "abcdeabcde", "12345678",
        "87654321", "abcdefgh", "hgfedcba", "qwertyui", "QwertyUiop", "asdfghjkl", "1q1q1q1q",
        "password1", "Password123!", "secret123", "letmein!", "changeme2", "aabbccddee",
    ],
)  # fmt: skip
def test_a_token_that_anybody_guesses_is_refused(
    trivial: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKSUD_TOKEN", trivial)
    with pytest.raises(SettingsError, match="too weak") as caught:
        open_tokens()
    assert trivial not in str(caught.value)


@pytest.mark.parametrize(
    "good",
    ["a-token-of-my-own", "testtoken-123456", "kopi-susu-7", "Tr0ub4dor&3", "9f86d081", "mk-2Zq!x"],
)
def test_a_token_of_ones_own_is_taken(good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKSUD_TOKEN", good)
    assert open_tokens().tokens.find([f"Bearer {good}".encode()]) is not None


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_to_itself_is_told(what: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home / "tokens.json" if what == "file" else home / "loop"
    place.symlink_to(place)
    if what == "folder":
        monkeypatch.setenv("MAKSUD_HOME", str(place))
    with pytest.raises(SystemFault, match=r"tokens\.json"):
        open_tokens()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
def test_a_pipe_is_no_file_of_tokens(home: Path) -> None:
    os.mkfifo(tokens_file(), mode=0o600)
    with pytest.raises(SystemFault, match="is not a file of tokens"):
        open_tokens()


def test_an_endless_file_is_not_read(home: Path) -> None:
    with tokens_file().open("wb") as file:
        file.truncate(1 << 40)
    tokens_file().chmod(0o600)
    with pytest.raises(SystemFault, match="is not a file of tokens"):
        open_tokens()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "[" * 100_000,
        '{"format": ' * 50_000,
        '{"format": "other/1", "tokens": []}',
        '{"format": "maksud-tokens/1", "tokens": []}',
        '{"format": "maksud-tokens/1", "tokens": [{"name": "a", "sha256": "zz", "scopes": []}]}',
        '{"format": "maksud-tokens/1", "tokens": [{"name": "a", "sha256": "00", "scopes": []}]}',
    ],
)
def test_a_damaged_file_opens_no_door(content: str, home: Path) -> None:
    tokens_file().write_text(content)
    tokens_file().chmod(0o600)
    with pytest.raises(SystemFault, match=r"tokens\.json.*Delete it"):
        open_tokens()


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_reach_is_not_trusted(mode: int, home: Path) -> None:
    open_tokens()
    tokens_file().chmod(mode)
    with pytest.raises(SystemFault, match="chmod 600"):
        open_tokens()


def test_a_place_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MAKSUD_HOME", str(tmp_path / "file"))
    with pytest.raises(SystemFault, match="MAKSUD_HOME"):
        open_tokens()


def test_without_a_home_of_ours_the_configuration_folder_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MAKSUD_HOME")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert tokens_file() == tmp_path / "maksud" / "tokens.json"


def test_several_tokens_with_scopes(home: Path) -> None:
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    tokens = [
        {"name": "first", "sha256": "ab" * 32, "scopes": ["infer"]},
        {"name": "reader", "sha256": digest, "scopes": ["label"]},
    ]
    tokens_file().write_text(json.dumps({"format": "maksud-tokens/1", "tokens": tokens}))
    tokens_file().chmod(0o600)
    found = open_tokens().tokens.find([f"Bearer {SECRET}".encode()])
    assert found is not None and (found.name, found.scopes) == ("reader", {"label"})


@pytest.mark.parametrize("good", [f"Bearer {SECRET}", f"bearer {SECRET}", f"BEARER  {SECRET} "])
def test_right_headers(good: str) -> None:
    found = DOOR.find([good.encode()])
    assert found is not None and found.name == "a"


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [b""],
        [b"Bearer"],
        [b"Bearer "],
        [b"bearer x"],
        [SECRET.encode()],
        [b"Basic " + SECRET.encode()],
        [b"Bearer" + SECRET.encode()],
        [b"Bearer " + SECRET[:-1].encode()],
        [b"Bearer " + SECRET.encode() + b"x"],
        [b"Bearer " + SECRET.upper().encode()],
        [b"Bearer \xff\xfe\x00"],
        [b"Bearer " + b"x" * 1_000_000],
        [b"Bearer " + hashlib.sha256(SECRET.encode()).hexdigest().encode()],
        [b"Bearer " + SECRET.encode(), b"Bearer " + SECRET.encode()],
        [b"Bearer wrong", b"Bearer " + SECRET.encode()],
    ],
)
def test_wrong_headers(wrong: list[bytes]) -> None:
    assert DOOR.find(wrong) is None


@settings(deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=3))
def test_any_bytes_are_safe(headers: list[bytes]) -> None:
    assert DOOR.find(headers) is None


def test_every_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long an answer takes tells neither how much of a digest fits, nor whose it is."""
    compared: list[bytes] = []
    real = hmac.compare_digest

    def watched(a: bytes, b: bytes) -> bool:
        compared.append(a)
        return real(a, b)

    monkeypatch.setattr("maksud.http.tokens.hmac.compare_digest", watched)
    for secret in ("mk-another-one", SECRET, "wrong"):
        compared.clear()
        DOOR.find([f"Bearer {secret}".encode()])
        assert len(compared) == 2


def test_a_folder_that_is_made_for_tokens_is_the_owners(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAKSUD_HOME", str(tmp_path / "deep" / "home"))
    open_tokens()
    assert (tmp_path / "deep" / "home").stat().st_mode & 0o777 == 0o700


def test_the_shortest_token_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKSUD_TOKEN", "8letters")
    found = open_tokens().tokens.find([b"Bearer 8letters"])
    assert found is not None and (found.name, found.scopes) == ("MAKSUD_TOKEN", {INFER})


def test_a_token_keeps_its_name_and_its_place(home: Path) -> None:
    first, again = open_tokens(), open_tokens()
    assert first.secret is not None and len(first.secret) == 46  # mk- and 256 bits
    for opened in (first, again):
        found = opened.tokens.find([f"Bearer {first.secret}".encode()])
        assert found is not None and found.name == "first"
        assert opened.source == str(home / "tokens.json")
    (stored,) = json.loads(tokens_file().read_text())["tokens"]
    assert stored["name"] == "first" and stored["created"].endswith("+00:00")


def test_one_damaged_token_refuses_the_file(home: Path) -> None:
    tokens = [
        {"name": "good", "sha256": "ab" * 32, "scopes": ["infer"]},
        {"name": "cut", "sha256": "ab" * 31, "scopes": ["infer"]},
    ]
    tokens_file().write_text(json.dumps({"format": "maksud-tokens/1", "tokens": tokens}))
    tokens_file().chmod(0o600)
    with pytest.raises(SystemFault, match="no usable token"):
        open_tokens()


def test_a_file_that_another_start_wrote_meanwhile_stays(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    first = open_tokens().secret
    before = tokens_file().read_bytes()
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda p: p != tokens_file() and exists(p))
    opened = open_tokens()
    assert tokens_file().read_bytes() == before and opened.secret is None
    assert opened.tokens.find([f"Bearer {first}".encode()]) is not None
    assert [p.name for p in home.iterdir()] == ["tokens.json"]


def test_a_disk_that_is_full_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(SystemFault, match=r"No space left.*Set MAKSUD_HOME .* MAKSUD_TOKEN"):
        open_tokens()
    assert list(home.iterdir()) == []
