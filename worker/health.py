"""``python -m worker.health``: whether this host's worker gives signs of life, as a container's health check."""

import socket
import sys

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

import backend.tables  # noqa: F401 - a session needs every table that a foreign key may lead to
from backend.compute.service import is_online
from backend.compute.tables import Host
from backend.db import open_engine, open_sessions
from backend.settings import Settings


def main() -> str | None:
    """None when it is well, else what is amiss."""
    host = socket.gethostname()
    try:
        with open_sessions(open_engine(Settings().database)).begin() as db:
            row = db.scalar(select(Host).where(Host.name == host))
            is_well = row is not None and is_online(row)
    except SQLAlchemyError as error:
        return f"The database does not answer: {error.__class__.__name__}."
    return None if is_well else f"The worker of {host} gave no sign of life for a while."


if __name__ == "__main__":
    sys.exit(main())
