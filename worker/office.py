"""One worker at work: its clocks, and what each of them does."""

import os

from backend.db import Publish
from backend.nudge import celery_publisher
from backend.settings import Settings
from worker.clock import Clocks
from worker.hosts import register, report
from worker.indexing import Indexer
from worker.launchers import Launcher
from worker.launchers.slurm import SlurmLauncher
from worker.looking import ViewMaker
from worker.place import open_workplace
from worker.preparing import Preparer
from worker.previews import PreviewMaker
from worker.runs import start_runs, stop_run
from worker.slurm.watch import SlurmWatch
from worker.sweep import sweep
from worker.watch import Watch

# Seconds between looks. A page shows a journal line within 1.5 s of its writing: the watch takes a third of a
# second of that, or 1.2 s of a hundred runs' lines. The others are only for nudges that were lost.
WATCH_S, START_S, SWEEP_S, HEARTBEAT_S, INDEX_S, PREPARE_S, PREVIEWS_S = 0.3, 2.0, 5.0, 5.0, 2.0, 2.0, 60.0
VIEWS_S, SLURM_S = 5.0, 0.5

# A nudge that this worker gives itself needs no broker.
OWN_CLOCKS = {
    "worker.start_runs": "start",
    "worker.watch_runs": "watch",
    "worker.sweep": "sweep",
    "worker.heartbeat": "heartbeat",
    "worker.index_dataset": "index",
    "worker.make_views": "views",
    "worker.prepare_datasets": "prepare",
}


class Office:
    """What tasks and clocks of one worker process share. ``open`` starts the clocks."""

    def __init__(
        self, settings: Settings, *, launcher: Launcher | None = None, slurm: SlurmLauncher | None = None
    ) -> None:
        self.clocks = Clocks()
        publish = publisher(settings, self.clocks)
        self.place = open_workplace(settings, launcher=launcher, publish=publish, wake=self.clocks.wake)
        self.watch = Watch(self.place)
        self.indexer = Indexer(self.place)
        self.preparer = Preparer(self.place)
        self.previews = PreviewMaker(self.place)
        self.views = ViewMaker(self.place)
        self.slurm = SlurmWatch(self.place, slurm or SlurmLauncher(inherited=os.environ))

    def open(self) -> None:
        """Make the host known, then start looking. Raises what the database raises when it is away."""
        register(self.place)
        self.clocks.add("watch", WATCH_S, self.watch.look)
        self.clocks.add("start", START_S, lambda: start_runs(self.place))
        self.clocks.add("slurm", SLURM_S, self.slurm.look)
        self.clocks.add("sweep", SWEEP_S, lambda: sweep(self.place))
        self.clocks.add("heartbeat", HEARTBEAT_S, lambda: report(self.place))
        self.clocks.add("index", INDEX_S, self.indexer.look)
        self.clocks.add("prepare", PREPARE_S, self.preparer.look)
        self.clocks.add("previews", PREVIEWS_S, self.previews.work)
        self.clocks.add("views", VIEWS_S, self.views.work)
        self.clocks.start()

    def stop_run(self, run_id: int) -> None:
        stop_run(self.place, run_id)

    def close(self) -> None:
        """Stop looking. Trainings, an indexing and a preparation go on."""
        self.clocks.stop()
        self.previews.close()
        self.views.close()
        self.place.engine.dispose()


def publisher(settings: Settings, clocks: Clocks) -> Publish:
    """Nudges to ourselves wake a clock; the others go by the broker."""
    broker_url = settings.broker
    send = celery_publisher(broker_url) if broker_url else None

    def publish(task_name: str, args: tuple[int, ...]) -> None:
        if task_name in OWN_CLOCKS:
            clocks.wake(OWN_CLOCKS[task_name])
        elif send is not None:
            send(task_name, args)

    return publish
