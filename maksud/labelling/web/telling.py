"""How a refusal is told: to scripts in English, as the schemas say; to people in the language of
their pages, and as a page where they asked for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maksud.errors import MaksudError
from maksud.http.api_error import ApiError, as_api_error
from maksud.labelling.people import Session
from maksud.labelling.refusals import StoreFault
from maksud.labelling.web import pages
from maksud.labelling.web.asked import Asked, House
from maksud.labelling.web.wording import say_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

SESSION = "maksud.session"
"""Key in the scope of a request that comes from somebody: their session."""


class Telling:
    """The application whose errors are told to whoever is signed in, in their language."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self.app = app
        self.house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except MaksudError as error:
            session = scope.get(SESSION)
            if session is None or not session.csrf:
                raise
            if is_page(scope):
                await self._show(error, session)(scope, receive, send)
                return
            raise told_in(error, session.person.language) from error

    def _show(self, error: MaksudError, session: Session) -> Any:
        from starlette.responses import Response

        told = told_in(error, session.person.language)
        reply = pages.error_page(Asked(self.house, session, {}, {}, {}), told.status, told.message)
        return Response(reply.body, reply.status, {"content-type": reply.kind, **told.headers})


def is_page(scope: Scope) -> bool:
    """Whether a person looks at what is asked for, not a script of a page."""
    path = scope["path"]
    read = scope["method"] in ("GET", "HEAD")
    return read and path != "/api" and not path.startswith(("/api/", "/static/"))


def told_in(error: MaksudError, language: str) -> ApiError:
    """The error as a client sees it, in a language, which its header says."""
    shown = store_error(error) if isinstance(error, StoreFault) else as_api_error(error)
    headers = {**shown.headers, "content-language": language}
    message = say_error(error, language, shown.code)
    return ApiError(
        shown.status, message, code=shown.code, kind=shown.kind, param=shown.param, headers=headers
    )


def store_error(error: StoreFault) -> ApiError:
    """A store that could not be read or written, as a client sees it."""
    again = {"retry-after": "2"} if error.code == "store_busy" else {}
    return ApiError(error.status, str(error), code=error.code, kind="server_error", headers=again)
