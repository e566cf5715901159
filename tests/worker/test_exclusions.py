"""A rule of the laboratory keeps a failed run off the host, or the nodes, that it failed on."""

from dataclasses import replace

import pytest

from backend.compute.service import DeviceSpec, register_host
from backend.people.tables import User
from backend.runs import service
from backend.runs.claims import claim_next, fail
from backend.runs.detail import run_detail
from backend.runs.reading import get_run, run_view
from backend.runs.views import RunDetail
from backend.settings import RetryRule
from tests.worker.conftest import Shop
from tests.worker.lab_worker import TRAINER
from tests.worker.slurm.cluster import Cluster
from tests.worker.slurm.conftest import SlurmShop, cluster, open_slurm_shop  # noqa: F401 - a fixture
from tests.worker.trainer import RUNS_OUT_OF_MEMORY
from worker.runs import start_runs
from worker.sweep import sweep

BROKEN = RetryRule(pattern="Xid 79", label="A GPU of the host is broken.", exclude_host=True)
FULL = RetryRule(pattern="CUDA out of memory", label="Somebody else is on the GPU.", exclude_host=True)


@pytest.fixture
def ruled(shop: Shop) -> Shop:
    """A lab with a rule that excludes, where a failed run is started again at once."""
    settings = shop.place.settings.model_copy(update={"retry_rules": (BROKEN,), "retry_after_s": 0.0})
    return Shop(replace(shop.place, settings=settings))


def fails(shop: Shop, run_id: int, sentence: str) -> None:
    start_runs(shop.place)
    with shop.place.sessions.begin() as db:
        assert fail(
            db, run_id=run_id, attempt=get_run(db, run_id).attempt, kind="infrastructure", sentence=sentence
        )
    sweep(shop.place)
    sweep(shop.place)


def page(shop: Shop, run_id: int) -> RunDetail:
    with shop.place.looks.begin() as db:
        return run_detail(db, run_id, settings=shop.place.settings)


def another_host(shop: Shop) -> None:
    with shop.place.sessions.begin() as db:
        devices = [DeviceSpec("cpu", 0, "x86_64")]
        register_host(db, name="other", devices=devices, cpu_count=2, memory_bytes=1, versions={})


def test_a_run_keeps_off_the_host_that_failed_it_and_another_takes_it(ruled: Shop) -> None:
    run_id = ruled.queue()
    fails(ruled, run_id, BROKEN.label)
    assert ruled.run(run_id).state == "queued"
    assert start_runs(ruled.place) == 0
    here = ruled.place.host
    assert page(ruled, run_id).keeps_off == [here]
    assert page(ruled, run_id).waits_for == (
        f"It keeps off {here}, where it failed, and no other online host has 1 device: "
        "stop and retry it to try there again."
    )
    another_host(ruled)
    with ruled.place.sessions.begin() as db:
        claim = claim_next(db, host="other")
    assert claim is not None
    assert claim.run_id == run_id


def test_others_still_start_there(ruled: Shop) -> None:
    kept_off = ruled.queue()
    fails(ruled, kept_off, BROKEN.label)
    other = ruled.queue()
    assert start_runs(ruled.place) == 1
    assert (ruled.run(kept_off).state, ruled.run(other).state) == ("queued", "starting")


def test_a_failure_of_another_kind_excludes_nothing(ruled: Shop) -> None:
    run_id = ruled.queue()
    fails(ruled, run_id, "The disk was full.")
    assert page(ruled, run_id).keeps_off == []
    assert start_runs(ruled.place) == 1


def test_who_retries_it_by_hand_lets_it_try_there_again(ruled: Shop) -> None:
    run_id = ruled.queue()
    fails(ruled, run_id, BROKEN.label)
    with ruled.place.sessions.begin() as db:
        ada = User(name="ada", role="admin")
        db.add(ada)
        db.flush()
        service.stop_run(db, run_id, by=ada)
        again = "retry" if "retry" in run_view(db, get_run(db, run_id)).may else "resume"
        {"retry": service.retry_run, "resume": service.resume_run}[again](db, run_id, by=ada)
    assert page(ruled, run_id).keeps_off == []
    assert start_runs(ruled.place) == 1


@pytest.mark.xdist_group("slurm")
@pytest.mark.slow
def test_slurm_starts_it_on_another_node(shop: Shop, cluster: Cluster) -> None:  # noqa: F811 - a fixture
    rules = {"retry_rules": (FULL,), "retry_after_s": 0.0, "retry_limit": 1, "stop_grace_s": 5.0}
    slurm: SlurmShop = open_slurm_shop(shop.place.settings.model_copy(update=rules), cluster, (TRAINER,))
    run_id = slurm.submit(RUNS_OUT_OF_MEMORY)
    slurm.until(run_id, "failed")
    first = slurm.job(run_id).nodes
    sweep(slurm.place)
    sweep(slurm.place)
    slurm.until(run_id, "failed", attempt=2)
    assert {first, slurm.job(run_id).nodes} == {"n1", "n2"}
    assert slurm.page(run_id).keeps_off == [first]
    cluster.clear()
