"""A laboratory of two hosts, and how each thing is done in it.

The launcher and the clock are the only things that are not real: rows, journals and code are.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend.compute.service import DeviceSpec, edit_host, heartbeat, register_host
from backend.datasets.tables import Dataset, Item
from backend.db import now, open_engine
from backend.errors import SceLabError
from backend.limits.service import lift_limit, set_limit
from backend.limits.tables import Limit
from backend.limits.views import LimitRequest
from backend.migrations import upgrade
from backend.people.tables import User
from backend.runs import service, turns
from backend.runs.launch import launch
from backend.runs.life import ENDED, FAILED, STOPPED
from backend.runs.tables import Run
from backend.runs.views import LaunchRequest, MoveRequest, RunEdit
from backend.settings import RetryRule, Settings
from tests.backend.makers import PRETRAIN
from tests.worker.doorkeeper import Doorkeeper
from tests.worker.fake_trainers import BROKEN, FakeTrainers
from tests.worker.happenings import HOSTS, LABELS, PEOPLE, TICKS, VERBS, Action
from tests.worker.points import Died, FragileLauncher, Kind, Points, Sleeper, publisher
from tests.worker.sight import Eyes
from tests.worker.witness import Witness
from worker.launchers import Handle
from worker.place import Workplace
from worker.runs import start_runs, stop_run
from worker.sweep import HOST_LOST_AFTER, UNLAUNCHED_AFTER, sweep
from worker.watch import Watch

SLOTS = 2
MOST_RUNS = 16
MOST_AT_A_TIME = 6
"""Of those that have not come to their end."""
MOST_SLEEPERS = 3
AFTER_A_CLAIM_S = UNLAUNCHED_AFTER.total_seconds() + 5
AFTER_A_HOST_S = HOST_LOST_AFTER.total_seconds() + 60


class FakeClock(datetime):
    """``backend.db`` reads the time here; ``shift`` is how far it is off."""

    shift = timedelta()

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # its own kind is of no use here
        return datetime.now(tz) + cls.shift


def template() -> Path:
    """An empty record, migrated once."""
    upgrade(f"sqlite:///{(file := Path(tempfile.mkdtemp(prefix='scelab-machine-')) / 'record.db')}")
    return file


TEMPLATE: list[Path] = []


class Laboratory:
    """What may be done is an ``Action``; after each, the witness and the doorkeeper look."""

    def __init__(self) -> None:
        if not TEMPLATE:
            TEMPLATE.append(template())
        self.home = Path(tempfile.mkdtemp(prefix="scelab-machine-"))
        shutil.copy(TEMPLATE[0], self.home / "scelab.db")
        rules = (RetryRule(pattern=BROKEN, exclude_host=True),)
        self.settings = Settings(
            home=self.home,
            min_free_disk_gb=0,
            stop_grace_s=5,
            cpu_slots=SLOTS,
            preempt_below=0,
            retry_rules=rules,
        )
        self.engine = open_engine(self.settings.database)
        self.eyes = Eyes(open_engine(self.settings.database))
        self.points = Points(self.engine)
        self.mail: list[tuple[str, tuple[int, ...]]] = []
        self.sleepers: list[Sleeper] = []
        self.monotonic_s = 1000.0
        self.patches = self._patched()
        self.places = {name: self._open_place(name) for name in HOSTS}
        self.watches: dict[str, Watch] = {}
        grace = timedelta(seconds=self.settings.stop_grace_s)
        launchers = {host: self.launcher(host) for host in HOSTS}
        self.witness = Witness(self.eyes, launchers, self.settings.runs_dir, grace)
        self.doorkeeper = Doorkeeper(self.eyes)
        self.trainers = FakeTrainers(self.witness.saw)
        for launcher in map(self.launcher, HOSTS):
            launcher.saw_start, launcher.saw_end = self.witness.saw_start, self.witness.saw_end

    def _patched(self) -> ExitStack:
        FakeClock.shift = timedelta()
        stack = ExitStack()
        stack.enter_context(patch("backend.db.datetime", FakeClock))
        stack.enter_context(patch("worker.watch.time", SimpleNamespace(monotonic=lambda: self.monotonic_s)))
        stack.enter_context(self.points.on_the_way())
        return stack

    def _open_place(self, name: str) -> Workplace:
        publish = publisher(self.points, self.mail)
        wake = lambda clock: self.mail.append((f"{name}.{clock}", ()))  # noqa: E731 - a clock of that host alone
        launcher = FragileLauncher(self.points)
        return Workplace(self.settings, self.engine, launcher, name, {"cpu": SLOTS}, publish, wake)

    def open(self) -> None:
        root = self.settings.roots[0] / "demo"
        root.mkdir(parents=True)
        with self.places["here"].sessions.begin() as db:
            dataset = Dataset(name="demo", root=str(root), kind="video", state="ready", classes=["a"])
            db.add_all([dataset, *(User(name=name, role="admin") for name in PEOPLE)])
            db.flush()
            about = {"dataset_id": dataset.id, "split": "train", "label": 0, "duration_s": 4.0}
            db.add_all(Item(position=n, path=f"{n}.mp4", **about) for n in range(16))
        for host in HOSTS:
            self.restart(host)

    def close(self) -> None:
        for sleeper in self.sleepers:
            sleeper.wake(to_die=True)
        self.patches.close()
        self.engine.dispose()
        self.eyes.close()
        shutil.rmtree(self.home, ignore_errors=True)

    # -- what is done

    def do(self, action: Action) -> None:
        try:
            self._do(action)
        finally:
            self.doorkeeper.look()

    def _do(self, action: Action) -> None:
        match action:
            case ("round", host):
                if host not in self.watches:
                    self.restart(host)
                for name in ("start", "watch", "sweep"):
                    self.do((name, host))
            case ("start" | "watch" | "sweep" | "beat" as name, host):
                self._tick(host, name)
            case ("deliver", host, number):
                self._deliver(host, number)
            case ("wait", seconds):
                self.pass_time(seconds)
            case ("train", number, deed):
                self.one_trains(number, deed)
            case ("thaw", number):
                self._thaw(number)
            case ("renew",):
                self._renew()
            case _:
                self.ask(lambda db: self._answer(db, action))

    def _answer(self, db: Session, action: Action) -> None:
        """As the API does it."""
        by = db.scalars(select(User)).first()
        assert by is not None
        match action:
            case ("ask", *wanted):
                self._launch(db, *wanted)
            case ("drain" | "enable" as name, host):
                edit_host(db, host_id=1 + HOSTS.index(host), enabled=name == "enable")
            case ("limit", (kind, name), what, number):
                if number is not None:
                    set_limit(db, LimitRequest(**{kind: name, what: number}), by=by)
                elif (limit := db.scalars(select(Limit)).first()) is not None:
                    lift_limit(db, limit.id, by=by)
            case ("priority", number):
                service.edit_run(db, self._one_of(db, number), RunEdit(priority=number - 3), by=by)
            case ("top" | "bottom" as end, number):
                turns.move_run(db, self._one_of(db, number), MoveRequest(to=end), by=by)
            case (verb, number):
                run_id = self._one_of(db, number)
                if verb in ("retry", "resume"):
                    self.doorkeeper.forgive(run_id)
                VERBS[verb](db, run_id, by=by)

    def ask(self, what: Callable[[Session], object]) -> None:
        """As the edge of the API does it; a refusal is an answer."""
        try:
            with self.places["here"].sessions.begin() as db:
                what(db)
        except SceLabError:
            return

    def _one_of(self, db: Session, number: int) -> int:
        """The newest first."""
        total = max(_count(db), 1)
        return total - number % total

    def _launch(
        self,
        db: Session,
        devices: int,
        priority: int,
        is_draft: bool,
        labels: tuple[str, ...],
        who: str,
        experiment: str,
    ) -> None:
        if _count(db) >= MOST_RUNS or _count(db, Run.state.not_in(ENDED)) >= MOST_AT_A_TIME:
            return
        compute = {"accelerator": "cpu", "devices": devices, "labels": list(labels)}
        definition = {**PRETRAIN, "compute": compute}
        asked = LaunchRequest(
            definition=definition, priority=priority, is_draft=is_draft, experiment=experiment
        )
        launch(db, asked, settings=self.settings, by=db.scalars(select(User).where(User.name == who)).one())

    def _tick(self, host: str, name: str) -> None:
        place, watch = self.places[host], self.watches.get(host)
        if watch is None:
            return  # nobody is there
        if name == "start":
            start_runs(place)
        elif name == "watch":
            watch.look()
        elif name == "sweep":
            sweep(place)
            self.witness.swept(host)
        else:
            with place.sessions.begin() as db:
                heartbeat(db, name=host)

    def _deliver(self, host: str, number: int) -> None:
        """A message is acknowledged when its task is done: who dies in between gets it again."""
        if not self.mail or host not in self.watches:
            return
        name, args = message = self.mail[number % len(self.mail)]
        owner, _, what = name.partition(".")
        if owner in HOSTS:
            self._tick(owner, what)
        elif what == "stop_run":
            stop_run(self.places[host], *args)
        else:
            self._tick(host, {"start_runs": "start", "watch_runs": "watch"}.get(what, what))
        if message in self.mail:
            self.mail.remove(message)

    def restart(self, host: str) -> None:
        """A worker is started; another one of that host may be there, and goes on."""
        place = self.places[host]
        slots = [DeviceSpec("cpu", number, "slot") for number in range(SLOTS)]
        with place.sessions.begin() as db:
            register_host(
                db, name=host, devices=slots, cpu_count=2, memory_bytes=1, versions={}, labels=LABELS[host]
            )
        self.watches[host] = Watch(place)

    def lose_power(self, host: str) -> None:
        self.launcher(host).alive.clear()
        self.watches.pop(host, None)
        for sleeper in [one for one in self.sleepers if one.host == host]:
            self.sleepers.remove(sleeper)
            sleeper.wake(to_die=True)

    def do_all(self, actions: Sequence[Action]) -> None:
        for action in actions:
            self.do(action)

    def pass_time(self, seconds: float, jump_min: int = 0) -> None:
        FakeClock.shift += timedelta(seconds=seconds, minutes=jump_min)
        if jump_min != 0:
            self.witness.may_be_given_up, self.witness.jumped_at = True, now()
        self.monotonic_s += seconds

    # -- somebody who sleeps in the middle of it, and what others do meanwhile

    def freeze(self, action: Action, number: int, *, kinds: frozenset[Kind]) -> None:
        """Somebody falls asleep at a point of it, and stays so until he is woken; or does all of it."""
        if len(self.sleepers) >= MOST_SLEEPERS:
            self.do(("thaw", 0))
        sleeper = Sleeper(partial(self.do, action), host=host_of(action))
        self.points.at(number, sleeper.sleep, kinds=kinds)
        try:
            if sleeper.begin():
                self.sleepers.append(sleeper)
                self.witness.excuse()
        finally:
            self.points.forget()

    def _thaw(self, number: int) -> None:
        """Whoever slept does the rest of it. What he started too late he ends himself, if he lives to do so."""
        if not self.sleepers:
            return
        sleeper = self.sleepers.pop(number % len(self.sleepers))
        try:
            sleeper.wake()
        except (Died, OperationalError):
            self.witness.excuse()
            raise

    def _renew(self) -> None:
        """The others see to everything: what is over is concluded and asked for again, what was claimed long
        ago is taken back, and all that may start does."""
        self.pass_time(AFTER_A_CLAIM_S)
        for host in HOSTS:
            self.do(("beat", host))
            self.do(("round", host))
        self._ask_again()
        for host in HOSTS:
            self.do(("start", host))
        for host, handle in self.alive():
            self.trainers.act(self.launcher(host), handle, "begin")

    def _ask_again(self) -> None:
        """Owners retry what failed, and resume what they stopped."""
        for number, run in enumerate(reversed([*self.eyes.see().runs.values()])):
            if run.state in (FAILED, STOPPED):
                self.do(("retry", number))
                self.do(("resume", number))

    def cut_off(self, host: str, deeds: list[str]) -> None:
        """A host cannot be reached for so long that its runs are given up and start on another one. Its trainers
        live on, and some write once more before they see that a newer attempt is at work."""
        (other,) = set(HOSTS) - {host}
        before = self.launcher(host).alive.copy()
        self.watches.pop(host, None)
        self.witness.may_be_given_up = True
        self.make_way(other)
        self.pass_time(AFTER_A_HOST_S)
        for name in ("beat", "watch", "sweep"):
            self.do((name, other))
        self._ask_again()
        self.do(("start", other))
        for handle in sorted(self.launcher(other).alive):
            self.trainers.act(self.launcher(other), handle, "begin")
        for handle in sorted(before):
            for deed in deeds:
                if handle in self.launcher(host).alive:
                    self.trainers.act(self.launcher(host), handle, deed)

    def make_way(self, host: str) -> None:
        """What runs there comes to its end."""
        if host not in self.watches:
            self.restart(host)
        for handle in sorted(self.launcher(host).alive):
            self.trainers.act(self.launcher(host), handle, "finish")
        self.do(("watch", host))

    # -- who is there

    def one_trains(self, number: int, deed: str) -> None:
        alive = self.alive()
        if alive:
            host, handle = alive[number % len(alive)]
            self.trainers.act(self.launcher(host), handle, deed)

    def launcher(self, host: str) -> FragileLauncher:
        launcher = self.places[host].launcher
        assert isinstance(launcher, FragileLauncher)
        return launcher

    def alive(self) -> list[tuple[str, Handle]]:
        return [(host, handle) for host in HOSTS for handle in sorted(self.launcher(host).alive)]


def host_of(action: Action) -> str | None:
    return action[1] if action[0] in (*TICKS, "round", "deliver") else None


def _count(db: Session, *which: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).select_from(Run).where(*which)) or 0
