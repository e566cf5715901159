"""A nudge says "look at this row" to the workers. It leaves with the commit; a lost one costs only time.

The row is the truth: whoever is nudged reads it again, and the sweep finds rows whose nudge was lost.
"""

import logging

from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from backend.db import Publish, after_commit

log = logging.getLogger(__name__)


def nudge(db: Session, task_name: str, *args: int) -> None:
    """Ask the workers to look, once the rows are committed; a rollback forgets it."""
    after_commit(db, (task_name, args), lambda: _send(db.info.get("publish"), task_name, args))


def celery_publisher(broker_url: str) -> Publish:
    """A way to the workers that gives up within two seconds when the broker is away."""
    client = Celery("scelab", broker=broker_url)
    client.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        broker_connection_timeout=2,
        broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 2},
    )

    def publish(task_name: str, args: tuple[int, ...]) -> None:
        client.send_task(task_name, args=list(args), retry=False, ignore_result=True)

    return publish


def _send(publish: Publish | None, task_name: str, args: tuple[int, ...]) -> None:
    if publish is None:
        log.debug("no broker: the sweep will see to %s%s", task_name, args)
        return
    try:
        publish(task_name, args)
    except (OperationalError, OSError) as error:
        log.warning("lost nudge %s%s, the sweep will see to it: %s", task_name, args, error)
