"""What can be told to a user, as nouns with a status and a sentence.

    SceLabError
    +-- NotFound          404
    +-- Unauthorised      401
    +-- Forbidden         403
    +-- Conflict          409   (IllegalMove, and whatever the present state forbids)
    +-- Invalid           422   (names fields)
    +-- TooMany           429
    +-- Away              503   (database, broker, a host)

Anything else is a bug and a 500.
"""

from typing import ClassVar


class SceLabError(Exception):
    """Something the user can be told. ``fields`` maps dotted paths to sentences."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Bad request"

    def __init__(self, detail: str, *, fields: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields or {}


class Unauthorised(SceLabError):
    status = 401
    title = "Not logged in"


class Forbidden(SceLabError):
    status = 403
    title = "Not allowed"


class NotFound(SceLabError):
    status = 404
    title = "Not found"

    @classmethod
    def of(cls, what: str, which: object) -> "NotFound":
        return cls(f"There is no {what} {which}.")


class Conflict(SceLabError):
    status = 409
    title = "Not now"


class Invalid(SceLabError):
    status = 422
    title = "Invalid"


class TooMany(SceLabError):
    status = 429
    title = "Too many"


class Away(SceLabError):
    status = 503
    title = "Away"
