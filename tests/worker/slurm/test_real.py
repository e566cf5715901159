"""Runs as jobs of a real SLURM: to the end, cancelled, out of time, preempted, on a node that fails."""

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from backend.settings import Settings
from backend.slurm.record import live_profiles
from sce.definition import Compute, Evaluation, Pretrain
from sce.definition.data import VideoData
from tests.sce.evaluate.conftest import write_checkpoint
from tests.sce.tiny import STEPS, TRAIN_VIDEOS, make_videos, tiny
from tests.worker.conftest import eventually
from tests.worker.lab_worker import TRAINER
from tests.worker.slurm.conftest import SlurmShop, open_slurm_shop
from tests.worker.trainer import IGNORES_THE_STOP, RUNS_OUT_OF_MEMORY, WAITS
from worker.launchers.slurm import SlurmHandle
from worker.slurm.submit import mend_submissions

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]


def test_a_run_is_submitted_and_trained_to_its_end(slurm: SlurmShop) -> None:
    run_id = slurm.submit()
    run = slurm.until(run_id, "finished")
    assert slurm.losses(run_id) == [1, 2, 3]
    assert slurm.held() == [None], "it holds no device of this lab"
    (attempt,) = slurm.attempts(run_id)
    assert SlurmHandle.parse(str(attempt.handle)).profile_id == run.profile_id
    assert "hello from the trainer" in slurm.place.folder(run_id).log_file.read_text()
    page = slurm.page(run_id)
    assert page.job is not None
    assert (page.state, page.job.state, page.job.reason, page.waits_for) == (
        "finished",
        "COMPLETED",
        None,
        None,
    )


def test_two_ranks_on_two_nodes_train_one_run(trained: SlurmShop, tmp_path: Path) -> None:
    videos = make_videos(tmp_path / "videos")
    compute = {"accelerator": "cpu", "devices": 1, "nodes": 2, "loader_workers": 0}
    run_id = trained.submit(definition=tiny(videos, compute=compute))
    run = trained.until(run_id, "finished", "failed", within_s=90)
    assert (run.state, run.failure_sentence) == ("finished", None)
    assert run.step == STEPS
    (attempt,) = trained.attempts(run_id)
    assert attempt.world_size == 2
    page = trained.page(run_id)
    assert page.job is not None
    assert (page.state, page.job.state, page.job.nodes) == ("finished", "COMPLETED", "n[1-2]")


def test_two_nodes_measure_one_checkpoint(trained: SlurmShop, tmp_path: Path) -> None:
    """Each node has its share of the videos; the run has one bank, one journal and one score."""
    videos = make_videos(tmp_path / "videos")
    compute = {"accelerator": "cpu", "loader_workers": 0}
    untrained = tiny(videos, compute=compute)
    write_checkpoint(trained.place.settings.runs_dir / "100/checkpoints/initial.ckpt", untrained)
    protocol = {"kind": "retrieval", "ranks": [1, 2], "views": {"clips": 1, "crops": 1, "size": 16}}
    asked = {
        "kind": "evaluation",
        "checkpoint": {"path": "100/checkpoints/initial.ckpt"},
        "data": untrained.data.model_dump(),
        "protocol": protocol,
        "compute": {**compute, "nodes": 2},
    }
    run_id = trained.submit(definition=Evaluation.model_validate(asked))
    run = trained.until(run_id, "finished", "failed", within_s=90)
    assert (run.state, run.failure_sentence) == ("finished", None)
    assert trained.attempts(run_id)[0].world_size == 2
    page = trained.page(run_id)
    assert page.job is not None
    assert page.job.nodes == "n[1-2]"
    lines = [line.event for line in trained.place.folder(run_id).read()]
    assert [line["event"] for line in lines if line["event"] in ("start", "result", "end")] == [
        *("start", "result", "end")
    ]
    bank = np.load(trained.place.folder(run_id).features / "train.npz")["position"]
    assert sorted(bank) == list(range(TRAIN_VIDEOS))


def test_a_stop_lets_it_save_and_leaves_no_job(slurm: SlurmShop) -> None:
    run_id = slurm.submit(WAITS)
    slurm.until(run_id, "running")
    assert slurm.shown(run_id, "RUNNING").nodes in ("n1", "n2")
    slurm.stop(run_id)
    slurm.until(run_id, "stopped")
    assert slurm.attempts(run_id)[0].outcome == "stopped"
    assert slurm.page(run_id).failure is None
    assert eventually(lambda: not slurm.jobs_in_slurm())


def test_a_stop_of_a_run_in_slurms_queue_cancels_its_job(slurm: SlurmShop) -> None:
    first = slurm.submit(WAITS, extra=["exclusive"])
    slurm.until(first, "running")
    both = Pretrain(data=VideoData(root="videos"), seed=WAITS, compute=Compute(nodes=2))
    second = slurm.submit(definition=both)
    slurm.until(second, "starting")
    # Just after it was submitted SLURM has no reason yet.
    eventually(lambda: slurm.shown(second, "PENDING").reason == "Resources")
    assert "waits in SLURM's queue: it waits for nodes to become free" in str(slurm.page(second).waits_for)
    slurm.stop(second)
    slurm.until(second, "stopped")
    assert slurm.jobs_in_slurm() == [str(slurm.job(first).job)]


def test_a_job_that_somebody_cancels_is_said_so(slurm: SlurmShop) -> None:
    run_id = slurm.submit(IGNORES_THE_STOP)
    slurm.until(run_id, "running")
    slurm.cluster.ask("scancel", "--signal=KILL", "--full", str(slurm.job(run_id).job))
    slurm.cluster.ask("scancel", str(slurm.job(run_id).job))
    run = slurm.until(run_id, "failed")
    assert "was cancelled in SLURM" in str(run.failure_sentence)
    page = slurm.page(run_id)
    assert page.job is not None
    assert (page.state, page.job.state) == ("failed", "CANCELLED")


def test_what_the_log_says_of_a_failed_job_is_its_cause(slurm: SlurmShop) -> None:
    run = slurm.until(slurm.submit(RUNS_OUT_OF_MEMORY), "failed")
    assert run.failure_kind == "out_of_memory"
    assert "ended FAILED with exit status 1" in str(run.failure_sentence)


def test_before_the_time_limit_it_saves_and_is_submitted_again_once(
    trained: SlurmShop, tmp_path: Path
) -> None:
    """The signal is SLURM's own, sent to the batch script as it sends it before the limit."""
    videos = make_videos(tmp_path / "videos")
    long = tiny(videos, optimisation={"epochs": 400, "batch_size": 4})
    run_id = trained.submit(definition=long)
    trained.until(run_id, "running", within_s=60)
    eventually(lambda: trained.watch.look() or trained.run(run_id).step > 3, within_s=30)
    first = trained.job(run_id).job
    trained.cluster.ask("scancel", "--signal=USR1", "--batch", str(first))
    trained.until(run_id, "running", attempt=2, within_s=60)
    before, after = trained.attempts(run_id)
    assert before.outcome == "preempted"
    assert after.start_step is not None
    assert after.start_step > 3, "it goes on where it left"
    assert trained.jobs_in_slurm() == [str(trained.job(run_id).job)] != [str(first)]


def test_the_sites_own_clock_warns_one_that_saves_in_time_and_ends_one_that_does_not_listen(
    trained: SlurmShop, tmp_path: Path
) -> None:
    """Nobody helps: the warning before two minutes and the limit of one minute are SLURM's own."""
    elsewhere = Settings(home=tmp_path / "elsewhere", min_free_disk_gb=0)
    elsewhere.home.mkdir()
    deaf = open_slurm_shop(elsewhere, trained.cluster, (TRAINER,))
    long = tiny(make_videos(tmp_path / "videos"), optimisation={"epochs": 4000, "batch_size": 4})
    listens = trained.submit(definition=long, partition="short", time_limit_min=2, warn_s=30)
    ignores = deaf.submit(IGNORES_THE_STOP, partition="short", time_limit_min=1, warn_s=30)
    first = trained.job(listens).job
    trained.until(listens, "running", attempt=2, within_s=150)
    left, goes_on = trained.attempts(listens)
    assert (left.outcome, trained.in_slurm(first)) == ("preempted", "COMPLETED"), "it left by the warning"
    assert goes_on.start_step, "it goes on where it left"
    assert trained.jobs_in_slurm().count(str(trained.job(listens).job)) == 1
    deaf.until(ignores, "failed", within_s=120)
    page = deaf.page(ignores)
    assert page.failure is not None
    assert page.job is not None
    assert (page.failure.kind, page.job.state) == ("timeout", "TIMEOUT")
    assert "came to its time limit before anything was saved: raise" in page.failure.sentence
    deaf.place.engine.dispose()


def test_a_job_that_makes_room_for_another_is_submitted_again(slurm: SlurmShop) -> None:
    run_id = slurm.submit(WAITS, extra=["exclusive"])
    slurm.until(run_id, "running")
    slurm.cluster.ask("sbatch", "-p", "high", "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 3")
    again = slurm.until(run_id, "starting", attempt=2)
    assert "waits in SLURM's queue" in str(slurm.page(again.id).waits_for)
    slurm.until(run_id, "running", attempt=2)
    first, _ = slurm.attempts(run_id)
    assert (first.outcome, "made room for another" in str(first.sentence)) == ("preempted", True)
    assert slurm.page(run_id).attempts[-1].sentence == first.sentence


def test_a_run_whose_node_fails_goes_on_elsewhere(slurm: SlurmShop) -> None:
    run_id = slurm.submit(WAITS)
    slurm.until(run_id, "running")
    eventually(lambda: slurm.watch.look() or slurm.job(run_id).nodes)
    node = str(slurm.job(run_id).nodes)
    slurm.cluster.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    slurm.until(run_id, "running", attempt=2)
    first, _ = slurm.attempts(run_id)
    assert first.outcome == "preempted"
    assert f"failed ({node})" in str(first.sentence)
    shown = slurm.shown(run_id, "RUNNING")
    assert shown.nodes in {"n1", "n2"} - {node}
    assert slurm.page(run_id).attempts[-1].sentence == first.sentence


def test_a_controller_that_is_away_fails_nothing(slurm: SlurmShop) -> None:
    run_id = slurm.submit(WAITS)
    slurm.until(run_id, "running")
    slurm.cluster.stop_controller()
    eventually(lambda: slurm.watch.look() or slurm.watch.silent)
    away = slurm.page(run_id)
    assert away.state == "running"
    assert away.job is not None
    assert re.match(r"SLURM does not answer since \d\d:\d\d UTC: Unable to contact", str(away.job.sentence))
    steps = len(slurm.losses(run_id))
    eventually(lambda: slurm.watch.look() or len(slurm.losses(run_id)) > steps)
    slurm.cluster.start_controller()
    eventually(lambda: slurm.watch.look() or not slurm.watch.silent, within_s=30)
    assert slurm.shown(run_id, "RUNNING").silent_since is None
    assert (slurm.run(run_id).state, len(slurm.attempts(run_id))) == ("running", 1)
    slurm.stop(run_id)
    slurm.until(run_id, "stopped", within_s=60)


def test_a_job_whose_number_was_lost_is_found_again(
    slurm: SlurmShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.slurm.submit.record_handle", lambda *_, **__: None)
    run_id = slurm.submit(WAITS)
    assert slurm.attempts(run_id)[0].handle is None
    monkeypatch.undo()
    with slurm.place.looks.begin() as db:
        profiles = live_profiles(db)
    mend_submissions(slurm.place, slurm.watch.launcher, profiles, older_than=timedelta(0))
    slurm.until(run_id, "running")
    assert len(slurm.jobs_in_slurm()) == 1


def test_slurm_refuses_in_its_own_words(slurm: SlurmShop) -> None:
    run = slurm.until(slurm.submit(partition="nope"), "failed")
    assert "invalid partition specified: nope" in str(run.failure_sentence)
