"""A lab that answers in this process: its own home, its own database, and ways to come in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from backend.main import create_app
from backend.people import service as people
from backend.people.tables import User
from backend.settings import Settings
from backend.tables import Table

URL = "http://127.0.0.1:8265"


@dataclass
class Lab:
    """``client`` has not logged in; ``admin`` sends the administrator's token."""

    app: FastAPI
    settings: Settings
    client: TestClient
    admin: TestClient

    @property
    def sessions(self) -> sessionmaker[Session]:
        sessions: sessionmaker[Session] = self.app.state.sessions
        return sessions

    def token(self, *, scope: str = "write", role: str = "admin", days: int | None = None) -> str:
        """A fresh API token of a user with this role."""
        with self.sessions.begin() as db:
            user = db.query(User).filter_by(role=role).first() or User(name=role, role=role)
            db.add(user)
            db.flush()
            return people.create_token(db, user=user, name="test", scope=scope, expires_in_days=days)[1]

    def as_(self, token: str) -> TestClient:
        """Somebody who sends this token."""
        headers = {"Authorization": f"Bearer {token}"}
        return TestClient(self.app, base_url=URL, headers=headers, raise_server_exceptions=False)

    def login_link(self) -> str:
        with self.sessions.begin() as db:
            user = people.ensure_administrator(db, self.settings)
            return f"/login?token={people.create_login_link(db, user=user)}"


def settings_in(folder: Path) -> Settings:
    """A home, and beside it one data root."""
    root = folder / "roots"
    root.mkdir()
    return Settings(home=folder / "home", data_roots=(root,), database_url=f"sqlite:///{folder}/lab.db")


@contextmanager
def running_lab(settings: Settings) -> Iterator[Lab]:
    app = create_app(settings)
    Table.metadata.create_all(app.state.engine)
    with TestClient(app, base_url=URL, raise_server_exceptions=False) as client:
        lab = Lab(app, settings, client, admin=client)
        lab.admin = lab.as_(lab.token())
        yield lab


@pytest.fixture
def lab_settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def lab(lab_settings: Settings) -> Iterator[Lab]:
    with running_lab(lab_settings) as lab:
        yield lab


@pytest.fixture(scope="module")
def quiet_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One for a whole file of tests that change nothing."""
    with running_lab(settings_in(tmp_path_factory.mktemp("lab"))) as lab:
        yield lab
