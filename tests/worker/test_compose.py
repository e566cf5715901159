"""The compose file, checked by use: each service's own command runs on a real PostgreSQL and a real Redis."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
CHOSEN = {"SCELAB_DATA": "/srv/data", "COMPOSE_PROFILES": "cpu"}


def filled(text: str, given: Mapping[str, str]) -> str:
    """The text with its variables, as compose fills them in."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if kind == "?" and not given.get(name):
            raise KeyError(rest)
        return given.get(name) or (rest if kind == "-" else "")

    return VARIABLE.sub(value, text)


def compose(given: Mapping[str, str] = CHOSEN) -> dict[str, Any]:
    text = filled((HOUSE / "docker-compose.yml").read_text().replace("$$", "$"), given)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def services(given: Mapping[str, str] = CHOSEN) -> dict[str, Any]:
    found: dict[str, Any] = compose(given)["services"]
    return found


def environment_of(service: Mapping[str, Any], **changed: str) -> dict[str, str]:
    """What the service sees, with this machine's places in the place of the containers'."""
    seen = {name: str(text) for name, text in service["environment"].items()}
    return {"PATH": os.environ["PATH"], **seen, **changed}


def here(command: list[str], places: Mapping[str, str]) -> list[str]:
    """The command with this machine's places, and our own Python for the container's."""
    words = [sys.executable if word == "python" else word for word in command]
    for there, place in places.items():
        words = [word.replace(there, place) for word in words]
    return words


def checked(service: Mapping[str, Any], env: Mapping[str, str], places: Mapping[str, str]) -> bool:
    """Whether the service's own health check is content."""
    kind, *words = service["healthcheck"]["test"]
    command = here(["sh", "-c", *words] if kind == "CMD-SHELL" else words, places)
    return subprocess.run(command, env=env, cwd=HOUSE, capture_output=True, check=False).returncode == 0


def make_secrets(folder: Path) -> Path:
    """By the deployment's own script, named as compose mounts them."""
    subprocess.run([HOUSE / "deploy/make-secrets", folder], check=True, capture_output=True)
    for name in ("admin", "database", "broker"):
        (folder / f"{name}_password").rename(folder / f"scelab_{name}_password")
    return folder


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


@dataclass
class Server:
    """This machine, as the services of the file find theirs."""

    asked: dict[str, Any]
    folder: Path
    secrets: Path
    database: str
    redis_port: str
    api_port: str
    stack: ExitStack

    @property
    def places(self) -> dict[str, str]:
        return {
            "/run/secrets": str(self.secrets),
            "--dir /data": f"--dir {self.folder} --port {self.redis_port}",
            "redis-cli": f"redis-cli -p {self.redis_port}",
            "8265": self.api_port,
        }

    def env(self, name: str) -> dict[str, str]:
        if name in ("db", "redis"):
            return {"PATH": os.environ["PATH"], "PGHOST": self.database}
        url = self.asked[name]["environment"]["SCELAB_BROKER_URL"]
        changed = {
            "SCELAB_SECRETS_DIR": str(self.secrets),
            "SCELAB_DATABASE_URL": postgres.url_of(self.database, "postgres"),
            "SCELAB_BROKER_URL": url.replace("redis:6379", f"127.0.0.1:{self.redis_port}"),
            "SCELAB_HOME": str(self.folder / "home"),
        }
        return environment_of(self.asked[name], **changed)

    def start(self, name: str) -> None:
        command = here(self.asked[name].get("command") or image_command(), self.places)
        self.stack.enter_context(process(command, self.env(name), self.folder / f"{name}.log"))

    def is_well(self, name: str) -> bool:
        return checked(self.asked[name], self.env(name), self.places)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    bin_dir = postgres.binaries()
    if bin_dir is None or shutil.which("redis-server") is None:
        pytest.fail("this test needs PostgreSQL and redis-server: make test-tools")
    with ExitStack() as stack:
        database = stack.enter_context(postgres.cluster(bin_dir))
        secrets, ports = make_secrets(tmp_path / "secrets"), (str(free_port()), str(free_port()))
        yield Server(services(), tmp_path, secrets, database, *ports, stack)


def test_every_service_comes_up_by_its_own_command_and_its_own_check_says_so(server: Server) -> None:
    assert server.is_well("db")
    assert not server.is_well("redis")
    server.start("redis")
    eventually(lambda: server.is_well("redis"))
    with (
        pytest.raises(redis.exceptions.AuthenticationError),
        redis.Redis(port=int(server.redis_port)) as stranger,
    ):
        stranger.ping()
    migrate = here(server.asked["migrate"]["command"], server.places)
    subprocess.run(migrate, env=server.env("migrate"), cwd=HOUSE, check=True)
    for name in ("api", "worker"):
        assert not server.is_well(name)
        server.start(name)
    eventually(lambda: server.is_well("api") and server.is_well("worker"), within_s=60)
    health = eventually(lambda: everything_answers(f"http://127.0.0.1:{server.api_port}"), within_s=60)
    assert (health["database"], health["broker"], health["hosts_online"]) == ("ok", "ok", 1)
    password = (server.secrets / "scelab_admin_password").read_text()
    credentials = {"name": "admin", "password": password}
    answer = httpx.post(f"http://127.0.0.1:{server.api_port}/api/v1/session", json=credentials)
    assert answer.status_code == 200, answer.text


def everything_answers(url: str) -> dict[str, Any] | None:
    try:
        health: dict[str, Any] = httpx.get(f"{url}/api/v1/health").json()
    except httpx.TransportError:
        return None
    return health if health["hosts_online"] else None


def test_the_data_folder_has_no_default() -> None:
    with pytest.raises(KeyError, match=r"set SCELAB_DATA in .env"):
        services({})


def test_every_password_is_a_file_that_nothing_but_the_script_writes(tmp_path: Path) -> None:
    files = [about["file"] for about in compose()["secrets"].values()]
    subprocess.run([HOUSE / "deploy/make-secrets", tmp_path / "secrets"], check=True, capture_output=True)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert sorted(f"deploy/secrets/{name}" for name in made) == sorted(files)
    assert len(set(made.values())) == len(made)
    assert min(map(len, made.values())) >= 32
    subprocess.run([HOUSE / "deploy/make-secrets", tmp_path / "secrets"], check=True, capture_output=True)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == made
    kept_out = [(HOUSE / name).read_text().split() for name in (".gitignore", ".dockerignore")]
    assert ["deploy/secrets/" in kept_out[0], "deploy/secrets" in kept_out[1]] == [True, True]
    text = (HOUSE / "docker-compose.yml").read_text()
    assert not re.search(r"PASSWORD: |requirepass (?!\$\$\(cat )", text)


def test_the_file_is_what_the_compose_specification_allows() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [check, "--builtin-schema", "vendor.compose-spec", HOUSE / "docker-compose.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_image_has_nothing_that_hadolint_would_change_and_does_not_run_as_root() -> None:
    file = HOUSE / "deploy/Dockerfile"
    lint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([lint, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    last = file.read_text().rpartition("FROM ")[2]
    assert "USER 1000" in last
    assert "npm" not in last, "what built it stays behind"


@pytest.mark.parametrize("name", ["db", "redis", "api", "worker", "worker-gpu"])
def test_what_lasts_is_checked_and_comes_back_by_itself(name: str) -> None:
    service = services()[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["interval"]


def test_a_machine_has_the_worker_of_its_profile_and_one_of_them_gets_the_gpus() -> None:
    asked = services()
    profiles = {name: service["profiles"] for name, service in asked.items() if "profiles" in service}
    assert profiles == {"worker": ["cpu"], "worker-gpu": ["gpu"]}
    assert "COMPOSE_PROFILES=cpu" in (HOUSE / "deploy/env.example").read_text().splitlines()
    gpu, cpu = asked["worker-gpu"], asked["worker"]
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"], device["capabilities"]) == ("nvidia", "all", ["gpu"])
    other = ("profiles", "deploy")
    assert {key: value for key, value in gpu.items() if key not in other} == {
        key: value for key, value in cpu.items() if key not in other
    }


def test_the_example_of_an_environment_names_every_variable() -> None:
    asked = {found[0] for found in VARIABLE.findall((HOUSE / "docker-compose.yml").read_text())}
    lines = (HOUSE / "deploy/env.example").read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if not line.startswith("#")}
    assert named == asked | {"COMPOSE_PROFILES"}


def test_nothing_is_published_but_the_page_and_that_on_the_loopback() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8265:8265"]}


def test_two_workers_never_share_a_name_and_a_host_keeps_its_own() -> None:
    worker = services({**CHOSEN, "SCELAB_WORKER_NAME": "gpu1"})["worker"]
    assert (worker["hostname"], worker["container_name"]) == ("gpu1", "scelab-worker-gpu1")


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
