"""The schema's history: from empty, twice, by many at once, and never backwards."""

import threading
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text

from backend.db import open_engine
from backend.migrations import NewerSchema, OlderSchema, config, is_current, require_current, upgrade
from backend.tables import Table


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
