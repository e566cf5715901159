"""Passwords that come as files, and how they join the addresses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.settings import Settings, with_password

SHOW = "from backend.settings import Settings as S; s = S(); print(s.database, s.broker, s)"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("redis://redis:6379/0", "redis://:p%40%2F@redis:6379/0"),
        ("postgresql+psycopg://scelab@db/scelab", "postgresql+psycopg://scelab:p%40%2F@db/scelab"),
        ("redis://:given@redis:6379/0", "redis://:given@redis:6379/0"),
        ("sqlite:////home/scelab.db", "sqlite:////home/scelab.db"),
        ("", ""),
    ],
)
def test_a_password_joins_an_address_that_names_none_and_needs_one(address: str, expected: str) -> None:
    assert with_password(address, "p@/") == expected
    assert with_password(address, "") == address


def test_passwords_are_read_from_files_and_are_shown_by_nothing(tmp_path: Path) -> None:
    (tmp_path / "scelab_database_password").write_text("dbword\n")
    (tmp_path / "scelab_broker_password").write_text("brokerword\n")
    env = {name: text for name, text in os.environ.items() if not name.startswith("SCELAB_")} | {
        "SCELAB_SECRETS_DIR": str(tmp_path),
        "SCELAB_DATABASE_URL": "postgresql+psycopg://scelab@db/scelab",
        "SCELAB_BROKER_URL": "redis://redis/0",
    }
    done = subprocess.run([sys.executable, "-c", SHOW], env=env, capture_output=True, text=True, check=True)
    database, broker, shown = done.stdout.split(maxsplit=2)
    assert database == "postgresql+psycopg://scelab:dbword@db/scelab"
    assert broker == "redis://:brokerword@redis/0"
    assert "dbword" not in shown
    assert "brokerword" not in shown


def test_a_copy_of_the_settings_has_the_broker_it_was_given(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.broker == ""
    asked = Settings(home=tmp_path, broker_url="redis://x").broker_url  # type: ignore[arg-type]  # pydantic makes the secret
    assert settings.model_copy(update={"broker_url": asked}).broker == "redis://x"
