"""What every command needs: the running server, and a sentence when something cannot be done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from pydantic import ValidationError

from backend.client import Lab, Refused, TookTooLong, Unreachable
from backend.connection import MissingToken, NotRunning
from backend.settings import Settings
from sce.definition.problems import problems_of
from sce.recipes import BadOverride


@contextmanager
def lab_here() -> Iterator[Lab]:
    """The running server; what it refuses is said in a sentence, and ends the command with 1."""
    try:
        with Lab.here(settings_here()) as lab:
            yield lab
    except (Refused, Unreachable, TookTooLong, NotRunning, MissingToken, BadOverride) as error:
        give_up(str(error))


def settings_here() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        give_up("\n".join(f"{problem.field}: {problem.message}" for problem in problems_of(error, {})))


def give_up(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
