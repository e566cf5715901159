"""A backup is of one moment, whatever is written meanwhile; a restore changes all or nothing."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from makers import Lab
from sqlalchemy import text

from backend.backup import BackupFailed, back_up, put_back
from backend.db import open_engine
from backend.errors import Invalid
from backend.migrations import NewerSchema
from backend.settings import Settings
from worker import restore


@pytest.fixture(params=["sqlite", "postgresql"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    from backend.db import open_sessions

    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    home = tmp_path / "home"
    home.mkdir()
    engine = open_engine(url)
    yield Lab(open_sessions(engine), Settings(home=home, database_url=url), [])
    engine.dispose()


def num_runs(lab: Lab) -> int:
    engine = open_engine(lab.settings.database)
    with engine.connect() as connection:
        count = connection.scalar(text("SELECT count(*) FROM runs"))
    engine.dispose()
    return int(count or 0)


def close(lab: Lab) -> None:
    """Nobody uses the database any more."""
    lab.sessions.kw["bind"].dispose()


def test_what_was_backed_up_comes_back_and_what_was_there_is_kept(lab: Lab, tmp_path: Path) -> None:
    lab.runs(3)
    file = back_up(lab.settings, tmp_path / "monday.backup")
    lab.runs(2)
    assert num_runs(lab) == 5
    close(lab)
    put_back(lab.settings, file, aside=tmp_path / "aside")
    assert num_runs(lab) == 3
    put_back(lab.settings, tmp_path / "aside", aside=tmp_path / "aside again")
    assert num_runs(lab) == 5


def test_a_backup_is_of_one_moment_while_others_write(lab: Lab, tmp_path: Path) -> None:
    """Two rows are always written together: a copy that holds one of them is no copy."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            lab.runs(2)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        files = [back_up(lab.settings, tmp_path / f"{number}.backup") for number in range(3)]
    finally:
        over.set()
        writer.join()
    close(lab)
    for number, file in enumerate(files):
        put_back(lab.settings, file, aside=tmp_path / f"aside {number}")
        assert num_runs(lab) % 2 == 0


def test_a_file_that_is_there_is_never_written_over(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("mine")
    with pytest.raises(BackupFailed, match="is there already"):
        back_up(lab.settings, file)
    assert file.read_text() == "mine"


def test_a_failed_backup_leaves_no_part(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql+psycopg://sce@/none?host=/nowhere")
    with pytest.raises(BackupFailed, match="pg_dump failed"):
        back_up(settings, tmp_path / "backups" / "one")
    assert list((tmp_path / "backups").iterdir()) == []


def test_what_is_no_backup_changes_nothing(lab: Lab, tmp_path: Path) -> None:
    lab.runs(1)
    (tmp_path / "notes.txt").write_text("no backup")
    for file, words in (
        (tmp_path / "notes.txt", "is no backup of a"),
        (tmp_path / "none", "There is no backup"),
    ):
        with pytest.raises(Invalid, match=words):
            put_back(lab.settings, file, aside=tmp_path / "aside")
    assert num_runs(lab) == 1
    assert not (tmp_path / "aside").exists()


def test_a_torn_backup_is_refused(tmp_path: Path, sqlite_url: str) -> None:
    settings = Settings(home=tmp_path, database_url=sqlite_url)
    file = back_up(settings, tmp_path / "whole")
    torn = tmp_path / "torn"
    torn.write_bytes(file.read_bytes()[:-8192])
    with pytest.raises(BackupFailed, match="is damaged"):
        put_back(settings, torn, aside=tmp_path / "aside")


def test_a_damaged_record_can_be_replaced(tmp_path: Path, sqlite_url: str) -> None:
    settings = Settings(home=tmp_path, database_url=sqlite_url)
    file = back_up(settings, tmp_path / "whole")
    record = Path(sqlite_url.removeprefix("sqlite:///"))
    record.write_bytes(b"spoiled")
    put_back(settings, file, aside=tmp_path / "aside")
    assert (tmp_path / "aside").read_bytes() == b"spoiled"
    with sqlite3.connect(record) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# -- the command


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SCELAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCELAB_DATABASE_URL", sqlite_url)
    return Settings()


def test_a_restore_says_what_it_did(
    here: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = back_up(here, tmp_path / "one")
    assert restore.main([str(file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        f"{file} is the record now. What was there before is kept as {here.home}/before-restore-"
    )


def test_a_restore_under_a_running_platform_is_refused(
    here: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from worker.ground import claim_home

    file = back_up(here, tmp_path / "one")
    with claim_home(here.home):
        assert restore.main([str(file)]) == 1
    assert "SCE Lab already runs on" in capsys.readouterr().err


def test_a_restore_under_a_worker_of_another_host_is_refused(
    here: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from backend.db import open_sessions

    engine = open_engine(here.database)
    Lab(open_sessions(engine), here, []).host("gpu-7")
    engine.dispose()
    file = back_up(here, tmp_path / "one")
    assert restore.main([str(file)]) == 1
    assert "Workers of gpu-7 use this database" in capsys.readouterr().err


def test_a_backup_of_a_newer_version_is_taken_out_again(
    here: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = back_up(here, tmp_path / "newer")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert restore.main([str(file)]) == 1
    assert str(NewerSchema("9999")).split(",")[0] in capsys.readouterr().err
    with sqlite3.connect(here.database.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() != ("9999",)
