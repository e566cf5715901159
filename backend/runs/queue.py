"""The queue of this lab's hosts as the record has it, and what is to happen with it now."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVarTuple

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.orm import Session

from backend.compute.leases import HostRoom, rooms
from backend.compute.tables import Device, Host
from backend.datasets.lookups import ready_ids
from backend.db import now
from backend.experiments import service as experiments
from backend.limits.service import all_limits
from backend.limits.tables import Limit
from backend.people.deeds import user_names
from backend.runs.life import HOLDING, QUEUED, RUNNING
from backend.runs.placing import Holder, Plan, Quota, Quotas, Spot, Wish, make_plan
from backend.runs.tables import Attempt, Run

Columns = TypeVarTuple("Columns")
AT_A_TIME = 500


def in_order(asked: Select[*Columns]) -> Select[*Columns]:
    """What waits for devices of this lab's hosts, the next first."""
    return (
        asked.where(Run.state == QUEUED, Run.profile_id.is_(None))
        .where(Run.dataset_id.is_(None) | Run.dataset_id.in_(ready_ids()))
        .order_by(Run.priority.desc(), Run.turn, Run.id)
    )


def wishes(db: Session) -> Iterator[Wish]:
    """The next first. Read by and by: who finds no device free reads no long queue."""
    moment = now()
    own = (Run.id, Run.devices, Run.accelerator, Run.labels, Run.priority, Run.owner_id, Run.experiment_id)
    asked = in_order(
        select(*own, Run.expected_s, Host.name, Run.reserved_until, Run.excluded, Run.state_since)
    )
    asked = asked.outerjoin(Host, Host.id == Run.reserved_host_id)
    with db.execute(asked, execution_options={"yield_per": AT_A_TIME}) as rows:
        for *known, until, excluded, since in rows:
            kept_for_s = None if until is None else (until - moment).total_seconds()
            yield Wish._make((*known, kept_for_s, excluded, (moment - since).total_seconds()))


def holders(db: Session) -> list[Holder]:
    """Runs that hold devices, once for each kind of device on each host."""
    own = (Run.id, Host.name.label("host"), Device.kind)
    columns = (Run.eta_s, Run.priority, Attempt.started_at, Run.state, Run.makes_room_for_id)
    asked = (
        select(*own, func.count().label("devices"), *columns)
        .join(Host, Host.id == Device.host_id)
        .join(Run, Run.id == Device.run_id)
        .join(Attempt, (Attempt.run_id == Run.id) & (Attempt.number == Run.attempt))
        .group_by(Run.id, Host.name, Device.kind, *columns)
        .order_by(Run.id)
    )
    return [_holder(row) for row in db.execute(asked)]


def _holder(row: Row[*tuple[Any, ...]]) -> Holder:  # Any: columns are asked for by name
    return Holder(
        run_id=row.id,
        spot=Spot(row.host, row.kind),
        devices=row.devices,
        left_s=row.eta_s,
        priority=row.priority,
        began=row.started_at.timestamp(),
        may_leave=row.state == RUNNING,
        makes_room_for=row.makes_room_for_id,
    )


def quotas(db: Session) -> Quotas:
    """The limits that are set, and what of each is used on this lab's hosts."""
    limits = all_limits(db)
    if not limits:
        return Quotas()
    found = Quotas(_of_users(db, limits), _of_experiments(db, limits))
    asked = select(Run.owner_id, Run.experiment_id, Run.devices)
    for owner_id, experiment_id, devices in db.execute(
        asked.where(Run.state.in_(HOLDING), Run.profile_id.is_(None))
    ):
        for quota in found.of(Wish(0, devices, owner_id=owner_id, experiment_id=experiment_id)):
            quota.use(devices)
    return found


def _of_users(db: Session, limits: Sequence[Limit]) -> dict[int, Quota]:
    set_of = {limit.user_id: limit for limit in limits if limit.user_id is not None}
    names = user_names(db, set_of)
    return {key: Quota(f"{names[key]}'s limit", limit.runs, limit.devices) for key, limit in set_of.items()}


def _of_experiments(db: Session, limits: Sequence[Limit]) -> dict[int, Quota]:
    set_of = {limit.experiment_id: limit for limit in limits if limit.experiment_id is not None}
    names = experiments.names(db, set_of)
    return {
        key: Quota(f"the limit of experiment {names[key]}", limit.runs, limit.devices)
        for key, limit in set_of.items()
    }


def plan_now(db: Session, *, asking: str | None = None, hosts: Sequence[HostRoom] | None = None) -> Plan:
    """What is to happen now. The host that asks is there, whatever its last sign of life says.

    ``hosts`` are those that the caller has read already.
    """
    hosts = rooms(db) if hosts is None else hosts
    taking = [room for room in hosts if room.may_start or (room.name == asking and room.is_taking)]
    return make_plan(wishes(db), taking, holders(db), quotas(db), asking=asking)


def keep_reservations(db: Session, plan: Plan) -> None:
    """Write down for whom devices are kept, so that nobody's waiting begins anew at the next look."""
    for wish in plan.waiting:
        kept = plan.kept_for(wish.run_id)
        assert kept is not None
        if wish.kept_host != kept.spot.host or not _is_about(wish.kept_for_s, kept.for_s):
            host_id = select(Host.id).where(Host.name == kept.spot.host).scalar_subquery()
            until = None if kept.for_s is None else now() + timedelta(seconds=kept.for_s)
            kept_now = update(Run).where(Run.id == kept.run_id, Run.state == QUEUED)
            db.execute(kept_now.values(reserved_host_id=host_id, reserved_until=until))


def _is_about(one: float | None, other: float | None) -> bool:
    """Not written again for a second or two that the time left was estimated anew."""
    if one is None or other is None:
        return one is other
    return abs(one - other) < 2.0
