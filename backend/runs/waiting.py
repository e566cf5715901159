"""Why a queued run has not started, in words."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.compute.leases import HostRoom, rooms
from backend.datasets.tables import Dataset
from backend.runs.life import QUEUED, STARTING
from backend.runs.placing import Kept, Plan, Wish
from backend.runs.queue import in_order, plan_now
from backend.runs.tables import Run
from backend.slurm import reading as slurm


def reasons(db: Session, runs: Sequence[Run], datasets: Mapping[int, Dataset]) -> dict[int, str]:
    """A sentence for each queued run; the hosts and the queue are read once for all of them."""
    waiting = [run for run in runs if run.state == QUEUED and run.profile_id is None]
    submitted = _slurm_reasons(db, runs, datasets)
    if not waiting:
        return submitted
    hosts = rooms(db)
    plan = plan_now(db, hosts=hosts)
    asked = select(Run.id)
    places = {run_id: place for place, run_id in enumerate(db.scalars(in_order(asked)))}
    return submitted | {
        run.id: _data_reason(datasets.get(run.dataset_id or 0))
        or _made_room(run) + (_host_reason(run, hosts) or _queue_reason(run, plan, places.get(run.id, 0)))
        for run in waiting
    }


def _slurm_reasons(db: Session, runs: Sequence[Run], datasets: Mapping[int, Dataset]) -> dict[int, str]:
    """Runs of SLURM profiles, until their first journal line."""
    waiting = {run.id: run for run in runs if run.profile_id and run.state in (QUEUED, STARTING)}
    # The job of a run that is queued again is the last attempt's: it says nothing of the next.
    asked = {
        run.id: (run.profile_id, run.attempt if run.state == STARTING else run.attempt + 1)
        for run in waiting.values()
        if run.profile_id
    }
    found = {
        run_id: _data_reason(datasets.get(waiting[run_id].dataset_id or 0)) or slurm.waits_for(where)
        for run_id, where in slurm.whereabouts(db, asked).items()
    }
    return {run_id: sentence for run_id, sentence in found.items() if sentence}


def _data_reason(dataset: Dataset | None) -> str | None:
    if dataset is None or dataset.state == "ready":
        return None
    if dataset.state == "failed":
        return f"Data set {dataset.name} could not be indexed: index it again on its page."
    return f"Data set {dataset.name} is being indexed."


def _made_room(run: Run) -> str:
    return f"It made room for run {run.makes_room_for_id}. " if run.makes_room_for_id is not None else ""


def _host_reason(run: Run, hosts: Sequence[HostRoom]) -> str | None:
    """Why no host could carry it, whatever is free."""
    online = [host for host in hosts if host.is_online]
    taking = [host for host in online if host.is_taking]
    wish = wish_of(run)
    able = [host for host in taking if wish.is_carried_by(host)]
    if not online:
        return "No worker is online: start one with `scelab up`."
    if not taking:
        return "Every host is drained: let one take runs again on the Hosts page."
    if not able:
        return _kept_off(wish, taking) or _lack(wish, taking)
    short = [host.disk_short for host in able if host.disk_short]
    return short[0] if len(short) == len(able) else None


def _kept_off(wish: Wish, hosts: Sequence[HostRoom]) -> str | None:
    """Only hosts that it failed on could carry it."""
    if not any(wish._replace(excluded=()).is_carried_by(host) for host in hosts):
        return None
    return (
        f"It keeps off {' and '.join(wish.excluded)}, where it failed, and no other online host has "
        f"{_what(wish)}: stop and retry it to try there again."
    )


def _lack(wish: Wish, hosts: Sequence[HostRoom]) -> str:
    for label in wish.labels:
        if not any(label in host.labels for host in hosts):
            return f"No online host has label {label}."
    labelled = f" with {' and '.join(wish.labels)}" if wish.labels else ""
    return f"No online host has {_what(wish)}{labelled}."


def _queue_reason(run: Run, plan: Plan, place: int) -> str:
    wish = wish_of(run)
    if run.id in plan.starts:
        return "A worker is about to start it."
    refusal = plan.quotas.refusal(wish)
    if refusal is not None:
        return refusal
    kept = plan.kept_for(run.id)
    if kept is not None:
        return _head_reason(wish, kept, plan)
    able = [wish.spot_in(room) for room in plan.rooms if wish.is_carried_by(room)]
    passed = next((spot for spot in able if plan.free[spot] >= wish.devices and spot in plan.kept), None)
    if passed is not None:
        return (
            f"What is free on {passed.host} is kept for run {plan.kept[passed].run_id}, which is ahead of it."
        )
    if place == 0:
        return f"It is next: it waits for {_what(wish)} to become free."
    return f"{place} {'run is' if place == 1 else 'runs are'} ahead of it; it needs {_what(wish)}."


def _head_reason(wish: Wish, kept: Kept, plan: Plan) -> str:
    leaving = [holder.run_id for holder in plan.holders if holder.makes_room_for == wish.run_id]
    if leaving:
        who = " and ".join(f"run {number}" for number in leaving)
        return f"It is next: {who} {'makes' if len(leaving) == 1 else 'make'} room for it."
    where = f" on {kept.spot.host}" if len(plan.rooms) > 1 else ""
    return f"It is next: it waits for {_what(wish)} to become free{where}."


def needs(run: Run) -> str:
    """What it takes to start the run, in words."""
    if run.profile_id is not None:
        return "a job of SLURM"
    return _what(wish_of(run)) + (f" with {' and '.join(run.labels)}" if run.labels else "")


def wish_of(run: Run) -> Wish:
    own = (run.id, run.devices, run.accelerator, run.labels, run.priority, run.owner_id, run.experiment_id)
    return Wish(*own, run.expected_s, excluded=run.excluded)


def _what(wish: Wish) -> str:
    return f"{wish.devices} {_kind_words(wish.accelerator, wish.devices)}"


def _kind_words(accelerator: str, count: int) -> str:
    word = {"gpu": "GPU", "cpu": "CPU slot", "auto": "device"}[accelerator]
    return word if count == 1 else f"{word}s"
