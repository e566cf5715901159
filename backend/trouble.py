"""What is in the way of the database, in one sentence that helps; no password is in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from backend.errors import Away, Invalid

EXAMPLE = "postgresql+psycopg://USER:PASSWORD@HOST/NAME"


@contextmanager
def usable_database(url: str) -> Iterator[None]:
    """The block needs the database at ``url``. Raises ``Away`` or ``Invalid`` when it cannot be used."""
    try:
        yield
    except (ArgumentError, ModuleNotFoundError) as error:
        raise Invalid(
            f"SCELAB_DATABASE_URL is no address of a database that SCE Lab knows: write {EXAMPLE}, "
            "or leave it empty for a file in the home folder."
        ) from error
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0].rstrip(".")
        raise Away(why_unusable(make_url(url), reason)) from error


def why_unusable(url: URL, reason: str) -> str:
    """Pure: the driver's reason, and what helps against it."""
    is_file = url.get_backend_name() == "sqlite"
    if "is full" in reason or "No space left" in reason:
        remedy = "make room on its disk"
    elif "not a database" in reason or "malformed" in reason:
        remedy = "put a copy in its place, move it aside to begin anew, or choose another folder with --home"
    elif "no such table" in reason or ("relation" in reason and "does not exist" in reason):
        remedy = "give it this version's schema with `python -m backend.migrations`"
    elif is_file:
        remedy = "make its folder writable, or choose another with --home"
    else:
        remedy = "start its server, or correct SCELAB_DATABASE_URL"
    where = url.database if is_file else url.render_as_string(hide_password=True)
    return f"The database {where} cannot be used ({reason}): {remedy}."
