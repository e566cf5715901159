"""Anything may happen in a laboratory of two hosts, for the property that it always converges.

``make converges`` runs the long form.
"""

import argparse
from collections import Counter
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_as_test
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend.limits.service import lift_limit
from backend.limits.tables import Limit
from backend.people.tables import User
from backend.runs.life import QUEUED
from tests.worker.fake_trainers import DEEDS
from tests.worker.happenings import (
    EXPERIMENTS,
    HOSTS,
    PEOPLE,
    Action,
    actions,
    hosts,
    labels_of,
    late,
    meanwhile,
    mostly,
    numbers,
    soon,
    subjects,
    works,
)
from tests.worker.laboratory import Laboratory, host_of
from tests.worker.points import NOT_WITHIN, Died, die, lose_the_database
from tests.worker.sight import words
from worker.sweep import broken

PERIOD_S = 15.0
PERIODS = 5
"""A few: of claims, grace periods and teardowns the longest takes 20 s."""
LAST_PERIODS = 40
"""Until all have had their turn, when one limit lets them through one by one."""
STEPS = 80
"""Of one laboratory in the long form."""
ANYBODYS = ((), PEOPLE[0], EXPERIMENTS[0])


class LabMachine(RuleBasedStateMachine):
    """Its steps are what may happen; at its end it is left in peace for a while, and must be whole."""

    seen: ClassVar[Counter[str]] = Counter()
    """What all machines together came by, to be told at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.lab = Laboratory()
        self.is_open = False

    @initialize()
    def open(self) -> None:
        self.lab.open()
        self.is_open = True
        for devices in (1, 2, 1):
            self.lab.do(("ask", devices, 0, False, *ANYBODYS))

    def teardown(self) -> None:
        try:
            if self.is_open:
                self.find_peace()
        finally:
            self.seen.update(self.lab.doorkeeper.placed)
            self.seen["laboratories"] += 1
            self.lab.close()

    # -- what may happen

    @rule(action=actions)
    def act(self, action: Action) -> None:
        self.lab.do(action)

    @rule(action=works, number=st.integers(0, 30))
    def die_in(self, action: Action, number: int) -> None:
        """Whoever does it dies at some point of it; a worker is started again later, by ``restart``."""
        self.lab.points.at(number, die)
        try:
            self.lab.do(action)
        except Died:
            self.lab.watches.pop(host_of(action) or "", None)
        finally:
            self.lab.points.forget()

    @rule(host=hosts, number=st.sampled_from([0, 2, 3, 4, 4, 8]), deeds=soon)
    def die_at_launch(self, host: str, number: int, deeds: list[str]) -> None:
        """A worker dies just before or after it starts processes; what it started goes on, or ends."""
        self.somebody_asks(host)
        before = set(self.lab.alive())
        self.lab.points.at(number, die, kinds=frozenset({"launch"}))
        try:
            self.lab.do(("start", host))
        except Died:
            self.lab.watches.pop(host, None)
        finally:
            self.lab.points.forget()
        for one, handle in sorted(set(self.lab.alive()) - before):
            for deed in deeds:
                self.lab.trainers.act(self.lab.launcher(one), handle, deed)

    def somebody_asks(self, host: str) -> None:
        """There is a worker, and something for it to start."""
        if host not in self.lab.watches:
            self.lab.restart(host)
        self.lab.do(("ask", 1, 3, False, *ANYBODYS))

    @rule(action=works, number=st.integers(0, 30))
    def lose_database_in(self, action: Action, number: int) -> None:
        """The database goes away once at some point of it; the process lives on."""
        self.lab.points.at(number, lose_the_database)
        try:
            self.lab.do(action)
        except OperationalError:
            return  # a clock says it and goes on, a request answers 503
        finally:
            self.lab.points.forget()

    @rule(action=works, others=meanwhile, number=st.integers(0, 12))
    def act_between(self, action: Action, others: list[Action], number: int) -> None:
        """Others do something between two transactions of it: two sweeps at once, and whatever else."""
        self.lab.points.at(number, lambda: self.lab.do_all(others), kinds=NOT_WITHIN)
        try:
            self.lab.do(action)
        finally:
            self.lab.points.forget()

    @rule(action=works, number=st.integers(0, 8))
    def freeze(self, action: Action, number: int) -> None:
        """Somebody falls asleep between two transactions of it, for as long as nobody wakes him."""
        self.lab.freeze(action, number, kinds=NOT_WITHIN)

    @rule(
        subject=subjects,
        what=st.sampled_from(["runs", "devices"]),
        number=st.sampled_from([None, None, 1, 2]),
    )
    def limit(self, subject: tuple[str, str], what: str, number: int | None) -> None:
        self.lab.do(("limit", subject, what, number))
        for _ in range(2):
            self.lab.do(("ask", 1, 2, False, *ANYBODYS))
        for host in HOSTS:
            self.lab.do(("start", host))

    @rule(host=hosts, priority=st.sampled_from([1, 2]))
    def crowd(self, host: str, priority: int) -> None:
        """Who needs a whole host comes first, and small ones come behind."""
        (room,) = (label for label in labels_of(host) if label.startswith("room"))
        self.lab.do(("ask", 2, priority, False, (room,), *ANYBODYS[1:]))
        for _ in range(2):
            self.lab.do(("ask", 1, 0, False, (), *ANYBODYS[1:]))
        self.lab.do(("start", host))  # now they are kept for it
        for handle in sorted(self.lab.launcher(host).alive)[:1]:
            self.lab.trainers.act(self.lab.launcher(host), handle, "finish")
        self.lab.do(("watch", host))
        self.lab.do(("start", host))

    @rule(host=hosts, number=st.integers(0, 4), is_late=mostly)
    def freeze_at_launch(self, host: str, number: int, is_late: bool) -> None:
        """A worker falls asleep on the way from a claim to its processes."""
        self.lab.make_way(host)
        self.somebody_asks(host)
        self.lab.freeze(("start", host), number, kinds=frozenset({"launch"}))
        if is_late:
            self.overtake(-1)

    @rule(
        number=numbers,
        deed=st.sampled_from(["die", "finish", "break", "obey"]),
        name=st.sampled_from(["watch", "watch", "sweep"]),
        point=st.sampled_from([1, 1, 2, 3]),
        is_late=mostly,
    )
    def freeze_at_end(self, number: int, deed: str, name: str, point: int, is_late: bool) -> None:
        """A worker falls asleep when it has seen that an attempt is over, and has not yet said so."""
        alive = self.lab.alive()
        if alive:
            host, _ = alive[number % len(alive)]
            self.lab.one_trains(number, deed)
            self.lab.freeze((name, host), point, kinds=NOT_WITHIN)
            if is_late:
                self.overtake(-1)

    @rule(number=numbers)
    def overtake(self, number: int) -> None:
        """The others have long gone on with what somebody slept over, when he wakes."""
        if self.lab.sleepers:
            for host in HOSTS:
                self.lab.make_way(host)
            self.lab.do(("renew",))
            self.lab.do(("thaw", number))

    @rule(host=hosts, deeds=late)
    def cut_off(self, host: str, deeds: list[str]) -> None:
        self.lab.cut_off(host, deeds)

    @rule(host=hosts)
    def restart(self, host: str) -> None:
        self.lab.restart(host)

    @rule(host=hosts, lucky=st.sampled_from([True, True, False]))
    def lose_power(self, host: str, lucky: bool) -> None:
        if not lucky:
            self.lab.lose_power(host)

    @rule()
    def go_on(self) -> None:
        """A moment without trouble."""
        for host in HOSTS:
            for name in ("beat", "start", "watch"):
                self.lab.do((name, host))
        for host, handle in self.lab.alive():
            self.lab.trainers.act(self.lab.launcher(host), handle, "begin")

    @rule(deeds=st.lists(st.tuples(numbers, st.sampled_from(DEEDS)), min_size=1, max_size=4))
    def train(self, deeds: list[tuple[int, str]]) -> None:
        for number, deed in deeds:
            self.lab.one_trains(number, deed)

    @rule(number=numbers, what=st.sampled_from(["lost", "lost", "doubled"]))
    def spoil_message(self, number: int, what: str) -> None:
        mail = self.lab.mail
        if mail:
            message = mail[number % len(mail)]
            mail.remove(message) if what == "lost" else mail.append(message)

    @rule(
        seconds=st.sampled_from([0.5, 6.0, 25.0, 25.0, 70.0]),
        jump_min=st.sampled_from([0, 0, 0, -120, -11, -1, 1, 11, 120]),
    )
    def pass_time(self, seconds: float, jump_min: int) -> None:
        """Somebody may set the clock."""
        self.lab.pass_time(seconds, jump_min)

    @invariant()
    def nobody_trains_for_nothing(self) -> None:
        self.seen["steps"] += 1
        self.lab.witness.check_always()

    # -- peace

    def find_peace(self) -> None:
        """Nothing dies or sleeps any more, and trainers do what they are asked; then everything holds.

        And when they finish, everything comes to its end.
        """
        while self.lab.sleepers:
            self.lab.do(("thaw", 0))
        self.lab.ask(lift_what_lets_nothing_through)
        for _ in range(PERIODS):
            self.pass_in_peace("obey")
        self.check()
        for _ in range(LAST_PERIODS):
            self.pass_in_peace("finish")
            if not self.waiting():
                break
        self.check()
        assert self.waiting() == []

    def waiting(self) -> list[tuple[int, str]]:
        runs = self.lab.eyes.see().runs.values()
        return [(run.id, run.state) for run in runs if run.waits]

    def pass_in_peace(self, deed: str) -> None:
        lab = self.lab
        lab.pass_time(PERIOD_S)
        for host in HOSTS:
            if host not in lab.watches:
                lab.restart(host)
            lab.do(("enable", host))
            lab.do(("beat", host))
            lab.do(("sweep", host))  # it wakes the other clocks
        self.deliver_all()
        for host in HOSTS:
            lab.do(("start", host))  # what became free just now, on whichever host
        self.deliver_all()
        for host, handle in lab.alive():
            is_hopeless = deed == "finish" and handle in lab.trainers.hung
            lab.trainers.act(lab.launcher(host), handle, "die" if is_hopeless else deed)
        self.let_try_again()
        lab.witness.check_always()

    def deliver_all(self) -> None:
        self.lab.mail[:] = dict.fromkeys(self.lab.mail)
        while self.lab.mail:
            self.lab.do(("deliver", "here", 0))

    def let_try_again(self) -> None:
        """What keeps off every host that could carry it waits for its owner to say so."""
        for number, run in enumerate(reversed([*self.lab.eyes.see().runs.values()])):
            could = [host for host in HOSTS if self.lab.doorkeeper.carries(host, run)]
            if run.state == QUEUED and set(could) <= set(words(run.excluded)):
                for verb in ("stop", "retry", "resume"):
                    self.lab.do((verb, number))

    def check(self) -> None:
        for place in self.lab.places.values():
            assert not (there := broken(place)), there
        self.lab.witness.check_in_peace()
        for launcher in map(self.lab.launcher, HOSTS):
            started = [(folder, attempt) for folder, attempt, _ in launcher.started]
            assert len(started) == len(set(started)), "an attempt was started twice"


def lift_what_lets_nothing_through(db: Session) -> None:
    """An administrator lifts the limits below what the largest run needs."""
    by = db.scalars(select(User)).first()
    assert by is not None
    for limit in db.scalars(select(Limit)).all():
        if limit.runs == 0 or (limit.devices is not None and limit.devices < 2):
            lift_limit(db, limit.id, by=by)


def converges(*, examples: int, steps: int, number: int | None = None, makes_small: bool = True) -> None:
    """Raises what the machine found, made as small as it can be. The same number finds the same."""
    machine = LabMachine if number is None else seed(number)(type("Seeded", (LabMachine,), {}))
    run_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=number is None,
            report_multiple_bugs=False,
            phases=[Phase.generate, *([Phase.shrink] if makes_small else [])],
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Let anything happen for so many steps.")
    asked.add_argument("steps", nargs="?", type=int, default=10_000)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--as-found", action="store_true", help="do not make small what is found")
    given = asked.parse_args()
    try:
        converges(
            examples=max(given.steps // STEPS, 1),
            steps=STEPS,
            number=given.seed,
            makes_small=not given.as_found,
        )
        print("Every invariant held at every end.")
    finally:
        print(f"Seed {given.seed}: {dict(LabMachine.seen)}")
