"""``python -m worker`` whose runs are the trainer of the tests. The launcher is the only seam."""

import os
import socket
from pathlib import Path

from celery.signals import worker_init

from worker import app as worker_app
from worker.__main__ import ARGUMENTS
from worker.launchers.local import LocalLauncher

TRAINER = str(Path(__file__).with_name("trainer.py"))


def open_office(**_: object) -> None:
    launcher = LocalLauncher(host=socket.gethostname(), inherited=os.environ, program=(TRAINER,))
    worker_app.open_or_leave(lambda: worker_app.open_office(launcher))


if __name__ == "__main__":
    worker_init.disconnect(worker_app._open)
    worker_init.connect(open_office)
    worker_app.app.worker_main(ARGUMENTS)
