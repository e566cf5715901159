from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from backend.views import Request, View

Role = Literal["viewer", "member", "admin"]
Scope = Literal["read", "write"]


class UserView(View):
    name: str
    role: Role


class SessionView(View):
    """Who is asking."""

    user: UserView
    version: str
    """Version of the server."""


class LoginRequest(Request):
    """A token, or a name and a password."""

    token: str | None = Field(default=None, min_length=8, max_length=256)
    """A login link's token, or an API token that may write."""
    name: str = Field(default="admin", min_length=1, max_length=64)
    password: SecretStr | None = Field(default=None, min_length=1, max_length=256)
    """Password of the user; the administrator's is set where the server runs."""

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.token is None) == (self.password is None):
            raise ValueError("Give either a token or a password.")
        return self


class LoginLinkView(View):
    """A link that opens one browser session, once."""

    path: str
    """Path of the link on this server."""
    expires_at: datetime


class TokenRequest(Request):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    """What the token is for."""
    scope: Scope = "write"
    expires_in_days: int | None = Field(default=90, ge=1, le=3650)


class TokenView(View):
    id: int
    name: str
    scope: Scope
    hint: str
    """Last characters of the token."""
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewTokenView(TokenView):
    token: str
    """The token itself. It is never shown again."""
