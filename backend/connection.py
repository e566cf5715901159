"""Where a running SCE Lab answers, for its owner's command line: one file that nobody else can read."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from backend.settings import Settings


class Connection(BaseModel):
    """What `scelab up` writes when it answers, readable by its owner alone."""

    url: str
    token: str


@dataclass(frozen=True)
class NotRunning(Exception):
    """Nobody wrote down where SCE Lab answers."""

    file: Path

    def __str__(self) -> str:
        return (
            f"SCE Lab does not run here ({self.file} is not there): start it with `scelab up`, "
            "or set SCELAB_URL and SCELAB_TOKEN."
        )


def connection_file(settings: Settings) -> Path:
    return settings.home / "connection.json"


def read_connection(settings: Settings) -> Connection:
    """The settings' own address and token first, then the file's. Raises ``NotRunning``."""
    token = settings.token.get_secret_value()
    if settings.url and token:
        return Connection(url=settings.url, token=token)
    file = connection_file(settings)
    try:
        found = Connection.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError) as error:
        raise NotRunning(file) from error
    if settings.url and settings.url != found.url:
        # The token in the file is for the server that wrote it, and is sent to no other.
        raise MissingToken(settings.url)
    return Connection(url=found.url, token=token or found.token)


class MissingToken(Exception):
    def __init__(self, url: str) -> None:
        super().__init__(f"SCELAB_URL asks for {url}: set SCELAB_TOKEN to an API token made there.")
