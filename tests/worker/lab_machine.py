"""A laboratory of two hosts in which anything may happen, for the property that it always converges.

The launcher and the clock are the only things that are not real: rows, journals and code are.
``python -m tests.worker.lab_machine 10000`` runs so many steps.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_as_test
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend.compute.service import DeviceSpec, edit_host, heartbeat, register_host
from backend.datasets.tables import Dataset, Item
from backend.db import open_engine
from backend.errors import SceLabError
from backend.migrations import upgrade
from backend.people.tables import User
from backend.runs import service
from backend.runs.launch import launch
from backend.runs.life import HOLDING, PREEMPTED, QUEUED
from backend.runs.tables import Run
from backend.runs.views import LaunchRequest, RunEdit
from backend.settings import Settings
from tests.backend.makers import PRETRAIN
from tests.worker.fake_trainers import DEEDS, FakeTrainers
from tests.worker.happenings import HOSTS, TICKS, VERBS, actions, hosts, meanwhile, numbers, soon, works
from tests.worker.points import NOT_WITHIN, Died, FragileLauncher, Points, die, lose_the_database, publisher
from tests.worker.witness import Witness
from worker.launchers import Handle
from worker.place import Workplace
from worker.runs import start_runs, stop_run
from worker.sweep import broken, sweep
from worker.watch import Watch

SLOTS = 2
PERIOD_S = 6.0
PERIODS = 12
"""A few: of claims, grace periods and teardowns the longest takes 20 s."""
MOST_RUNS = 6


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


class LabMachine(RuleBasedStateMachine):
    """Its steps are what may happen; at its end it is left in peace for a while, and must be whole."""

    def __init__(self) -> None:
        super().__init__()
        if not TEMPLATE:
            TEMPLATE.append(template())
        self.home = Path(tempfile.mkdtemp(prefix="scelab-machine-"))
        shutil.copy(TEMPLATE[0], self.home / "scelab.db")
        self.settings = Settings(
            home=self.home, min_free_disk_gb=0, stop_grace_s=5, cpu_slots=SLOTS, preempt_below=0
        )
        self.engine = open_engine(self.settings.database)
        self.points = Points(self.engine)
        self.mail: list[tuple[str, tuple[int, ...]]] = []
        FakeClock.shift = timedelta()
        self.monotonic_s = 1000.0
        self.patches = [
            patch("backend.db.datetime", FakeClock),
            patch("worker.watch.time", SimpleNamespace(monotonic=lambda: self.monotonic_s)),
        ]
        for one in self.patches:
            one.start()
        self.places = {name: self.open_place(name) for name in HOSTS}
        self.watches: dict[str, Watch] = {}
        self.witness = Witness(self.places["here"], {host: self.launcher(host) for host in HOSTS})
        self.trainers = FakeTrainers(self.witness.saw)
        for launcher in map(self.launcher, HOSTS):
            launcher.saw_start, launcher.saw_end = self.witness.saw_start, self.witness.saw_end

    def open_place(self, name: str) -> Workplace:
        publish = publisher(self.points, self.mail)
        wake = lambda clock: self.mail.append((f"{name}.{clock}", ()))  # noqa: E731 - a clock of that host alone
        launcher = FragileLauncher(self.points)
        return Workplace(self.settings, self.engine, launcher, name, {"cpu": SLOTS}, publish, wake)

    @initialize()
    def open(self) -> None:
        root = self.settings.roots[0] / "demo"
        root.mkdir(parents=True)
        with self.places["here"].sessions.begin() as db:
            self.user = User(name="ada", role="admin")
            dataset = Dataset(name="demo", root=str(root), kind="video", state="ready", classes=["a"])
            db.add_all([self.user, dataset])
            db.flush()
            db.add_all(
                Item(
                    dataset_id=dataset.id, split="train", position=n, path=f"{n}.mp4", label=0, duration_s=4.0
                )
                for n in range(16)
            )
        for host in HOSTS:
            self.restart(host)
        for devices in (1, 2, 1):
            self.do(("ask", devices, 0, False))

    def teardown(self) -> None:
        try:
            self.find_peace()
        finally:
            for one in self.patches:
                one.stop()
            self.engine.dispose()
            shutil.rmtree(self.home, ignore_errors=True)

    # -- what may happen

    @rule(action=actions)
    def act(self, action: tuple[Any, ...]) -> None:
        self.do(action)

    @rule(action=works, number=st.integers(0, 30))
    def die_in(self, action: tuple[Any, ...], number: int) -> None:
        """Whoever does it dies at some point of it; a worker is started again later, by ``restart``."""
        self.points.at(number, die)
        try:
            self.do(action)
        except Died:
            if action[0] in (*TICKS, "round", "deliver"):
                self.watches.pop(action[1], None)
        finally:
            self.points.forget()

    @rule(host=hosts, number=st.sampled_from([0, 1, 1, 3]), deeds=soon)
    def die_at_launch(self, host: str, number: int, deeds: list[str]) -> None:
        """A worker dies just before or after it starts processes; what it started goes on, or ends."""
        if host not in self.watches:
            self.restart(host)
        self.do(("ask", 1, 3, False))
        before = set(self.alive())
        self.points.at(number, die, kinds=frozenset({"launch"}))
        try:
            self.tick(host, "start")
        except Died:
            self.watches.pop(host, None)
        finally:
            self.points.forget()
        for one, handle in sorted(set(self.alive()) - before):
            for deed in deeds:
                self.trainers.act(self.launcher(one), handle, deed)

    @rule(action=works, number=st.integers(0, 30))
    def lose_database_in(self, action: tuple[Any, ...], number: int) -> None:
        """The database goes away once at some point of it; the process lives on."""
        self.points.at(number, lose_the_database)
        try:
            self.do(action)
        except OperationalError:
            return  # a clock says it and goes on, a request answers 503
        finally:
            self.points.forget()

    @rule(action=works, others=meanwhile, number=st.integers(0, 12))
    def act_between(self, action: tuple[Any, ...], others: list[tuple[Any, ...]], number: int) -> None:
        """Others do something between two transactions of it: two sweeps at once, and whatever else."""
        self.points.at(number, lambda: [self.do(other) for other in others], kinds=NOT_WITHIN)
        try:
            self.do(action)
        finally:
            self.points.forget()

    @rule(host=hosts)
    def restart(self, host: str) -> None:
        """A worker is started; another one of that host may be there, and goes on."""
        place = self.places[host]
        slots = [DeviceSpec("cpu", number, "slot") for number in range(SLOTS)]
        with place.sessions.begin() as db:
            register_host(db, name=host, devices=slots, cpu_count=2, memory_bytes=2**30, versions={})
        self.watches[host] = Watch(place)

    @rule(host=hosts, lucky=st.sampled_from([True, True, False]))
    def lose_power(self, host: str, lucky: bool) -> None:
        if lucky:
            return
        self.launcher(host).alive.clear()
        self.watches.pop(host, None)

    @rule()
    def go_on(self) -> None:
        """A moment without trouble."""
        for host in HOSTS:
            for name in ("start", "watch"):
                self.tick(host, name)
        for host, handle in self.alive():
            self.trainers.act(self.launcher(host), handle, "begin")

    @rule(deeds=st.lists(st.tuples(numbers, st.sampled_from(DEEDS)), min_size=1, max_size=4))
    def train(self, deeds: list[tuple[int, str]]) -> None:
        for number, deed in deeds:
            self.one_trains(number, deed)

    def one_trains(self, number: int, deed: str) -> None:
        alive = self.alive()
        if alive:
            host, handle = alive[number % len(alive)]
            self.trainers.act(self.launcher(host), handle, deed)

    @rule(number=numbers, what=st.sampled_from(["lost", "lost", "doubled"]))
    def spoil_message(self, number: int, what: str) -> None:
        if self.mail:
            message = self.mail[number % len(self.mail)]
            self.mail.remove(message) if what == "lost" else self.mail.append(message)

    @rule(
        seconds=st.sampled_from([0.5, 6.0, 25.0, 25.0, 70.0]),
        jump_min=st.sampled_from([0, 0, 0, -120, -11, -1, 1, 11, 120]),
    )
    def pass_time(self, seconds: float, jump_min: int = 0) -> None:
        """Somebody may set the clock."""
        FakeClock.shift += timedelta(seconds=seconds, minutes=jump_min)
        self.witness.has_jumped |= jump_min != 0
        self.monotonic_s += seconds

    @invariant()
    def nobody_trains_for_nothing(self) -> None:
        self.witness.check_always()

    # -- how it is done

    def do(self, action: tuple[Any, ...]) -> None:
        match action:
            case ("round", host):
                if host not in self.watches:
                    self.restart(host)
                for name in ("start", "watch", "sweep"):
                    self.tick(host, name)
            case ("start" | "watch" | "sweep" | "beat" as name, host):
                self.tick(host, name)
            case ("deliver", host, number):
                self.deliver(host, number)
            case ("wait", seconds):
                self.pass_time(seconds)
            case ("train", number, deed):
                self.one_trains(number, deed)
            case ("drain" | "enable" as name, host):
                self.ask(lambda db: edit_host(db, host_id=1 + HOSTS.index(host), enabled=name == "enable"))
            case ("ask", devices, priority, is_draft):
                self.ask(partial(self.launch, devices=devices, priority=priority, is_draft=is_draft))
            case ("priority", number):
                edit = RunEdit(priority=number - 3)
                self.ask(lambda db: service.edit_run(db, self.one_of(db, number), edit, by=self.user))
            case (verb, number):
                self.ask(lambda db: VERBS[verb](db, self.one_of(db, number), by=self.user))

    def one_of(self, db: Session, number: int) -> int:
        return 1 + number % max(db.scalar(select(func.count()).select_from(Run)) or 0, 1)

    def ask(self, what: Callable[..., Any]) -> None:
        """As the edge of the API does it; a refusal is an answer."""
        try:
            with self.places["here"].sessions.begin() as db:
                what(db)
        except SceLabError:
            return

    def launch(self, db: Any, *, devices: int, priority: int, is_draft: bool) -> None:
        if (db.scalar(select(func.count()).select_from(Run)) or 0) >= MOST_RUNS:
            return
        compute = {"accelerator": "cpu", "devices": devices}
        asked = LaunchRequest(
            definition={**PRETRAIN, "compute": compute}, priority=priority, is_draft=is_draft
        )
        launch(db, asked, settings=self.settings, by=db.get_one(User, self.user.id))

    def tick(self, host: str, name: str) -> None:
        place, watch = self.places[host], self.watches.get(host)
        if watch is None:
            return  # nobody is there
        if name == "start":
            start_runs(place)
        elif name == "watch":
            watch.look()
        elif name == "sweep":
            sweep(place)
        else:
            with place.sessions.begin() as db:
                heartbeat(db, name=host)

    def deliver(self, host: str, number: int) -> None:
        """A message is acknowledged when its task is done: who dies in between gets it again."""
        if not self.mail or host not in self.watches:
            return
        name, args = message = self.mail[number % len(self.mail)]
        owner, _, what = name.partition(".")
        if owner in HOSTS:
            self.tick(owner, what)
        elif what == "stop_run":
            stop_run(self.places[host], *args)
        else:
            self.tick(host, {"start_runs": "start", "watch_runs": "watch"}.get(what, what))
        if message in self.mail:
            self.mail.remove(message)

    def launcher(self, host: str) -> FragileLauncher:
        launcher = self.places[host].launcher
        assert isinstance(launcher, FragileLauncher)
        return launcher

    def alive(self) -> list[tuple[str, Handle]]:
        return [(host, handle) for host in HOSTS for handle in sorted(self.launcher(host).alive)]

    # -- peace

    def find_peace(self) -> None:
        """Nothing dies any more, and trainers do what they are asked; then everything holds.

        And when they finish, everything comes to its end.
        """
        if not hasattr(self, "user"):
            return
        for _ in range(PERIODS):
            self.pass_in_peace("obey")
        self.check()
        for _ in range(PERIODS):
            self.pass_in_peace("finish")
        self.check()
        with self.places["here"].looks.begin() as db:
            waiting = db.scalars(select(Run).where(Run.state.in_(HOLDING | {QUEUED, PREEMPTED}))).all()
        assert [(run.id, run.state) for run in waiting] == []

    def pass_in_peace(self, deed: str) -> None:
        self.pass_time(PERIOD_S)
        for host in HOSTS:
            if host not in self.watches:
                self.restart(host)
            self.do(("enable", host))
            for name in ("beat", "start", "watch", "sweep"):
                self.tick(host, name)
        for host, handle in self.alive():
            is_hopeless = deed == "finish" and handle in self.trainers.hung
            self.trainers.act(self.launcher(host), handle, "die" if is_hopeless else deed)
        while self.mail:
            self.deliver("here", 0)
        self.witness.check_always()

    def check(self) -> None:
        for place in self.places.values():
            assert broken(place) == []
        self.witness.check_in_peace()
        for launcher in map(self.launcher, HOSTS):
            started = [(folder, attempt) for folder, attempt, _ in launcher.started]
            assert len(started) == len(set(started)), "an attempt was started twice"


def converges(*, examples: int, steps: int, derandomize: bool = False) -> None:
    """Raises what the machine found, made as small as it can be."""
    run_as_test(
        LabMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=derandomize,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    converges(examples=total // 50, steps=50)
    print(f"{total} steps: every invariant held at every end")
