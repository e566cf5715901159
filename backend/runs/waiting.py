"""Why a queued run has not started, in words."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from backend.compute.leases import HostRoom, rooms
from backend.datasets.tables import Dataset
from backend.runs.claims import queue
from backend.runs.life import QUEUED, STARTING
from backend.runs.tables import Run
from backend.slurm import reading as slurm

AWAY_AFTER_S = 15.0


def reasons(db: Session, runs: Sequence[Run], datasets: Mapping[int, Dataset]) -> dict[int, str]:
    """A sentence for each queued run; the hosts and the queue are read once for all of them."""
    waiting = [run for run in runs if run.state == QUEUED and run.profile_id is None]
    submitted = _slurm_reasons(db, runs, datasets)
    if not waiting:
        return submitted
    hosts = rooms(db)
    places = {run_id: place for place, (run_id, *_) in enumerate(db.execute(queue()).all())}
    return submitted | {
        run.id: _data_reason(datasets.get(run.dataset_id or 0))
        or _host_reason(run, hosts, places.get(run.id))
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


def _host_reason(run: Run, hosts: Sequence[HostRoom], place: int | None) -> str:
    online = [host for host in hosts if host.seen_s_ago < AWAY_AFTER_S]
    taking = [host for host in online if host.is_taking]
    accelerator = run.definition["compute"]["accelerator"]
    fitting = [host for host in taking if host.total[host.kind_for(accelerator)] >= run.devices]
    what = f"{run.devices} {_kind_words(accelerator, run.devices)}"
    if not online:
        return "No worker is online: start one with `scelab up`."
    if not taking:
        return "Every host is drained: let one take runs again on the Hosts page."
    if not fitting:
        return f"No online host has {what}."
    short = [host.disk_short for host in fitting if host.disk_short]
    if len(short) == len(fitting):
        return short[0]
    if place:
        return f"{place} {'run is' if place == 1 else 'runs are'} ahead of it; it needs {what}."
    free = [host for host in fitting if host.free[host.kind_for(accelerator)] >= run.devices]
    return "A worker is about to start it." if free else f"It is next: it waits for {what} to become free."


def _kind_words(accelerator: str, count: int) -> str:
    word = {"gpu": "GPU", "cpu": "CPU slot", "auto": "device"}[accelerator]
    return word if count == 1 else f"{word}s"
