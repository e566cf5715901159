"""Nobody comes in who should not: walked over every route there is."""

import re
from collections.abc import Iterator

import pytest
from edge_fixtures import URL, Lab
from fastapi.routing import iter_route_contexts

from backend.edge import OPEN, SAFE_METHODS
from backend.main import create_app
from backend.settings import Settings

pytest_plugins = ["edge_fixtures"]

OPEN_ON_PURPOSE = {
    ("GET", "/api/openapi.json"),
    ("HEAD", "/api/openapi.json"),
    ("GET", "/api/v1/health"),
    ("POST", "/api/v1/session"),
    ("GET", "/login"),
    ("HEAD", "/login"),
    ("GET", "/{path:path}"),
    ("HEAD", "/{path:path}"),
}
"""Changing this list is a decision; the test below makes it one."""


def every_route() -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(create_app(Settings()).routes):
        assert context.path is not None, f"{context.route} hides its routes from this test"
        for method in context.methods or {"GET"}:
            yield method, context.path


CLOSED = sorted(set(every_route()) - OPEN_ON_PURPOSE)
UNSAFE = [
    (method, path)
    for method, path in CLOSED
    if method not in SAFE_METHODS and path not in {"/api/v1/runs/preview", "/api/v1/session"}
]


def with_numbers(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "1", path)


def test_there_are_routes_to_walk() -> None:
    assert len(CLOSED) > 40


def test_the_open_list_is_the_one_we_decided_on() -> None:
    assert {route for route in OPEN if route[1] != "/{path:path}"} <= OPEN_ON_PURPOSE


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_a_login_every_other_route_is_closed(quiet_lab: Lab, method: str, path: str) -> None:
    answer = quiet_lab.client.request(method, with_numbers(path))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("who", [{"scope": "read"}, {"role": "viewer"}], ids=["read-token", "viewer"])
@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_who_may_only_read_changes_nothing(
    quiet_lab: Lab, who: dict[str, str], method: str, path: str
) -> None:
    answer = quiet_lab.as_(quiet_lab.token(**who)).request(method, with_numbers(path))
    assert answer.status_code == 403


# -- hosts, origins, sizes, headers


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:8265", "localhost@evil.example", "[::2]", ""],
)
def test_a_foreign_host_is_turned_away(quiet_lab: Lab, host: str) -> None:
    answer = quiet_lab.admin.get("/api/v1/session", headers={"Host": host})
    assert answer.status_code == 421
    assert "SCELAB_ALLOWED_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1:8265", "[::1]:8265", "LOCALHOST"])
def test_this_machines_own_names_are_welcome(quiet_lab: Lab, host: str) -> None:
    assert quiet_lab.admin.get("/api/v1/session", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:notaport"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_changes_nothing(lab: Lab, headers: dict[str, str]) -> None:
    answer = lab.admin.post("/api/v1/tokens", json={"name": "stolen"}, headers=headers)
    assert answer.status_code == 403
    assert not [token for token in lab.admin.get("/api/v1/tokens").json() if token["name"] == "stolen"]


def test_our_own_page_may_change_things(lab: Lab) -> None:
    headers = {"Origin": URL, "Sec-Fetch-Site": "same-origin"}
    assert lab.admin.post("/api/v1/tokens", json={"name": "mine"}, headers=headers).status_code == 201


def test_a_body_over_the_limit_is_refused_with_a_sentence(lab: Lab) -> None:
    answer = lab.admin.post("/api/v1/tokens", content=b" " * 2_000_001)
    assert answer.status_code == 413
    assert "2 MB" in answer.json()["detail"]


def test_a_body_that_hides_its_length_is_refused_too(lab: Lab) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b" " * 100_000] * 21

    answer = lab.admin.post("/api/v1/tokens", content=pieces())
    assert answer.status_code == 413
    assert "2 MB" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/session", "/api/v1/nothing", "/api/v1/health", "/assets/none.js"]
)
def test_every_answer_carries_the_security_headers(quiet_lab: Lab, path: str) -> None:
    headers = quiet_lab.client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "script-src 'self';" in headers["Content-Security-Policy"]


def test_what_the_api_says_is_never_cached(quiet_lab: Lab) -> None:
    assert quiet_lab.admin.get("/api/v1/tokens").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/../backend/main.py",
        "/%2e%2e/main.py",
        "/%252e%252e/main.py",
        "/..%2fmain.py",
        "/..%5cmain.py",
        "/assets/../../main.py",
        "/assets/..%2f..%2fmain.py",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/file:%2f%2f%2fetc%2fpasswd",
        "/assets/%00",
    ],
)
def test_no_address_leads_out_of_the_built_pages(quiet_lab: Lab, path: str) -> None:
    answer = quiet_lab.client.get(path)
    assert answer.status_code in {200, 404, 503}
    assert "root:" not in answer.text
    assert "create_app" not in answer.text


# -- where we listen


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.1.5", "lab.example", "::"])
def test_serving_other_machines_needs_a_password(host: str) -> None:
    with pytest.raises(ValueError, match="SCELAB_ADMIN_PASSWORD"):
        Settings(host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_serving_this_machine_needs_none(host: str) -> None:
    assert Settings(host=host).host == host


def test_a_short_password_is_no_password() -> None:
    with pytest.raises(ValueError, match="12 characters"):
        Settings(host="0.0.0.0", admin_password="password")


def test_the_document_hides_no_route_and_no_route_hides_from_it(quiet_lab: Lab) -> None:
    told = {
        (method.upper(), path)
        for path, operations in quiet_lab.client.get("/api/openapi.json").json()["paths"].items()
        for method in operations
    }
    assert told == {route for route in every_route() if route[1].startswith("/api/v1")}
