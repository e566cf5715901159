"""A migrated database for each test, on SQLite and on PostgreSQL, and what a laboratory starts with."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from edge_fixtures import URL
from makers import Lab as RecordLab
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from backend.db import open_engine, open_sessions
from backend.main import create_app
from backend.migrations import upgrade
from backend.people import service as people
from backend.settings import Settings
from backend.tables import Table


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    bin_dir = postgres.binaries()
    if bin_dir is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres.cluster(bin_dir) as socket:
        upgrade(_database(socket, "base", template="template1"))
        yield socket


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "base.db"
    upgrade(f"sqlite:///{file}")
    return file


def _database(socket: str, name: str, *, template: str) -> str:
    engine = create_engine(postgres.url_of(socket, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    engine.dispose()
    return postgres.url_of(socket, name)


@pytest.fixture
def postgres_url(postgres_socket: str) -> str:
    """A migrated PostgreSQL database of its own."""
    return _database(postgres_socket, f"t{uuid.uuid4().hex}", template="base")


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_socket: str) -> str:
    return _database(postgres_socket, "shared", template="base")


@pytest.fixture
def emptied_postgres_url(shared_postgres_url: str) -> str:
    """A migrated PostgreSQL database without a row: emptying one takes a fraction of making one."""
    engine = create_engine(shared_postgres_url)
    with engine.begin() as connection:
        names = ", ".join(f'"{name}"' for name in Table.metadata.tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return shared_postgres_url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of its own."""
    shutil.copy(sqlite_template, tmp_path / "record.db")
    return f"sqlite:///{tmp_path}/record.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The same test on both databases."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "emptied_postgres_url")
    return url


@pytest.fixture
def record(database_url: str, tmp_path: Path) -> Iterator[RecordLab]:
    """An empty laboratory with one user, on either database."""
    settings = Settings(home=tmp_path / "home", data_roots=(tmp_path,), database_url=database_url)
    engine = open_engine(database_url)
    nudges: list[tuple[str, tuple[int, ...]]] = []
    sessions = open_sessions(engine, lambda name, args: nudges.append((name, args)))
    yield RecordLab(sessions, settings, nudges)
    engine.dispose()


@pytest.fixture
def rest(record: RecordLab) -> Iterator[TestClient]:
    """The same laboratory over HTTP, on either database, as its administrator."""
    app = create_app(record.settings)
    with app.state.sessions.begin() as db:
        by = people.ensure_administrator(db, record.settings)
        token = people.create_token(db, user=by, name="test", scope="write", expires_in_days=None)[1]
    headers = {"Authorization": f"Bearer {token}"}
    yield TestClient(app, base_url=f"{URL}/api/v1", headers=headers, raise_server_exceptions=False)
    app.state.engine.dispose()
