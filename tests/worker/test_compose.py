"""The compose file, checked by use: each service's own command runs on a real PostgreSQL and a real Redis."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import yaml

from tests.backend import postgres
from tests.worker.conftest import eventually
from worker.broker import free_port
from worker.children import end

HOUSE = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
CHOSEN = {
    "SCELAB_ADMIN_PASSWORD": "a long enough one",
    "POSTGRES_PASSWORD": "abc123",
    "REDIS_PASSWORD": "def456",
    "SCELAB_DATA": "/srv/data",
}


def filled(text: str, given: Mapping[str, str]) -> str:
    """The text with its variables, as compose fills them in."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if kind == "?" and not given.get(name):
            raise KeyError(rest)
        return given.get(name) or (rest if kind == "-" else "")

    return VARIABLE.sub(value, text)


def services(given: Mapping[str, str] = CHOSEN) -> dict[str, Any]:
    text = filled((HOUSE / "docker-compose.yml").read_text(), given)
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def environment_of(service: Mapping[str, Any], **changed: str) -> dict[str, str]:
    """What the service sees, with this machine's places in the place of the containers'."""
    seen = {name: str(text) for name, text in service["environment"].items()}
    return {"PATH": os.environ["PATH"], **seen, **changed}


def python(command: list[str]) -> list[str]:
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


def image_command() -> list[str]:
    """What the image runs where a service names no command of its own."""
    line = next(
        line for line in (HOUSE / "deploy/Dockerfile").read_text().splitlines() if line.startswith("CMD")
    )
    found: list[str] = yaml.safe_load(line.removeprefix("CMD "))
    return found


@contextmanager
def process(command: list[str], env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, env=env, cwd=HOUSE, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield started
    finally:
        end(started)


@contextmanager
def redis_of(service: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """The service's own command line, on a free port of this machine."""
    if shutil.which("redis-server") is None:
        pytest.fail("this test needs redis-server: make test-tools")
    port, password = free_port(), CHOSEN["REDIS_PASSWORD"]
    command = [*service["command"], "--port", str(port), "--dir", str(folder)]
    with process(command, dict(os.environ), folder / "redis.log"):
        with pytest.raises(redis.exceptions.AuthenticationError), redis.Redis(port=port) as stranger:
            eventually(lambda: answers(stranger))
        yield f"redis://:{password}@127.0.0.1:{port}/0"


def answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.exceptions.AuthenticationError:
        raise
    except redis.exceptions.ConnectionError:
        return False


def test_every_service_comes_up_by_its_own_command(tmp_path: Path) -> None:
    bin_dir = postgres.binaries()
    if bin_dir is None:
        pytest.fail("this test needs PostgreSQL: make test-tools")
    asked = services()
    with ExitStack() as stack:
        folder = stack.enter_context(postgres.cluster(bin_dir))
        here = {
            "SCELAB_DATABASE_URL": postgres.url_of(folder, "postgres"),
            "SCELAB_BROKER_URL": stack.enter_context(redis_of(asked["redis"], tmp_path)),
            "SCELAB_HOME": str(tmp_path / "home"),
        }
        subprocess.run(
            python(asked["migrate"]["command"]),
            env=environment_of(asked["migrate"], **here),
            cwd=HOUSE,
            check=True,
        )
        port = str(free_port())
        serve = [port if part == "8265" else part for part in python(image_command())]
        stack.enter_context(
            process(serve, environment_of(asked["api"], **here), tmp_path / "api.log"),
        )
        work = python(asked["worker"]["command"])
        stack.enter_context(
            process(work, environment_of(asked["worker"], **here), tmp_path / "worker.log"),
        )
        health = eventually(lambda: everything_answers(f"http://127.0.0.1:{port}"), within_s=60)
        assert (health["database"], health["broker"], health["hosts_online"]) == ("ok", "ok", 1)


def everything_answers(url: str) -> dict[str, Any] | None:
    try:
        health: dict[str, Any] = httpx.get(f"{url}/api/v1/health").json()
    except httpx.TransportError:
        return None
    return health if health["hosts_online"] else None


@pytest.mark.parametrize("name", CHOSEN)
def test_there_is_no_default_for_what_must_be_chosen(name: str) -> None:
    given = {key: value for key, value in CHOSEN.items() if key != name}
    with pytest.raises(KeyError, match=f"set {name} in .env"):
        services(given)


def test_the_example_of_an_environment_names_every_variable() -> None:
    asked = {found[0] for found in VARIABLE.findall((HOUSE / "docker-compose.yml").read_text())}
    lines = (HOUSE / "deploy/env.example").read_text().splitlines()
    assert {line.partition("=")[0] for line in lines if not line.startswith("#")} == asked


def test_nothing_is_published_but_the_page_and_that_on_the_loopback() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8265:8265"]}


def test_two_workers_never_share_a_name_and_a_host_keeps_its_own() -> None:
    worker = services({**CHOSEN, "SCELAB_WORKER_NAME": "gpu1"})["worker"]
    assert (worker["hostname"], worker["container_name"]) == ("gpu1", "scelab-worker-gpu1")


def test_the_gpu_file_changes_a_service_that_there_is() -> None:
    changed = yaml.safe_load((HOUSE / "deploy/gpu.yml").read_text())["services"]
    assert changed.keys() <= services().keys()


def test_the_image_copies_what_is_there() -> None:
    lines = (HOUSE / "deploy/Dockerfile").read_text().splitlines()
    sources = [
        part
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for part in line.split()[1:-1]
    ]
    assert sources
    assert [source for source in sources if not (HOUSE / source).exists()] == []
