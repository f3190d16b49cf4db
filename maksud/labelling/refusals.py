"""What the labelling wing says no with: an act that can't be done as things stand, and a store
that can't be written. Both say what to do next."""

from __future__ import annotations

from maksud.errors import InputError, SystemFault


class Refused(InputError):
    """An act that can't be done as things stand. `code` is for programs."""

    def __init__(
        self, message: str, *, code: str, status: int = 409, where: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.code = code
        self.status = status


class Unknown(Refused):
    """Something that is not there, or not for this person: the two are told alike."""

    def __init__(self, what: str, hint: str = "Look at the list again") -> None:
        super().__init__(f"there is no {what} here", code="not_found", status=404, hint=hint)


class StoreFault(SystemFault):
    """The store could not be read or written: nothing was changed. `code` is for programs."""

    def __init__(self, message: str, *, code: str, status: int = 503, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status = status
