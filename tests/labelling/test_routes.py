"""Routes over real HTTP: who may take which, what they refuse, and that reading changes nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from labelling_server import Served, serving
from sqlalchemy import text

from maksud.labelling.people import ROLES, Person
from maksud.labelling.web.routes import ROUTES

RAW = (
    b'{"data":{"instruction":"Saya ingin mendengarkan musik"}}\n'
    b'{"data":{"instruction":"<b>x</b>"}}\n'
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("labels") / "labels.db") as running:
        yield running


@pytest.fixture(scope="module")
def team(served: Served) -> dict[str, Person]:
    made = {"admin": served.admin()}
    made |= {role: served.person(role, role) for role in ("leader", "annotator")}
    return made | {"stranger": served.person("stranger", "annotator")}


@pytest.fixture(scope="module")
def clients(served: Served, team: dict[str, Person]) -> dict[str, httpx.Client]:
    return {name: served.script(person) for name, person in team.items()}


@pytest.fixture(scope="module")
def task(served: Served, team: dict[str, Person], clients: dict[str, httpx.Client]) -> int:
    leader = clients["leader"]
    made = ok(leader.post("/api/datasets", json=upload("raw", RAW)))
    people = [team["leader"].id, team["annotator"].id]
    body = {"name": "task", "dataset": made["dataset"], "people": people, "stages": ["label"]}
    id: int = ok(leader.post("/api/tasks", json=body))["task"]
    return id


def upload(name: str, content: bytes, file: str = "raw.manifest") -> dict[str, Any]:
    return {"name": name, "file": file, "content": base64.b64encode(content).decode()}


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def fill(path: str, task: int) -> str:
    ones = ("item", "user", "dataset", "template", "package", "proposal")
    for name, value in {"task": task, **dict.fromkeys(ones, 1)}.items():
        path = path.replace("{" + name + "}", str(value))
    return path


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_each_route_takes_its_role_and_no_less(
    route: Any, served: Served, clients: dict[str, httpx.Client], task: int
) -> None:
    """With an unreadable body: who may come in gets as far as that, and no further."""
    path = fill(route.path, task)

    def ask(client: httpx.Client) -> httpx.Response:
        if route.method == "GET":
            return client.get(path)
        return client.post(path, content=b"{", headers={"content-type": "application/json"})

    nobody = ask(served.client())
    if route.role is None:
        assert nobody.status_code in (200, 400)
        return
    assert nobody.status_code == (303 if route.is_page else 401)
    for name in ROLES:
        answer = ask(clients[name])
        allowed = ROLES.index(name) >= ROLES.index(route.role)
        if not allowed:
            assert code(answer) == (403, "forbidden"), (name, answer.text)
        elif route.method == "POST":
            assert code(answer) == (400, "invalid_json"), (name, answer.text)
        else:
            assert answer.status_code in (200, 404, 409), (name, answer.text)
    forged = served.client({"authorization": "Bearer ml-" + "x" * 40})
    assert ask(forged).status_code == 401


OBJECTS = [r for r in ROUTES if "{task}" in r.path]


@pytest.mark.parametrize("route", OBJECTS, ids=lambda r: f"{r.method} {r.path}")
def test_what_is_another_team_s_is_not_there(
    route: Any, served: Served, clients: dict[str, httpx.Client], task: int
) -> None:
    """With a whole body, from a leader who is none of the task's people."""
    other = clients.get("other leader")
    if other is None:
        other = clients["other leader"] = served.script(served.person("other leader", "leader"))
    path = fill(route.path, task)
    verdict = {"verdict": "approved"} if path.endswith("proposals/1") else {}
    release = {} if "/packages/" in path else {"item": 1}
    bodies = {
        "claim": {"stage": "label"}, "release": release, "validate": {"output": "a()"},
        "save": {"item": 1, "stage": "label", "kind": "answer", "output": "a()", "key": "k"},
        "reopen": {"reason": "why", "key": "k"}, "versions": {"name": "x"},
        "jobs": {"kind": "learn"}, "likewise": {"items": [2], "key": "k"},
        "gold": {"rows": [{"instruction": "x", "output": "a()"}]},
        "second-look": {"count": 1, "key": "k"},
        "assign": {"user": 1}, "proposals": {"intent": "x"}, "decide": {"accepted": True},
    }  # fmt: skip
    for client in (other, clients["stranger"]):
        if client is clients["stranger"] and route.role != "annotator":
            continue
        if route.method == "GET":
            answer = client.get(path)
        else:
            answer = client.post(path, json=bodies.get(path.rpartition("/")[2], verdict))
        assert answer.status_code == 404, (path, answer.text)


def test_reading_changes_nothing(
    served: Served, clients: dict[str, httpx.Client], task: int
) -> None:
    def picture() -> str:
        with served.store.reading() as c:
            tables = c.scalars(text("SELECT name FROM sqlite_master WHERE type='table'")).all()
            rows = [(t, c.execute(text(f'SELECT * FROM "{t}"')).all()) for t in sorted(tables)]
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    before = picture()
    for route in ROUTES:
        if route.method == "GET":
            clients["admin"].get(fill(route.path, task))
    assert picture() == before


class TestBrowser:
    """A browser's session: cookie, CSRF token, origin."""

    def sign_in(self, served: Served, person: Person) -> tuple[httpx.Client, str]:
        client = served.client()
        ok(client.post("/api/session", json={"link": served.link(person)}))
        page = client.get("/").text
        return client, page.partition('name="csrf" content="')[2].partition('"')[0]

    def test_a_link_opens_once(self, served: Served, team: dict[str, Person]) -> None:
        link = served.link(team["annotator"])
        first = served.client().post("/api/session", json={"link": link})
        cookie = first.headers["set-cookie"]
        assert first.status_code == 200
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and link not in cookie
        assert code(served.client().post("/api/session", json={"link": link})) == (
            401, "invalid_link",
        )  # fmt: skip

    def test_what_is_sent_needs_the_page_s_token(
        self, served: Served, team: dict[str, Person]
    ) -> None:
        client, csrf = self.sign_in(served, team["annotator"])
        body = {"language": "en"}
        assert code(client.post("/api/me", json=body)) == (403, "csrf")
        wrong = {"x-csrf-token": csrf[:-1] + "~"}
        assert code(client.post("/api/me", json=body, headers=wrong)) == (403, "csrf")
        right = {"x-csrf-token": csrf}
        assert ok(client.post("/api/me", json=body, headers=right))["language"] == "en"
        foreign = {**right, "origin": "http://evil.example"}
        assert code(client.post("/api/me", json=body, headers=foreign)) == (403, "foreign_origin")
        own = {**right, "origin": served.url}
        assert ok(client.post("/api/me", json={"language": "id"}, headers=own))

    def test_another_site_s_page_can_not_sign_anybody_in(
        self, served: Served, team: dict[str, Person]
    ) -> None:
        link = served.link(team["annotator"])
        headers = {"origin": "null"}
        answer = served.client().post("/api/session", json={"link": link}, headers=headers)
        assert code(answer) == (403, "foreign_origin")

    def test_signing_out_and_being_shut_out_end_the_session(
        self, served: Served, team: dict[str, Person], clients: dict[str, httpx.Client]
    ) -> None:
        client, csrf = self.sign_in(served, team["annotator"])
        cookies = dict(client.cookies)
        ok(client.post("/api/session/end", json={}, headers={"x-csrf-token": csrf}))
        client.cookies.update(cookies)
        assert client.get("/api/me").status_code == 401
        gone = served.person("gone", "annotator")
        client, _ = self.sign_in(served, gone)
        ok(clients["admin"].post(f"/api/people/{gone.id}", json={"disabled": True}))
        assert client.get("/api/me").status_code == 401

    def test_pages_keep_to_themselves(self, served: Served, team: dict[str, Person]) -> None:
        client, _ = self.sign_in(served, team["annotator"])
        for answer in (client.get("/"), client.get("/tasks/999"), client.get("/api/tasks/999")):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"

    def test_refusals_are_told_in_the_language_of_the_pages(
        self, served: Served, team: dict[str, Person], clients: dict[str, httpx.Client], task: int
    ) -> None:
        """A script gets the English that the schemas show, whoever it acts for."""
        client, csrf = self.sign_in(served, team["leader"])
        headers = {"x-csrf-token": csrf}
        body = {"name": "t", "dataset": 1, "people": []}
        told = {"id": "tugas ini belum punya orang. Pilih", "en": "the task has no people. Name"}
        for language, words in told.items():
            ok(client.post("/api/me", json={"language": language}, headers=headers))
            answer = client.post("/api/tasks", json=body, headers=headers)
            assert code(answer) == (400, "no_people")
            assert words.lower() in answer.json()["error"]["message"].lower()
            assert answer.headers["content-language"] == language
            page = client.get("/tasks/999")
            assert page.status_code == 404 and page.headers["content-type"].startswith("text/html")
            assert {"id": "tidak ada tugas 999", "en": "there is no task 999"}[language] in (
                page.text.lower()
            )
        said = clients["leader"].post("/api/tasks", json=body)
        assert "the task has no people" in said.json()["error"]["message"]
        assert "content-language" not in said.headers
        ok(client.post("/api/me", json={"language": "id"}, headers=headers))

    def test_pages_that_are_not_there_or_not_for_one_are_pages(
        self, served: Served, team: dict[str, Person]
    ) -> None:
        client, _ = self.sign_in(served, team["annotator"])
        for path, status, told in (("/nothing", 404, "GET /api"), ("/new", 403, "peran leader")):
            answer = client.get(path)
            assert answer.status_code == status and told in answer.text
            assert answer.headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in answer.headers["content-security-policy"]

    def test_secure_cookies_behind_tls(self, tmp_path: Path) -> None:
        with serving(tmp_path / "l.db", secure=True) as behind:
            answer = behind.client().post(
                "/api/session", json={"link": behind.link(behind.admin())}
            )
            assert answer.headers["set-cookie"].startswith("__Host-maksud=")
            assert "; Secure" in answer.headers["set-cookie"]


class TestBadInput:
    """Each has a message that says what to do, and nothing is lost."""

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            ({}, "name is missing"),
            ({"name": "t", "dataset": 1, "people": []}, "no people"),
            ({"name": "t", "dataset": 99, "people": [1]}, "no dataset 99"),
            ({"name": "t", "dataset": 1, "people": [1], "votes": 3}, "Add people"),
            ({"name": "t", "dataset": 1, "people": [1], "votes": 99}, "votes: must be 1 to 9"),
            ({"name": "t", "dataset": 1, "people": [1], "stages": ["check"]}, "no way through"),
            ({"name": "t", "dataset": 1, "people": [1], "colour": "red"}, "is no field here"),
            ({"name": "t", "dataset": "1", "people": [1]}, "must be a whole number"),
            ({"name": "t" * 101, "dataset": 1, "people": [1]}, "at most 100"),
            ({"name": "t", "dataset": 1, "people": [True]}, "must be a whole number"),
            ({"name": "t", "dataset": 1, "people": [1] * 1001}, "at most 1,000"),
            ({"name": "t\u0000", "dataset": 1, "people": [1]}, "U+0000"),
            ({"name": "t", "dataset": 10**12, "people": [1]}, "dataset: must be"),
            ({"name": "t", "dataset": 1, "people": [1], "catalog": {"x": 1}}, "intents"),
            ({"name": "task", "dataset": 1, "people": [1]}, "is here already"),
        ],
    )
    def test_tasks(
        self, clients: dict[str, httpx.Client], task: int, body: dict[str, Any], told: str
    ) -> None:
        answer = clients["leader"].post("/api/tasks", json=body)
        assert answer.status_code in (400, 404, 409)
        assert told in answer.json()["error"]["message"]

    def test_a_template_that_asks_for_a_field_that_the_data_lacks(
        self, clients: dict[str, httpx.Client], task: int
    ) -> None:
        leader = clients["leader"]
        shape = {"name": "wide", "fields": ["instruction", "channel"], "card": "calls"}
        made = ok(leader.post("/api/templates", json=shape))
        body = {"name": "t", "dataset": 1, "people": [1], "template": made["template"]}
        answer = leader.post("/api/tasks", json=body)
        assert code(answer) == (400, "missing_field")
        assert "'channel'" in answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("file", "content", "told"),
        [
            ("raw.manifest", b"", "raw.manifest"),
            ("raw.manifest", b"{", ""),
            ("photo.png", b"\x89PNG\r\n\x1a\n\0\0\0", ""),
            ("x.zip", b"PK\3\4" + bytes(60), ""),
            ("../../etc/passwd", b"root:x:0:0", ""),
            ("raw.manifest", b'{"data":{"instruction":7}}\n', "rows can't be read"),
            ("raw.jsonl", b'{"instruction":""}\n', ""),
            ("raw.csv", ("text\n" + "x" * 9000).encode(), ""),
        ],
    )
    def test_uploads_of_the_wrong_kind(
        self, clients: dict[str, httpx.Client], file: str, content: bytes, told: str
    ) -> None:
        answer = clients["leader"].post("/api/datasets", json=upload("bad", content, file))
        assert answer.status_code == 400, answer.text
        message = answer.json()["error"]["message"]
        assert told in message and "/tmp" not in message
        names = [d["name"] for d in ok(clients["leader"].get("/api/datasets"))["datasets"]]
        assert "bad" not in names

    def test_an_upload_that_is_too_large(self, tmp_path: Path) -> None:
        with serving(tmp_path / "l.db", max_upload_bytes=4096) as small:
            admin = small.script(small.admin())
            answer = admin.post("/api/datasets", json=upload("big", b"x" * 9000))
            assert code(answer) == (413, "body_too_large")
            answer = admin.post("/api/tokens", content=b"x" * 300_000,
                                headers={"content-type": "application/json"})  # fmt: skip
            assert code(answer) == (413, "body_too_large")

    def test_an_upload_of_2_gb_is_refused_before_it_comes(self, served: Served) -> None:
        """Answered while its first bytes are there; the rest is not waited for."""
        admin = served.script(served.admin())
        host, port = served.url.removeprefix("http://").split(":")
        head = [
            "POST /api/datasets HTTP/1.1", f"Host: {host}:{port}", "Content-Type: application/json",
            f"Authorization: {admin.headers['authorization']}", f"Content-Length: {2 << 30}",
        ]  # fmt: skip
        with socket.create_connection((host, int(port)), 30) as connection:
            connection.sendall(("\r\n".join(head) + "\r\n\r\n{").encode())
            said = connection.recv(65536).decode()
        assert said.startswith("HTTP/1.1 413") and "body_too_large" in said
        assert "2,147,483,648 bytes" in said

    def test_urls_are_an_admin_s(self, clients: dict[str, httpx.Client], task: int) -> None:
        body = {"name": "by url", "url": "https://127.0.0.1/x.json"}
        assert code(clients["leader"].post("/api/datasets/url", json=body)) == (403, "forbidden")
        assert code(clients["admin"].post("/api/datasets/url", json=body)) == (400, "invalid_url")

    def test_templates_are_read_kept_and_told(
        self, clients: dict[str, httpx.Client], task: int
    ) -> None:
        leader = clients["leader"]
        text = "show: [instruction, channel]\nask: [{title: nada, kind: choice, options: [a, b]}]"
        found = ok(leader.post("/api/templates/read", json={"text": text, "dataset": 1}))
        assert found["lacking"] == ["channel"]
        assert found["row"]["utterance"] == "Saya ingin mendengarkan musik"
        assert found["template"]["ask"][0]["title"] == "nada" and not found["has_calls"]
        answer = leader.post("/api/templates/read", json={"text": "ask: [{title: a}]"})
        assert code(answer) == (400, "invalid_template")
        made = ok(leader.post("/api/templates", json={"name": "nada", "text": text}))
        shown = ok(leader.get(f"/api/templates/{made['template']}"))
        assert (shown["version"], shown["card"]) == (1, "form")
        again = ok(leader.post("/api/templates", json={"name": "nada", "text": shown["text"]}))
        second = ok(leader.get(f"/api/templates/{again['template']}"))
        assert second["version"] == 2 and second["ask"] == shown["ask"]

    def test_a_package_of_nothing(self, clients: dict[str, httpx.Client], task: int) -> None:
        body = {"name": "p", "dataset": 1, "people": [1], "pack_by": "size", "pack_value": "0"}
        answer = clients["leader"].post("/api/tasks", json=body)
        assert code(answer) == (400, "invalid_terms")
        assert "1 or more" in answer.json()["error"]["message"]

    def test_appending_nothing_too_much_and_something(
        self, clients: dict[str, httpx.Client], task: int
    ) -> None:
        leader, path = clients["leader"], "/api/datasets/1/rows"
        assert code(leader.post(path, json={"rows": []})) == (400, "no_rows")
        many = [{"instruction": "x"}] * 101
        assert code(leader.post(path, json={"rows": many})) == (400, "invalid_value")
        assert code(leader.post(path, json={"rows": [{"text": "x"}]}))[0] == 400
        done = ok(leader.post(path, json={"rows": [{"instruction": "baru"}], "tasks": [task]}))
        assert done == {"rows": 3, "items": 1}

    def test_appended_rows_that_can_not_be_are_refused_whole(
        self, clients: dict[str, httpx.Client], task: int
    ) -> None:
        leader = clients["leader"]
        made = ok(leader.post("/api/datasets", json=upload("appended", RAW)))
        path = f"/api/datasets/{made['dataset']}/rows"
        good = {"instruction": "baru", "id": "one"}
        for bad, told in (
            ({"instruction": "a\0"}, "rows[1] can't be added (E-CONTROL"),
            ({"instruction": "a", "id": "one"}, "rows[1] can't be added (E-ID"),
            ({"instruction": "a", "output": "bad(("}, "rows[1] can't be added (E-CALL"),
        ):
            answer = leader.post(path, json={"rows": [good, bad]})
            assert code(answer) == (400, "rejected_rows")
            assert told in answer.json()["error"]["message"]
        assert ok(leader.post(path, json={"rows": [good]})) == {"rows": 3, "items": 0}
        answer = leader.post(path, json={"rows": [{"instruction": "a"}, good]})
        assert code(answer) == (400, "rejected_rows")
        assert "rows[1] has the id 'one'" in answer.json()["error"]["message"]
        template = ok(leader.post("/api/templates", json={"name": "free", "card": "text"}))
        body = {"name": "free", "dataset": made["dataset"], "people": [1], **template}
        ok(leader.post("/api/tasks", json=body))  # free text is no call, and need not be
        free = {"rows": [{"instruction": "a", "output": "bad(("}]}
        assert ok(leader.post(path, json=free)) == {"rows": 4, "items": 0}

    @pytest.mark.parametrize(
        "path",
        ["/tasks/99999999999999999999", "/tasks/0", "/api/tasks/1/items?after=x",
         "/api/tasks/1/items?after=" + "9" * 30, "/api/tasks/1/items?state=none",
         "/api/tasks/1/export?format=../x", "/tasks/1/check?stage=%00", "/static/../app.py",
         "/static/label.js%00", "/nothing"],
    )  # fmt: skip
    def test_paths_that_lead_nowhere(
        self, clients: dict[str, httpx.Client], task: int, path: str
    ) -> None:
        assert clients["admin"].get(path).status_code in (400, 404, 409)


def test_a_script_works_through_a_task(
    served: Served, team: dict[str, Person], clients: dict[str, httpx.Client]
) -> None:
    leader, annotator = clients["leader"], clients["annotator"]
    made = ok(leader.post("/api/datasets", json=upload("script", RAW)))
    people = [team["leader"].id, team["annotator"].id]
    body = {"name": "by script", "dataset": made["dataset"], "people": people,
            "stages": ["label", "check"]}  # fmt: skip
    base = f"/api/tasks/{ok(leader.post('/api/tasks', json=body))['task']}"
    item = ok(annotator.post(f"{base}/claim", json={"stage": "label"}))["item"]
    assert "labels" not in item
    number = 0
    while item is not None:
        number += 1
        said = {"item": item["id"], "stage": "label", "kind": "answer", "output": "play_music()",
                "key": f"s{number}", "next": True}  # fmt: skip
        answer = ok(annotator.post(f"{base}/save", json=said))
        again = ok(annotator.post(f"{base}/save", json=said))
        assert again["saved"]["repeated"] and again["saved"]["act"] == answer["saved"]["act"]
        item = answer["item"]
    assert number == 2
    item = ok(leader.post(f"{base}/claim", json={"stage": "check"}))["item"]
    assert item["labels"][0]["by"] == "annotator"
    said = {"item": item["id"], "stage": "check", "kind": "answer", "output": "music_exit()",
            "key": "c1"}  # fmt: skip
    ok(leader.post(f"{base}/save", json=said))
    rows = leader.get(f"{base}/export?format=json").json()
    assert [r["output"] for r in rows] == ["music_exit()"]
    formats = ("json", "label-studio", "itag", "jsonl", "csv")
    exports = [leader.get(f"{base}/export?format={f}") for f in formats]
    assert len({e.headers["content-disposition"] for e in exports}) == len(formats)  # in one folder
    manifest = leader.get(f"{base}/export?format=itag").text
    assert json.loads(manifest)["data"]["instruction"] == "Saya ingin mendengarkan musik"
    figures = ok(leader.get(f"{base}/figures"))
    mine = next(p for p in figures["people"] if p["name"] == "annotator")
    assert (mine["labels"], mine["checked"], mine["accuracy"]) == (2, 1, 0.0)


def test_the_routes_describe_themselves(clients: dict[str, httpx.Client]) -> None:
    routes = ok(clients["annotator"].get("/api"))["routes"]
    save = next(r for r in routes if r["path"].endswith("/save"))
    assert save["body"]["required"] == ["item", "stage", "kind", "key"]
    assert save["body"]["additionalProperties"] is False
    assert all(r["role"] in (None, *ROLES) for r in routes)


def test_what_no_browser_sends_is_refused_and_no_fault(
    served: Served, clients: dict[str, httpx.Client]
) -> None:
    client = served.client()
    for origin in ("http://[::1", "://", "http://", "x", "null"):
        answer = client.post("/api/session", json={"link": "x"}, headers={"origin": origin})
        assert code(answer) == (403, "foreign_origin")
    for path in ("/api/tasks/", "/tasks/"):
        for digits in ("9" * 11, "9" * 5000):
            assert clients["leader"].get(path + digits).status_code == 404


def test_a_save_that_is_sent_again_is_told_as_saved_in_a_closed_task(
    served: Served, team: dict[str, Person], clients: dict[str, httpx.Client]
) -> None:
    leader = clients["leader"]
    dataset = ok(leader.post("/api/datasets", json=upload("closing", RAW)))["dataset"]
    made = {"name": "closing", "dataset": dataset, "people": [team["leader"].id]}
    path = f"/api/tasks/{ok(leader.post('/api/tasks', json=made))['task']}"
    item = ok(leader.post(f"{path}/claim", json={"stage": "label"}))["item"]["id"]
    body = {"item": item, "stage": "label", "kind": "answer", "key": "closing-1", "next": True}
    body |= {"output": "none()"}
    assert ok(leader.post(f"{path}/save", json=body))["saved"]["repeated"] is False
    ok(leader.post(path, json={"archived": True}))
    again = ok(leader.post(f"{path}/save", json=body))
    assert again["saved"]["repeated"] is True and again["item"] is None


def test_a_new_link_replaces_one_that_was_lost(served: Served, team: dict[str, Person]) -> None:
    lost, other, new = (served.link(team[who]) for who in ("annotator", "leader", "annotator"))
    sent = [served.client().post("/api/session", json={"link": k}) for k in (lost, other, new)]
    assert [answer.status_code for answer in sent] == [401, 200, 200]
