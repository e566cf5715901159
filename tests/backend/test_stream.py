"""Live changes over HTTP, from a server of its own: soon, without gaps, and never in its way when it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from backend.db import open_engine, open_sessions
from backend.migrations import upgrade
from backend.people import service as people
from backend.settings import Settings
from backend.stream.feed import STREAMS_PER_USER
from backend.stream.service import newest_cursor, tell
from backend.stream.tables import Change


@dataclass
class Server:
    url: str
    token: str
    process: subprocess.Popen[bytes]
    sessions: sessionmaker[Session]

    def change(self, subject_id: int) -> None:
        with self.sessions.begin() as db:
            tell(db, "run", subject_id)

    def stream(self, **headers: str) -> "Stream":
        return Stream(self.url, {"Authorization": f"Bearer {self.token}", **headers})


class Stream:
    """An open stream; ``next`` reads one message, which may be a comment."""

    def __init__(self, url: str, headers: dict[str, str], path: str = "/api/v1/stream") -> None:
        self._client = httpx.Client(timeout=20, trust_env=False)
        request = self._client.build_request("GET", url + path, headers=headers)
        self.response = self._client.send(request, stream=True)
        self._lines = self.response.iter_lines()

    def next(self) -> dict[str, str]:
        message: dict[str, str] = {}
        for line in self._lines:
            if not line:
                return message
            name, _, value = line.partition(":")
            message[name] = value.strip()
        return {"ended": ""}

    def subject(self) -> int:
        found: int = json.loads(self.next()["data"])["subject_id"]
        return found

    def close(self) -> None:
        self.response.close()
        self._client.close()


def wait_until_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    gives_up_at = time.monotonic() + 30
    while time.monotonic() < gives_up_at:
        assert process.poll() is None, "the server did not start"
        try:
            httpx.get(f"{url}/api/v1/health", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server does not answer")


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(home=home)
    upgrade(settings.database)
    engine = open_engine(settings.database)
    sessions = open_sessions(engine)
    with sessions.begin() as db:
        token = people.renew_local_token(db, user=people.ensure_administrator(db, settings))
    serve = ["-m", "uvicorn", "--factory", "backend.main:create_app_from_env", "--port", str(port)]
    env = {**os.environ, "SCELAB_HOME": str(home), "SCELAB_PORT": str(port)}
    process = subprocess.Popen([sys.executable, *serve, "--log-level", "warning"], env=env)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_answers(url, process)
        yield Server(url, token, process, sessions)
    finally:
        process.kill()
        process.wait()
        engine.dispose()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for the whole file."""
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server


def test_a_change_arrives_within_half_a_second_of_its_commit(server: Server) -> None:
    stream = server.stream()
    first = stream.next()
    assert first["retry"] == "1000"
    assert "data" not in first
    took_s = []
    for subject_id in range(1, 6):
        time.sleep(0.07)
        began = time.monotonic()
        server.change(subject_id)
        assert stream.subject() == subject_id
        took_s.append(time.monotonic() - began)
    stream.close()
    assert max(took_s) < 0.5, took_s


def test_who_comes_back_gets_what_it_missed(server: Server) -> None:
    stream = server.stream()
    cursor = stream.next()["id"]
    stream.close()
    server.change(7)
    server.change(8)
    again = server.stream(**{"Last-Event-ID": cursor})
    again.next()
    assert [again.subject(), again.subject()] == [7, 8]
    again.close()


def test_without_a_cursor_the_past_is_past(server: Server) -> None:
    server.change(1)
    stream = server.stream()
    stream.next()
    server.change(2)
    assert stream.subject() == 2
    stream.close()


def test_who_was_away_too_long_is_told_of_the_gap(server: Server) -> None:
    for subject_id in range(1, 5):
        server.change(subject_id)
    with server.sessions.begin() as db:
        newest = newest_cursor(db)
        db.query(Change).filter(Change.id < newest).delete()
    stream = server.stream(**{"Last-Event-ID": str(newest - 3)})
    stream.next()
    assert stream.next()["event"] == "gap"
    assert stream.subject() == 4
    stream.close()


def test_a_cursor_of_another_database_is_a_gap_and_the_page_lives_on(server: Server) -> None:
    """A database that was put back, or made anew, counts from the beginning again."""
    with server.sessions() as db:
        newest = newest_cursor(db)
    stream = server.stream(**{"Last-Event-ID": str(newest + 5000)})
    first = stream.next()
    assert (first["id"], stream.next()["event"]) == (str(newest), "gap")
    server.change(8)
    assert stream.subject() == 8
    stream.close()


def test_a_user_follows_only_so_many_pages_and_others_still_get_answers(server: Server) -> None:
    streams = [server.stream() for _ in range(STREAMS_PER_USER)]
    for stream in streams:
        stream.next()
    refused = server.stream()
    assert refused.response.status_code == 429
    assert "close some" in json.loads(refused.response.read())["detail"]
    began = time.monotonic()
    hosts = httpx.get(
        f"{server.url}/api/v1/hosts", headers={"Authorization": f"Bearer {server.token}"}, trust_env=False
    )
    assert hosts.status_code == 200
    assert time.monotonic() - began < 2
    for stream in [*streams, refused]:
        stream.close()


def test_a_closed_page_makes_room(server: Server) -> None:
    for _ in range(STREAMS_PER_USER):
        stream = server.stream()
        stream.next()
        stream.close()
    server.change(1)
    time.sleep(1)
    last = server.stream()
    assert last.response.status_code == 200
    last.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_do_not_hold_up_the_servers_end(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as server:
        stream = server.stream()
        stream.next()
        began = time.monotonic()
        server.process.send_signal(number)
        assert stream.next() == {"ended": ""}
        server.process.wait(timeout=10)
        assert time.monotonic() - began < 5
        stream.close()


def test_without_a_login_there_is_no_stream(server: Server) -> None:
    stream = Stream(server.url, {})
    assert stream.response.status_code == 401
    stream.close()


def test_a_strange_cursor_is_refused(server: Server) -> None:
    stream = server.stream(**{"Last-Event-ID": "9" * 30})
    assert stream.response.status_code == 422
    stream.close()
