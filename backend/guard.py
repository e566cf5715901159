"""What every request passes before any route: the host it names, the page it comes from, and our headers.

A name that an attacker's domain resolves to us (DNS rebinding), or another site's form (CSRF), ends here.
"""

import json
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.settings import Settings, is_loopback

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the widgets set styles on their elements
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

MAX_BODY_BYTES = 2_000_000
TOO_LARGE = "The request is larger than 2 MB: send less at a time."
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": 80, "https": 443}


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Names that this server may be asked under, without port."""
    names = {"localhost", "127.0.0.1", "::1", settings.host.strip("[]"), *settings.allowed_hosts}
    if not is_loopback(settings.host):
        names |= {socket.gethostname(), socket.getfqdn()}
    return frozenset(name.lower() for name in names if name)


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, and sets the security headers."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = refuse(scope["method"], Headers(scope=scope), self.hosts)
        if refusal is None:
            await self.app(scope, _limited(receive), send_guarded)
        else:
            await _answer(send_guarded, *refusal)


def refuse(method: str, headers: Headers, hosts: frozenset[str]) -> tuple[int, str] | None:
    """Why a request is turned away at the door, as a status and a sentence; None when it may pass."""
    host = headers.get("host", "")
    if _hostname(host) not in hosts:
        return (
            421,
            f"This server does not answer to the host {host[:100]!r}: name it in SCELAB_ALLOWED_HOSTS.",
        )
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        return 400, "The Content-Length is no number."
    if len(length) > 18 or int(length) > MAX_BODY_BYTES:
        return 413, TOO_LARGE
    if method in SAFE_METHODS:
        return None
    origin = headers.get("origin")
    if origin is not None and not _is_same(origin, host):
        return 403, "Another site may not change anything here."
    if origin is None and headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return 403, "Another site may not change anything here."
    return None


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname if host and not set(host) & set("/?#@\\") else None
    except ValueError:  # an address in brackets that is none
        return None


def _is_same(origin: str, host: str) -> bool:
    """Whether an Origin is the very host and port that was asked; "null" is nobody's."""
    try:
        said = urlsplit(origin)
        asked = urlsplit(f"{said.scheme}://{host}")
        if said.scheme not in DEFAULT_PORTS:
            return False
        port = DEFAULT_PORTS[said.scheme]
        return (said.hostname, said.port or port) == (asked.hostname, asked.port or port)
    except ValueError:  # a port that is none
        return False


def _limited(receive: Receive) -> Receive:
    """A body that never says how long it is gets no further either."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise HTTPException(413, TOO_LARGE)
        return message

    return receive_limited


async def _answer(send: Send, status: int, detail: str) -> None:
    title = HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "fields": []}
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
