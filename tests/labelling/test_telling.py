"""What a refusal becomes: by the language of whoever reads it, with its code, status and header."""

from __future__ import annotations

from maksud.http.api_error import ApiError
from maksud.labelling.refusals import Refused, StoreFault
from maksud.labelling.web.telling import is_page, store_error, told_in


def test_a_refusal_keeps_its_code_and_says_its_language() -> None:
    error = Refused("the task is archived", code="archived", hint="A leader can open it again")
    told = told_in(error, "id")
    assert str(told) == "Tugas ini diarsipkan. Pemimpin dapat membukanya lagi"
    assert (told.status, told.code) == (409, "archived")
    assert told.headers["content-language"] == "id"
    assert str(told_in(error, "en")) == str(error)


def test_a_busy_store_is_asked_again_and_a_full_one_is_told() -> None:
    busy = told_in(StoreFault("the database is busy", code="store_busy", hint="Try again"), "id")
    assert (busy.status, busy.headers["retry-after"]) == (503, "2")
    full = StoreFault("the disk is full: nothing was saved", code="disk_full", status=507)
    assert store_error(full).status == 507 and "retry-after" not in store_error(full).headers
    assert str(told_in(full, "id")) == "Disk penuh: tidak ada yang tersimpan"


def test_what_the_doors_say_is_told_too() -> None:
    error = ApiError(403, "this takes the role leader", code="forbidden", headers={"x": "y"})
    told = told_in(error, "id")
    assert str(told) == "Untuk ini perlu peran leader"
    assert told.headers == {"x": "y", "content-language": "id"}


def test_pages_are_what_people_look_at() -> None:
    def asked(method: str, path: str) -> bool:
        return is_page({"method": method, "path": path})

    assert asked("GET", "/tasks/7") and asked("HEAD", "/nothing")
    assert not asked("POST", "/tasks/7")
    for path in ("/api", "/api/me", "/static/label.js"):
        assert not asked("GET", path)
