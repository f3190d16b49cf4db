"""The application: routes behind the door, and running them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maksud.http.api_error import ApiError
from maksud.http.guard import Envelope
from maksud.http.json_body import dumps, parse_json
from maksud.http.running import address_of, http_server, is_loopback, listen, log_lines
from maksud.labelling import library, people
from maksud.labelling.place import told_place
from maksud.labelling.web import pages
from maksud.labelling.web.asked import Asked, House, Reply, Route
from maksud.labelling.web.door import STATIC, Door, Room
from maksud.labelling.web.fields import read_fields
from maksud.labelling.web.paths import Paths
from maksud.labelling.web.routes import ROUTES
from maksud.labelling.web.settings import LabelSettings
from maksud.labelling.web.telling import SESSION, Telling
from maksud.serving.ending import Ending

if TYPE_CHECKING:
    import uvicorn
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

__all__ = ["Announcement", "House", "bind", "run", "server_of"]

NEEDED = ("sqlalchemy", "alembic", "nltk", "starlette", "uvicorn", "h11")
"""Packages of the extra `label`."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What to tell when the server is ready. `link` signs the admin in, once."""

    url: str
    link: str
    store: str
    shared: bool

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {"url": self.url, "link": self.link, "store": self.store}

    def lines(self) -> list[str]:
        """For people."""
        out = [f"Labelling at {self.url}", f"Sign in, once: {self.link}",
               f"Labels are kept in {self.store}"]  # fmt: skip
        if self.shared:
            out.append("Others can reach this address, and HTTP is not encrypted: put a proxy with "
                       "TLS before it, and say --set secure=true.")  # fmt: skip
        out.append("Ctrl-C ends it.")
        return out


def bind(settings: LabelSettings) -> socket.socket:
    """A listening socket, before anything heavy is loaded. Raises `SystemFault`, see `listen`."""
    return listen(settings, NEEDED, "label")


def app_of(house: House) -> ASGIApp:
    """All layers of the application, the only way to serve it."""
    known = {(r.method, r.path): _endpoint(house, r) for r in ROUTES}
    room = Room(Paths(known, (STATIC, _static)), house.settings, house.settings.max_upload_bytes)
    told = Telling(room, house)
    return Envelope(Door(told, house.store, house.settings.secure), house.settings)


def _endpoint(house: House, route: Route) -> Callable[[Request], Any]:
    """What answers a route: checks the role, reads the fields, acts in a thread."""
    from starlette.concurrency import run_in_threadpool

    async def answer(request: Request) -> Response:
        session = request.scope.get(SESSION)
        if route.role is not None and (session is None or not session.person.may(route.role)):
            raise ApiError(403, f"this takes the role {route.role}", code="forbidden")
        fields: dict[str, Any] = {}
        if route.method == "POST":
            fields = read_fields(parse_json(await request.body()), route.fields)
        path = request.path_params
        if any(v >= 2**31 for v in path.values()):
            raise ApiError(404, "there is no such number here", code="not_found")
        asked = Asked(house, session, fields, path, dict(request.query_params))
        reply = await run_in_threadpool(_act, route, asked)
        return _response(reply)

    return answer


def _act(route: Route, asked: Asked) -> Reply:
    done = route.act(asked)
    return done if isinstance(done, Reply) else Reply(dumps(done))


def _response(reply: Reply) -> Response:
    from starlette.responses import Response

    headers = {"content-type": reply.kind, **reply.headers}
    return Response(reply.body, reply.status, headers=headers)


async def _static(request: Request) -> Response:
    found = pages.static(request.path_params["name"])
    if found is None:
        raise ApiError(404, "there is no such file here", code="unknown_url")
    return _response(found)


def server_of(house: House) -> uvicorn.Server:
    """The HTTP server of a house; `run(sockets=[…])` runs it."""
    return http_server(app_of(house), house.settings)


def run(
    house: House, *, listener: socket.socket, announce: Callable[[Announcement], None] | None = None
) -> None:
    """Serves until SIGTERM or SIGHUP (returns) or SIGINT (raises `KeyboardInterrupt`).

    `listener` comes from `bind`; `announce` is called once, when people can come.
    """
    ending = Ending()
    with contextlib.closing(listener), ending.heard():
        ending.hold()
        ending.server = server = server_of(house)
        now = house.store.clock()

        def invite(c: Any) -> str:
            library.default_template(c, now)
            return people.make_link(c, people.first_admin(c, now).id, now)

        secret = house.store.write(invite)
        if announce is not None:
            url = address_of(listener)
            shared = not is_loopback(listener.getsockname()[0]) and not house.settings.secure
            announce(Announcement(url, f"{url}/in#{secret}", told_place(house.store.place), shared))
        if not ending.told:
            house.assistant.run()
            with contextlib.closing(house.assistant), log_lines():
                server.run(sockets=[listener])
