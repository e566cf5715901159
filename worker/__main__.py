"""``python -m worker``: one worker of this host, on the broker and database of the environment."""

import sys

from backend.settings import Settings
from worker.app import app

ARGUMENTS = ["worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]


def main() -> None:
    if not Settings().broker:
        sys.exit("The worker needs a broker: set SCELAB_BROKER_URL, or start everything with `scelab up`.")
    app.worker_main(ARGUMENTS)


if __name__ == "__main__":
    main()
