"""The schema's history: from empty, twice, by many at once, and never backwards."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import httpx
import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from backend.db import open_engine
from backend.migrations import (
    MIGRATION_LOCK,
    NewerSchema,
    OlderSchema,
    bring_up,
    config,
    is_current,
    require_current,
    upgrade,
)
from backend.tables import Table
from worker.broker import free_port


@pytest.fixture(params=["sqlite", "postgresql"])
def own_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


def test_migrations_make_exactly_the_tables_that_the_code_knows(own_url: str) -> None:
    engine = open_engine(own_url)
    with engine.begin() as connection:
        command.check(config(connection))
    assert set(inspect(engine).get_table_names()) == {*Table.metadata.tables, "alembic_version"}
    assert is_current(engine)


def test_rollups_of_an_older_version_hold_all_of_its_points(tmp_path: Path) -> None:
    file = tmp_path / "older.db"
    engine = open_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        command.upgrade(config(connection), "0010_host_loads")
    with sqlite3.connect(file) as db:  # where no run needs to be there
        db.execute(
            "INSERT INTO series (run_id, key, num_points, first_step, last_step) VALUES (1, 'a', 2, 0, 9)"
        )
        point = "INSERT INTO points (id, series_id, step, epoch, time, value, attempt) VALUES (?, 1, ?, 0, 0, 1, 1)"
        db.executemany(point, [(7, 0), (8, 9)])
    upgrade(f"sqlite:///{file}")
    with engine.connect() as connection:
        row = connection.execute(text("SELECT num_unfolded, folded_to FROM series")).one()
    assert tuple(row) == (0, 8)
    engine.dispose()


def test_an_upgrade_may_be_repeated(own_url: str) -> None:
    upgrade(own_url)
    upgrade(own_url)
    assert is_current(open_engine(own_url))


def test_an_empty_database_is_not_current_until_it_is_upgraded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    assert not is_current(open_engine(url))
    upgrade(url)
    assert is_current(open_engine(url))


def test_processes_that_upgrade_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    failed: list[BaseException] = []

    def climb() -> None:
        try:
            upgrade(url)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread below
            failed.append(error)

    threads = [threading.Thread(target=climb) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert is_current(open_engine(url))


def test_who_upgrades_waits_for_the_one_who_does(postgres_url: str) -> None:
    age(postgres_url)
    engine = open_engine(postgres_url)
    threads = [threading.Thread(target=bring_up, args=[postgres_url]) for _ in range(2)]
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        for thread in threads:
            thread.start()
        until(lambda: waiting_for_a_lock(engine) == 2)
        assert not is_current(engine)
    for thread in threads:
        thread.join()
    assert is_current(engine)


def test_apis_that_start_at_once_bring_an_older_database_up_and_serve(
    postgres_url: str, tmp_path: Path
) -> None:
    age(postgres_url)
    with serving(postgres_url, tmp_path / "one") as one, serving(postgres_url, tmp_path / "two") as two:
        until(lambda: health(one) == health(two) == "ok", within_s=60)
    assert is_current(open_engine(postgres_url))


def test_an_api_refuses_to_serve_a_database_of_a_newer_version(own_url: str, tmp_path: Path) -> None:
    with open_engine(own_url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    done = subprocess.run(serve(free_port()), env=environment(own_url, tmp_path), text=True, stderr=PIPE)
    assert done.returncode == 1
    assert done.stderr.startswith("The API cannot start. The database has schema 9999, which this version")
    assert "update SCE Lab" in done.stderr
    assert "Traceback" not in done.stderr


def age(url: str) -> None:
    """As the first version left it."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        command.upgrade(config(connection), "0001")
    assert not is_current(engine)


def waiting_for_a_lock(engine: Engine) -> int:
    asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
    with engine.connect() as connection:
        mine = "(SELECT oid FROM pg_database WHERE datname = current_database())"
        return int(connection.execute(text(asked + mine)).scalar_one())


def serve(port: int) -> list[str]:
    app = "backend.main:create_app_from_env"
    return [sys.executable, "-m", "uvicorn", "--factory", app, "--host", "127.0.0.1", "--port", str(port)]


def environment(url: str, home: Path) -> dict[str, str]:
    return {**os.environ, "SCELAB_DATABASE_URL": url, "SCELAB_HOME": str(home)}


@contextmanager
def serving(url: str, home: Path) -> Iterator[int]:
    """The port of an API of its own process."""
    port = free_port()
    with subprocess.Popen(serve(port), env=environment(url, home)) as process:
        try:
            yield port
        finally:
            process.terminate()


def health(port: int) -> str:
    try:
        return str(httpx.get(f"http://127.0.0.1:{port}/api/v1/health").json()["database"])
    except httpx.TransportError:
        return "not yet"


def until(is_true: Callable[[], bool], *, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_schema_of_a_newer_version_is_refused_with_the_remedy(own_url: str) -> None:
    engine = open_engine(own_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerSchema, match=r"schema 9999.*update SCE Lab"):
        upgrade(own_url)


@pytest.mark.parametrize(("revision", "refusal"), [("9999", NewerSchema), ("0001", OlderSchema)])
def test_who_only_uses_the_database_refuses_the_schema_of_another_version(
    revision: str, refusal: type[Exception], own_url: str
) -> None:
    engine = open_engine(own_url)
    require_current(engine)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    with pytest.raises(refusal, match=rf"has schema {revision}, which .*(update SCE Lab|bring it up with)"):
        require_current(engine)


def test_a_database_that_no_migration_made_is_left_to_its_maker(tmp_path: Path) -> None:
    require_current(open_engine(f"sqlite:///{tmp_path}/new.db"))
