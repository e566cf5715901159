"""Who may come in, and what they did: the administrator, login links, cookies, API tokens, deeds."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.db import now
from backend.errors import NotFound, Unauthorised
from backend.people.deeds import record_deed
from backend.people.tables import ApiToken, BrowserSession, LoginLink, User
from backend.settings import Settings

ADMINISTRATOR = "admin"
LINK_LASTS = timedelta(hours=12)
SESSION_LASTS = timedelta(days=30)
NOTE_USE_EVERY = timedelta(minutes=1)
SCRYPT_COST = 2**14


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request, and how far the key they showed reaches."""

    user: User
    scope: str
    token_id: int | None = None
    must_note_use: bool = False

    @property
    def may_write(self) -> bool:
        return self.scope == "write" and self.user.role != "viewer"


class BadLink(Unauthorised):
    """A login link that opens nothing. ``reason`` is unknown, used or expired."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"This login link is {reason}: print a fresh one with `scelab login-link`.")


def digest(secret: str) -> str:
    """What is kept of a random token: enough to know it again, useless to whoever reads the database."""
    return hashlib.sha256(secret.encode()).hexdigest()


# -- the administrator


def ensure_administrator(db: Session, settings: Settings) -> User:
    """The one administrator, made at the first start; their password is the one in the settings."""
    user = db.scalar(select(User).where(User.name == ADMINISTRATOR))
    if user is None:
        user = User(name=ADMINISTRATOR, role="admin")
        db.add(user)
        db.flush()
    password = settings.admin_password.get_secret_value()
    if not password:
        user.password_hash = None
    elif not is_password(password, user.password_hash):
        user.password_hash = hash_password(password)
    return user


def hash_password(password: str) -> str:
    """scrypt with a salt of its own, as ``salt:hash`` in hexadecimal."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_scrypt(password, salt).hex()}"


def is_password(password: str, hashed: str | None) -> bool:
    """Takes as long for an unknown user as for a known one."""
    salt, _, wanted = (hashed or f"{'00' * 16}:").partition(":")
    found = _scrypt(password, bytes.fromhex(salt))
    return hmac.compare_digest(found, bytes.fromhex(wanted))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=SCRYPT_COST, r=8, p=1)


# -- login


def create_login_link(db: Session, *, user: User) -> str:
    """A token that opens one browser session, once, within twelve hours; give it as ``/login?token=``."""
    token = secrets.token_urlsafe(32)
    db.execute(delete(LoginLink).where(LoginLink.expires_at < now() - LINK_LASTS))
    db.add(LoginLink(user_id=user.id, token_hash=digest(token), expires_at=now() + LINK_LASTS))
    return token


def log_in_by_link(db: Session, token: str) -> tuple[User, str]:
    """The user and the cookie of a fresh session. Raises ``BadLink``; a link is used up by one caller."""
    link = db.scalar(select(LoginLink).where(LoginLink.token_hash == digest(token)))
    if link is None:
        raise BadLink("unknown")
    if link.expires_at < now():
        raise BadLink("expired")
    unused = (LoginLink.id == link.id, LoginLink.used_at.is_(None))
    if db.scalar(update(LoginLink).where(*unused).values(used_at=now()).returning(LoginLink.id)) is None:
        raise BadLink("used")
    user = db.get_one(User, link.user_id)
    return user, _open_session(db, user, by="link")


def log_in_by_token(db: Session, token: str) -> tuple[User, str]:
    """Open a session with an API token that may write, or with a login link's. Raises ``Unauthorised``."""
    if not token.startswith("scl_"):
        return log_in_by_link(db, token)
    caller = caller_by_token(db, token)
    if caller.scope != "write":
        raise Unauthorised("A token with the scope 'read' opens no browser session: use one that may write.")
    return caller.user, _open_session(db, caller.user, by="token")


def log_in_by_password(db: Session, *, name: str, password: str) -> tuple[User, str]:
    """Raises ``Unauthorised``, in the same words for a wrong name and a wrong password."""
    user = db.scalar(select(User).where(User.name == name))
    if not is_password(password, user.password_hash if user else None) or user is None:
        raise Unauthorised("This name and password do not fit.")
    return user, _open_session(db, user, by="password")


def _open_session(db: Session, user: User, *, by: str) -> str:
    cookie = secrets.token_urlsafe(32)
    db.execute(delete(BrowserSession).where(BrowserSession.expires_at < now()))
    expires_at = now() + SESSION_LASTS
    db.add(BrowserSession(user_id=user.id, token_hash=digest(cookie), expires_at=expires_at))
    record_deed(db, "log_in", by=user, detail={"using": by})
    return cookie


def log_out(db: Session, *, cookie: str | None) -> None:
    """Close the session of a cookie; none is fine."""
    if cookie:
        db.execute(delete(BrowserSession).where(BrowserSession.token_hash == digest(cookie)))


# -- callers


def caller_by_cookie(db: Session, cookie: str) -> Caller:
    """Raises ``Unauthorised`` once the session was closed or is over."""
    session = db.scalar(select(BrowserSession).where(BrowserSession.token_hash == digest(cookie)))
    if session is None or session.expires_at < now():
        raise Unauthorised("This session is over: log in again.")
    return Caller(db.get_one(User, session.user_id), scope="write")


def caller_by_token(db: Session, token: str) -> Caller:
    """Raises ``Unauthorised`` for a token that is unknown, revoked or expired."""
    row = db.scalar(select(ApiToken).where(ApiToken.token_hash == digest(token)))
    if row is None:
        raise Unauthorised("This API token is not known, or was revoked: make one on the Settings page.")
    if row.expires_at is not None and row.expires_at < now():
        raise Unauthorised("This API token has expired: make a new one on the Settings page.")
    is_stale = row.last_used_at is None or row.last_used_at < now() - NOTE_USE_EVERY
    return Caller(db.get_one(User, row.user_id), scope=row.scope, token_id=row.id, must_note_use=is_stale)


def note_use(db: Session, *, token_id: int) -> None:
    db.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now()))


# -- API tokens


def list_tokens(db: Session, *, user: User) -> list[ApiToken]:
    return list(db.scalars(select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.id.desc())))


def create_token(
    db: Session, *, user: User, name: str, scope: str, expires_in_days: int | None
) -> tuple[ApiToken, str]:
    """A row, and the token that only the caller will ever see."""
    token = f"scl_{secrets.token_urlsafe(32)}"
    expires_at = None if expires_in_days is None else now() + timedelta(days=expires_in_days)
    row = ApiToken(
        user_id=user.id,
        name=name,
        scope=scope,
        token_hash=digest(token),
        hint=token[-4:],
        expires_at=expires_at,
    )
    db.add(row)
    db.flush()
    record_deed(db, "create_token", by=user, detail={"name": name, "scope": scope})
    return row, token


def revoke_token(db: Session, *, user: User, token_id: int) -> None:
    """Raises ``NotFound`` for a token that is not the user's own."""
    own = (ApiToken.id == token_id, ApiToken.user_id == user.id)
    name = db.scalar(delete(ApiToken).where(*own).returning(ApiToken.name))
    if name is None:
        raise NotFound.of("token", token_id)
    record_deed(db, "revoke_token", by=user, detail={"name": name})


def renew_local_token(db: Session, *, user: User) -> str:
    """The token of this machine's own command line; the one of the last start is revoked."""
    name = "command line on this machine"
    db.execute(delete(ApiToken).where(ApiToken.user_id == user.id, ApiToken.name == name))
    return create_token(db, user=user, name=name, scope="write", expires_in_days=None)[1]
