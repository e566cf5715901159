"""``python -m worker.restore FILE``: put a backup of the record in its place, while nothing runs on it."""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from backend.backup import put_back
from backend.compute.service import is_online, list_hosts
from backend.db import now, open_engine, open_sessions
from backend.errors import SceLabError
from backend.migrations import upgrade
from backend.settings import Settings
from backend.trouble import usable_database
from worker.ground import CannotStart, claim_home

SINCE = timedelta(seconds=15)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the backup is the record now, 1 with a sentence when nothing was changed."""
    parser = argparse.ArgumentParser(prog="scelab restore", description=__doc__)
    parser.add_argument("file", type=Path, help="what `scelab backup` wrote")
    file: Path = parser.parse_args(arguments).file
    settings = Settings()
    aside = settings.home / f"before-restore-{now():%Y%m%d-%H%M%S}.backup"
    try:
        with claim_home(settings.home):
            refuse_while_used(settings)
            restore(settings, file, aside=aside)
    except (CannotStart, SceLabError) as error:
        print(error, file=sys.stderr)
        return 1
    kept = f" What was there before is kept as {aside}." if aside.exists() else ""
    print(f"{file} is the record now.{kept}")
    return 0


def restore(settings: Settings, file: Path, *, aside: Path) -> None:
    """Put the backup in place and bring it to this version's schema; one that is newer is taken out again."""
    with usable_database(settings.database):
        put_back(settings, file, aside=aside)
        try:
            upgrade(settings.database)
        except SceLabError:
            if aside.exists():
                put_back(settings, aside, aside=aside.with_suffix(".refused"))
            raise


def refuse_while_used(settings: Settings) -> None:
    """Raises ``CannotStart`` while a worker of any host reports. A record that cannot be read is no obstacle."""
    engine = open_engine(settings.database)
    try:
        with open_sessions(engine.execution_options(read_only=True)).begin() as db:
            online = [host.name for host in list_hosts(db) if is_online(host)]
    except DBAPIError:
        online = []
    finally:
        engine.dispose()
    if online:
        raise CannotStart(
            f"Workers of {', '.join(online)} use this database: stop SCE Lab on every host first, "
            f"and wait {SINCE.total_seconds():.0f} s."
        )


if __name__ == "__main__":
    sys.exit(main())
