"""Print the OpenAPI document: ``python -m backend.document``. Nothing is opened or written."""

import json

from backend.main import create_app
from backend.settings import Settings


def main() -> None:
    print(json.dumps(create_app(Settings()).openapi(), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
