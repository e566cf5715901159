"""A database that cannot be used is one sentence: what is in the way, what helps, and no password."""

import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, make_url, text

from backend.db import open_engine
from backend.errors import Away, Invalid
from backend.migrations import upgrade
from backend.migrations.__main__ import main
from backend.trouble import usable_database, why_unusable

AT_A_SERVER = make_url("postgresql+psycopg://lab:topsecret@db/lab")
IN_A_FILE = make_url("sqlite:////srv/lab/scelab.db")


@pytest.mark.parametrize(
    ("url", "reason", "remedy"),
    [
        (AT_A_SERVER, "Connection refused", "start its server, or correct SCELAB_DATABASE_URL"),
        (AT_A_SERVER, 'could not extend file "base/5": No space left on device', "make room on its disk"),
        (AT_A_SERVER, 'relation "host" does not exist', "python -m backend.migrations"),
        (AT_A_SERVER, 'database "lab" does not exist', "correct SCELAB_DATABASE_URL"),
        (IN_A_FILE, "database or disk is full", "make room on its disk"),
        (IN_A_FILE, "file is not a database", "move it aside"),
        (IN_A_FILE, "database disk image is malformed", "move it aside"),
        (IN_A_FILE, "no such table: host", "python -m backend.migrations"),
        (IN_A_FILE, "unable to open database file", "make its folder writable"),
        (IN_A_FILE, "attempt to write a readonly database", "make its folder writable"),
    ],
)
def test_each_trouble_has_its_remedy(url: URL, reason: str, remedy: str) -> None:
    sentence = why_unusable(url, reason)
    assert remedy in sentence
    assert reason in sentence
    assert "topsecret" not in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("url", ["nonsense", "nosuch+driver://x/y", "oracle+nosuch://x"])
def test_what_is_no_address_is_told_with_one_that_is(url: str) -> None:
    with pytest.raises(Invalid, match=r"postgresql\+psycopg://USER:PASSWORD@HOST/NAME"), usable_database(url):
        open_engine(url).connect()


def test_a_server_that_is_away_is_one_line_without_its_password() -> None:
    url = "postgresql+psycopg://lab:topsecret@127.0.0.1:1/lab"
    with pytest.raises(Away) as caught, usable_database(url):
        upgrade(url)
    assert "Connection refused" in caught.value.detail
    assert "\n" not in caught.value.detail
    assert "topsecret" not in caught.value.detail


def test_a_damaged_file_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "scelab.db"
    file.write_bytes(damage := os.urandom(8000))
    with pytest.raises(Away, match="not a database"), usable_database(f"sqlite:///{file}"):
        upgrade(f"sqlite:///{file}")
    assert file.read_bytes() == damage


def test_a_full_disk_is_told_and_the_half_made_schema_is_taken_back(tmp_path: Path) -> None:
    """SQLite's own limit stands for the disk's."""
    url = f"sqlite:///{tmp_path}/scelab.db"
    engine = open_engine(url)
    with pytest.raises(Away, match="make room on its disk"), usable_database(url):
        fill(engine)
    with engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0


def fill(engine: Engine) -> None:
    with engine.begin() as db:
        db.execute(text("PRAGMA max_page_count = 4"))
        for number in range(20):
            db.execute(text(f"CREATE TABLE t{number} (a)"))


def test_our_own_mistake_is_not_called_trouble() -> None:
    with pytest.raises(KeyError), usable_database("sqlite://"):
        raise KeyError("ours")


def test_the_migration_command_makes_the_schema_and_may_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCELAB_HOME", str(tmp_path / "new" / "home"))
    monkeypatch.delenv("SCELAB_DATABASE_URL", raising=False)
    assert [main(), main()] == [0, 0]
    with sqlite3.connect(tmp_path / "new" / "home" / "scelab.db") as db:
        assert db.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    assert capsys.readouterr().err == ""


def test_the_migration_command_says_what_is_in_its_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCELAB_DATABASE_URL", "postgresql+psycopg://lab@127.0.0.1:1/lab")
    assert main() == 1
    assert "start its server" in capsys.readouterr().err
