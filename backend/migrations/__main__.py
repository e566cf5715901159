"""``python -m backend.migrations``: bring the environment's database to this version's schema."""

import sys

from backend.errors import SceLabError
from backend.migrations import upgrade
from backend.settings import Settings
from backend.trouble import usable_database


def main() -> int:
    """0 when the database has this version's schema, 1 with a sentence when it cannot."""
    settings = Settings()
    if not settings.database_url:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with usable_database(settings.database):
            upgrade(settings.database)
    except SceLabError as error:
        print(error, file=sys.stderr)
        return 1
    print("The database has this version's schema.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
