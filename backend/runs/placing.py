"""Which queued run starts where, and for whom devices are kept free. Pure: values in, values out.

Runs are placed in the order of the queue. The first that fits nowhere among those that share its places
gets a reservation on one host, and keeps it: nobody behind it takes devices there unless he certainly ends
before it could start. What ends too late, or says nothing of its end, never slips past, so that a large
run starts after finitely many others, however many small ones come.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.compute.leases import HostRoom

LATER = 1.5
"""An expected time is taken for so much longer where it must not be exceeded..."""
SOONER = 0.8
"""...and the time left of a running one for so much less."""
START_S = 60.0
"""Until a claimed run does its first step."""
PATIENCE_S = 10.0
"""A host where a run fits best takes it within a few seconds; after so long any other that asks may."""


@dataclass(frozen=True)
class Spot:
    """Devices of one kind on one host."""

    host: str
    kind: str


class Wish(NamedTuple):
    """A queued run, as far as its placement goes."""

    run_id: int
    devices: int
    accelerator: str = "auto"
    labels: Sequence[str] = ()
    priority: int = 0
    owner_id: int | None = None
    experiment_id: int | None = None
    expected_s: float | None = None
    kept_host: str | None = None
    """Where devices were kept for it at the last look."""
    kept_for_s: float | None = None
    excluded: Sequence[str] = ()
    """Hosts that it keeps off, because it failed there."""
    waited_s: float = 0.0
    """Since it was queued."""

    def spot_in(self, room: HostRoom) -> Spot:
        return Spot(room.name, room.kind_for(self.accelerator))

    def is_carried_by(self, room: HostRoom) -> bool:
        if room.name in self.excluded:
            return False
        has_labels = all(label in room.labels for label in self.labels)
        return has_labels and self.devices <= room.total[room.kind_for(self.accelerator)]

    def certainly_ends_within(self, seconds: float | None) -> bool:
        if seconds is None or self.expected_s is None:
            return False
        return START_S + LATER * self.expected_s <= seconds


@dataclass(frozen=True)
class Holder:
    """A run that holds devices of a spot."""

    run_id: int
    spot: Spot
    devices: int
    left_s: float | None = None
    """Seconds until it ends, as it says itself."""
    priority: int = 0
    began: float = 0.0
    """When its attempt began; larger is younger."""
    may_leave: bool = True
    """It can save its state and leave now."""
    makes_room_for: int | None = None


@dataclass(frozen=True)
class Start:
    """A run that is to start now."""

    wish: Wish
    spot: Spot


@dataclass(frozen=True)
class Kept:
    """A reservation: devices of a spot are kept free for a run until it fits."""

    run_id: int
    spot: Spot
    for_s: float | None
    """How long others may use them; None lets nobody."""


@dataclass
class Quota:
    """A limit, and what of it is used."""

    whose: str
    """As in "ada's limit"."""
    runs: int | None
    devices: int | None
    used_runs: int = 0
    used_devices: int = 0

    def refusal(self, devices: int) -> str | None:
        """Why a run of so many devices may not start now, in words."""
        if self.devices is not None and devices > self.devices:
            return (
                f"It needs {devices} devices, and {self.whose} is {self.devices}: raise it, or ask for fewer."
            )
        if self.runs is not None and self.used_runs >= self.runs:
            return f"{_capital(self.whose)} of {self.runs} running {_runs(self.runs)} is reached."
        if self.devices is not None and self.used_devices + devices > self.devices:
            what = f"{self.devices} {'device' if self.devices == 1 else 'devices'}"
            return (
                f"{_capital(self.whose)} of {what} leaves {self.devices - self.used_devices}, "
                f"and it needs {devices}."
            )
        return None

    def use(self, devices: int) -> None:
        self.used_runs += 1
        self.used_devices += devices


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("the ") else text


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"


@dataclass
class Quotas:
    """Limits of users and of experiments."""

    of_users: Mapping[int, Quota] = field(default_factory=dict)
    of_experiments: Mapping[int, Quota] = field(default_factory=dict)

    def of(self, wish: Wish) -> list[Quota]:
        both = (self.of_users.get(wish.owner_id or 0), self.of_experiments.get(wish.experiment_id or 0))
        return [quota for quota in both if quota is not None]

    def refusal(self, wish: Wish) -> str | None:
        return next((text for quota in self.of(wish) if (text := quota.refusal(wish.devices))), None)


@dataclass
class Plan:
    """What is to happen now. ``starts`` are in the order of the queue."""

    rooms: Sequence[HostRoom]
    holders: Sequence[Holder] = ()
    quotas: Quotas = field(default_factory=Quotas)
    asking: str | None = None
    """The host that could start something at once."""
    starts: dict[int, Start] = field(default_factory=dict)
    kept: dict[Spot, Kept] = field(default_factory=dict)
    waiting: list[Wish] = field(default_factory=list)
    """Those that something is kept for."""
    free: dict[Spot, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free = {
            Spot(room.name, kind): room.free[kind] for room in self.rooms for kind in room.total if kind
        }

    def starts_on(self, host: str) -> list[Start]:
        return [start for start in self.starts.values() if start.spot.host == host]

    def kept_for(self, run_id: int) -> Kept | None:
        return next((kept for kept in self.kept.values() if kept.run_id == run_id), None)

    def may_use(self, spot: Spot, wish: Wish) -> bool:
        kept = self.kept.get(spot)
        return kept is None or wish.certainly_ends_within(kept.for_s)

    def is_settled(self) -> bool:
        """Whether nobody who comes later could start, or have anything kept for him."""
        return all(spot in self.kept and free == 0 for spot, free in self.free.items())


def make_plan(
    wishes: Iterable[Wish],
    rooms: Sequence[HostRoom],
    holders: Sequence[Holder] = (),
    quotas: Quotas | None = None,
    *,
    asking: str | None = None,
) -> Plan:
    """``rooms`` are those of hosts that take runs now; ``wishes`` stand in the order of the queue."""
    plan = Plan(rooms, holders, quotas or Quotas(), asking)
    hopeless: set[tuple[object, ...]] = set()
    for wish in wishes:
        # What was in vain for the like of it is in vain for it: devices only get fewer on the way.
        alike = (wish.devices, wish.accelerator, *wish.labels, wish.expected_s, tuple(wish.excluded))
        if alike in hopeless or plan.quotas.refusal(wish) is not None:
            continue
        if plan.is_settled():
            break
        _place(wish, plan)
        if wish.run_id not in plan.starts:
            hopeless.add(alike)
    return plan


def _place(wish: Wish, plan: Plan) -> None:
    able = [wish.spot_in(room) for room in plan.rooms if wish.is_carried_by(room)]
    fitting = [spot for spot in able if plan.free[spot] >= wish.devices and plan.may_use(spot, wish)]
    if fitting:
        spot = min(fitting, key=lambda spot: _order(spot, wish, plan))
        plan.free[spot] -= wish.devices
        plan.starts[wish.run_id] = Start(wish, spot)
        for quota in plan.quotas.of(wish):
            quota.use(wish.devices)
    elif able and not any(spot in plan.kept for spot in able):
        kept = _reservation(wish, able, plan)
        plan.kept[kept.spot] = kept
        plan.waiting.append(wish)


def _order(spot: Spot, wish: Wish, plan: Plan) -> tuple[bool, int, bool, str]:
    """The fullest that fits, so that others stay whole for those who need many."""
    is_away = wish.waited_s > PATIENCE_S and spot.host != plan.asking
    return is_away, plan.free[spot], spot.host != wish.kept_host, spot.host


def _reservation(wish: Wish, able: Sequence[Spot], plan: Plan) -> Kept:
    """Where it was before, else where it will fit soonest. To move it would begin its waiting anew."""
    before = [spot for spot in able if spot.host == wish.kept_host]

    def order(spot: Spot) -> tuple[float, int, str]:
        return fits_in_s(wish, spot, plan), wish.devices - plan.free[spot], spot.host

    spot = min(before or able, key=order)
    soonest = SOONER * fits_in_s(wish, spot, plan)
    # Once said, the moment is never put off, or those who slip past could do so for ever.
    until = soonest if wish.kept_for_s is None else min(soonest, wish.kept_for_s)
    return Kept(wish.run_id, spot, None if until == math.inf else until)


def fits_in_s(wish: Wish, spot: Spot, plan: Plan) -> float:
    """Seconds until enough devices of the spot are free, as its holders say; infinite when they do not."""
    missing = wish.devices - plan.free[spot]
    at_spot = [holder for holder in plan.holders if holder.spot == spot and holder.left_s is not None]
    for holder in sorted(at_spot, key=lambda holder: holder.left_s or 0.0):
        missing -= holder.devices
        if missing <= 0:
            return holder.left_s or 0.0
    return math.inf


@dataclass(frozen=True)
class Clearing:
    """Running ones that leave a spot to a waiting one."""

    spot: Spot
    leaving: tuple[Holder, ...]


def make_room(wish: Wish, plan: Plan, *, below: int) -> Clearing | None:
    """Whom a waiting run may displace: only of strictly lower priority, and below the number that the lab
    set; as few as are needed, the youngest first. None when that does not suffice, or is under way."""
    if any(holder.makes_room_for == wish.run_id for holder in plan.holders):
        return None
    able = [wish.spot_in(room) for room in plan.rooms if wish.is_carried_by(room)]
    found = [
        Clearing(spot, tuple(leaving))
        for spot in able
        if (leaving := _leaving(wish, spot, plan, min(below, wish.priority)))
    ]
    return min(found, key=_loss, default=None)


def _leaving(wish: Wish, spot: Spot, plan: Plan, below: int) -> list[Holder]:
    missing = wish.devices - plan.free[spot]
    may = [
        holder
        for holder in plan.holders
        if holder.spot == spot and holder.may_leave and holder.makes_room_for is None
        if holder.priority < below
    ]
    chosen: list[Holder] = []
    for holder in sorted(may, key=lambda holder: (holder.priority, -holder.began)):
        if sum(one.devices for one in chosen) < missing:
            chosen.append(holder)
    for holder in list(chosen):  # a large one that came last may make the first ones needless
        if sum(one.devices for one in chosen) - holder.devices >= missing:
            chosen.remove(holder)
    return chosen if chosen and sum(one.devices for one in chosen) >= missing else []


def _loss(clearing: Clearing) -> tuple[int, int, float, str]:
    leaving = clearing.leaving
    return (
        sum(holder.devices for holder in leaving),
        max(holder.priority for holder in leaving),
        -min(holder.began for holder in leaving),
        clearing.spot.host,
    )
