"""The Celery app. A message says "look at this row"; every task is short, and harmless twice.

Periodic work is done by the worker's own clocks (``worker.office``), not by beat: a beat's message is taken
by one host, while each host must watch its own processes; and it goes on while the broker is away.
"""

import logging
import sys
from collections.abc import Callable

from celery import Celery
from celery.signals import worker_init, worker_shutdown

from backend.migrations import require_current
from backend.settings import Settings
from backend.trouble import usable_database
from worker.clock import failure_of
from worker.launchers import Launcher
from worker.office import Office

log = logging.getLogger(__name__)

_offices: list[Office] = []


def make_app(settings: Settings) -> Celery:
    """The app of a worker. Reads no network and starts nothing."""
    app = Celery("scelab", broker=settings.broker or "memory://")
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        # One process: the clocks, the engine and the children that it must reap are shared by the tasks.
        worker_pool="threads",
        worker_concurrency=4,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # the default gives up after 100
        broker_transport_options={
            "visibility_timeout": 60,  # no task of ours waits for anything
            # kombu's sweep runs every interval x throttle seconds: 100 by default, whatever the timeout says.
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 10,  # 300: a worker killed while it sweeps would block all redelivery
            "socket_keepalive": True,
        },
    )
    return app


app = make_app(Settings())


def office() -> Office:
    """The office of this worker process."""
    assert _offices, "tasks run in a worker: start it with `python -m worker`"
    return _offices[0]


def open_office(launcher: Launcher | None = None) -> None:
    """Raises what the office's opening raises; a database that is away is an ``Away`` with its remedy,
    one of another version's schema a ``Conflict``."""
    settings = Settings()
    with usable_database(settings.database):
        _offices.append(Office(settings, launcher=launcher))
        require_current(office().place.engine)
        office().open()


def close_office(**_: object) -> None:
    if _offices:
        _offices.pop().close()


def open_or_leave(opening: Callable[[], None]) -> None:
    """End the process when there is no office: whoever keeps the worker alive starts it again.

    Celery only logs what a signal's receiver raises, and the worker would say "ready" and do nothing.
    """
    failure = failure_of(opening)
    if failure is not None:
        log.error("the worker cannot start", exc_info=failure)
        sys.exit(f"The worker cannot start. {failure}")


def _open(**_: object) -> None:
    open_or_leave(open_office)


worker_init.connect(_open)
worker_shutdown.connect(close_office)


def start_runs() -> None:
    office().clocks.wake("start")


def watch_runs() -> None:
    office().clocks.wake("watch")


def stop_run(run_id: int) -> None:
    office().stop_run(run_id)


def index_dataset(dataset_id: int) -> None:
    office().clocks.wake("index")  # it takes whatever waits, the oldest first


def prepare_datasets() -> None:
    office().clocks.wake("prepare")


def make_preview(item_id: int) -> None:
    office().previews.wish(item_id)


def make_views() -> None:
    office().clocks.wake("views")


def sweep() -> None:
    office().clocks.wake("sweep")


def heartbeat() -> None:
    office().clocks.wake("heartbeat")


TASKS: tuple[Callable[..., None], ...] = (
    start_runs,
    watch_runs,
    stop_run,
    index_dataset,
    prepare_datasets,
    make_preview,
    make_views,
    sweep,
    heartbeat,
)
for _task in TASKS:
    app.task(_task, name=f"worker.{_task.__name__}")
