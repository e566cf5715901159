"""A site with accounting: what became of a job is known long after its controller forgot it."""

from collections.abc import Iterator

import pytest

from backend.settings import Settings
from tests.worker.lab_worker import TRAINER
from tests.worker.slurm.accounting import AccountedCluster, running_accounted_cluster
from tests.worker.slurm.conftest import SlurmShop, open_slurm_shop
from tests.worker.trainer import IGNORES_THE_STOP, RUNS_OUT_OF_MEMORY, WAITS

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]


@pytest.fixture(scope="module")
def site() -> Iterator[AccountedCluster]:
    with running_accounted_cluster() as cluster:
        yield cluster


@pytest.fixture
def shop(settings: Settings, site: AccountedCluster) -> Iterator[SlurmShop]:
    shop = open_slurm_shop(settings.model_copy(update={"stop_grace_s": 5.0}), site, (TRAINER,))
    yield shop
    site.clear()
    shop.place.engine.dispose()


def ended_unseen(shop: SlurmShop, site: AccountedCluster, run_id: int, state: str) -> None:
    """The job ends while no worker looks, accounting writes it down, and the controller forgets it."""
    job = str(shop.job(run_id).job)
    site.until_accounted(job, state)
    site.forget_jobs()
    assert "Invalid job id" in site.refuses("scontrol", "show", "job", job)


def test_a_job_that_failed_while_nobody_looked_is_told_by_accounting(
    shop: SlurmShop, site: AccountedCluster
) -> None:
    run_id = shop.submit(RUNS_OUT_OF_MEMORY)
    ended_unseen(shop, site, run_id, "FAILED")
    run = shop.until(run_id, "failed", within_s=5)
    assert run.failure_kind == "out_of_memory"
    assert "ended FAILED with exit status 1" in str(run.failure_sentence)


def test_a_job_that_was_cancelled_while_nobody_looked_is_told_by_accounting(
    shop: SlurmShop, site: AccountedCluster
) -> None:
    run_id = shop.submit(IGNORES_THE_STOP)
    shop.until(run_id, "running")
    job = str(shop.job(run_id).job)
    site.ask("scancel", "--signal=KILL", "--full", job)
    site.ask("scancel", job)
    ended_unseen(shop, site, run_id, "CANCELLED")
    shop.until(run_id, "failed", within_s=5)
    page = shop.page(run_id)
    assert page.failure is not None
    assert f"job {job} was cancelled in SLURM" in page.failure.sentence
    assert page.job is not None
    assert page.job.state == "CANCELLED"


def test_a_job_whose_node_failed_while_nobody_looked_is_submitted_again(
    shop: SlurmShop, site: AccountedCluster
) -> None:
    run_id = shop.submit(WAITS)
    shop.until(run_id, "running")
    node = str(shop.shown(run_id, "RUNNING").nodes)
    site.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    site.until_accounted(str(shop.job(run_id).job), "NODE_FAIL")
    site.ask("scontrol", "update", f"nodename={node}", "state=resume")
    site.forget_jobs()
    shop.until(run_id, "running", attempt=2)
    first, _ = shop.attempts(run_id)
    assert (first.outcome, f"failed ({node})" in str(first.sentence)) == ("preempted", True)
    shop.stop(run_id)
    shop.until(run_id, "stopped")
