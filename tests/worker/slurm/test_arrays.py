"""Seeds of one launch as one array of SLURM: each run keeps its own folder, state, reason and end."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import update

from backend.runs.tables import Run
from backend.slurm.jobs import JobId
from backend.slurm.record import JobSight, live_profiles
from tests.worker.conftest import eventually
from tests.worker.slurm.conftest import SlurmShop, begun
from tests.worker.slurm.fake import FakeSlurm
from tests.worker.trainer import FINISHES, WAITS
from worker.launchers.slurm import SlurmHandle
from worker.slurm.asking import read_accounting, read_jobs, read_max_array, read_queue
from worker.slurm.states import WITHDRAWN
from worker.slurm.submit import mend_submissions


def submit_together(shop: SlurmShop, seeds: Sequence[int], **profile: object) -> list[int]:
    """Queued runs of one launch; they are submitted by the watch's first look."""
    ids = [shop.queue(seed) for seed in seeds]
    values = {"profile_id": shop.profile(**profile), "seed_group": "g"}
    with shop.place.sessions.begin() as db:
        db.execute(update(Run).where(Run.id.in_(ids)).values(**values))
    shop.watch.look()
    return ids


def jobs_of(shop: SlurmShop, ids: Sequence[int]) -> list[JobId]:
    return [SlurmHandle.parse(str(shop.attempts(run_id)[-1].handle)).job for run_id in ids]


def was_just_asked(lab: SlurmShop) -> None:
    """The site has said what it has, and is not asked again for a while."""
    lab.profile()
    lab.watch.look()
    lab.watch.poll_s = 3600.0


def array_folders(shop: SlurmShop) -> list[str]:
    return [folder.name for folder in shop.place.settings.runs_dir.glob(".array-*")]


def test_squeue_tells_each_task_also_where_it_writes_them_together() -> None:
    text = "1_0|RUNNING|2026-11-25T04:00:00|n1|None\n1_[2-3%2]|PENDING|N/A||JobArrayTaskLimit\n"
    told = {sight.job: (sight.state, sight.reason) for sight in read_queue(text)}
    waits = ("PENDING", "JobArrayTaskLimit")
    assert told == {JobId(1, 0): ("RUNNING", ""), JobId(1, 2): waits, JobId(1, 3): waits}


def test_accounting_and_the_controller_name_a_task_alike() -> None:
    (by_sacct,) = read_accounting("12_3|FAILED|1:0|n1|None\n12_3.batch|FAILED|1:0|n1|\n")
    about = "JobId=15 ArrayJobId=12 ArrayTaskId=3 JobState=FAILED Reason=None NodeList=n1 ExitCode=1:0"
    (by_scontrol,) = read_jobs(about)
    assert by_sacct == by_scontrol
    assert by_sacct.job == JobId(12, 3)
    together = about.replace("TaskId=3", "TaskId=0-2%2").replace("FAILED", "CANCELLED")
    assert [sight.job.task for sight in read_jobs(together)] == [0, 1, 2]
    assert [sight.job.task for sight in read_accounting("12_[0-1]|CANCELLED by 0|0:0||None")] == [0, 1]


def test_the_largest_array_is_read_from_the_configuration() -> None:
    assert read_max_array("MaxArraySize            = 1001\nMaxJobCount = 10000\n") == 1001
    assert read_max_array("MaxJobCount = 10000\n") is None


def test_seeds_go_out_at_once_and_each_has_its_own_handle(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    ids = submit_together(lab, [1, 2, 3])
    assert fake_slurm.arrays == [ids]
    assert jobs_of(lab, ids) == [JobId(3, 0), JobId(3, 1), JobId(3, 2)]
    assert [(lab.job(run_id).job, lab.job(run_id).task) for run_id in ids] == [(3, 0), (3, 1), (3, 2)]
    assert lab.job(ids[1]).name == "3_1"
    (folder,) = array_folders(lab)
    links = sorted((lab.place.settings.runs_dir / folder).iterdir())
    assert [link.resolve() for link in links] == [lab.place.folder(run_id).path for run_id in ids]


def test_a_lost_answer_is_found_task_by_task_and_nothing_goes_out_twice(
    lab: SlurmShop, fake_slurm: FakeSlurm
) -> None:
    was_just_asked(lab)
    fake_slurm.away, fake_slurm.takes_silently = "Socket timed out", True
    ids = submit_together(lab, [1, 2, 3])
    assert [lab.attempts(run_id)[0].handle for run_id in ids] == [None] * 3
    fake_slurm.away, lab.watch.poll_s = None, 0.0
    lab.watch.look()
    assert jobs_of(lab, ids) == [JobId(3, 0), JobId(3, 1), JobId(3, 2)]
    assert fake_slurm.submitted == ids


def test_an_array_that_never_arrived_goes_out_again(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    was_just_asked(lab)
    fake_slurm.away = "Socket timed out"
    ids = submit_together(lab, [1, 2])
    fake_slurm.away, lab.watch.poll_s = None, 0.0
    lab.watch.look()
    assert fake_slurm.arrays == [ids]
    assert [lab.run(run_id).attempt for run_id in ids] == [2, 2]


def test_a_refused_array_fails_each_with_slurms_words_and_the_remedy(
    lab: SlurmShop, fake_slurm: FakeSlurm
) -> None:
    fake_slurm.refuses = "Job violates accounting/QOS policy"
    ids = submit_together(lab, [1, 2])
    said = {(lab.run(run_id).state, str(lab.run(run_id).failure_sentence)) for run_id in ids}
    ((state, sentence),) = said
    assert state == "failed"
    assert "violates accounting/QOS policy" in sentence
    assert "one submission with 1 more: a profile without arrays submits each by itself" in sentence


def test_one_that_cannot_be_made_ready_does_not_hold_up_the_others(
    lab: SlurmShop, fake_slurm: FakeSlurm
) -> None:
    lab.place.settings.runs_dir.mkdir(parents=True)
    (lab.place.settings.runs_dir / "2").write_text("a file, where the run's folder would be")
    first, second, third = submit_together(lab, [1, 2, 3])
    assert fake_slurm.arrays == [[first, third]]
    assert lab.run(second).failure_kind == "infrastructure"
    assert [job.task for job in jobs_of(lab, [first, third])] == [0, 2]


def test_a_task_that_is_submitted_again_is_a_job_of_its_own(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    ids = submit_together(lab, [1, 2])
    begun(lab, ids[0])
    taken = jobs_of(lab, ids)[0]
    fake_slurm.says[taken] = JobSight(taken, "NODE_FAIL", nodes="n1")
    lab.watch.look()
    again, other = jobs_of(lab, ids)
    assert (lab.run(ids[0]).attempt, again.task) == (2, None)
    assert other.task == 1
    assert lab.attempts(ids[0])[1].array is None


def test_a_task_that_its_array_lacks_was_cancelled_if_it_had_not_begun(
    lab: SlurmShop, fake_slurm: FakeSlurm
) -> None:
    """SLURM keeps nothing of a task that was cancelled while it waited."""
    waits, began = submit_together(lab, [1, 2])
    begun(lab, began)
    for job in jobs_of(lab, [waits, began]):
        fake_slurm.says[job] = JobSight(job, WITHDRAWN)
    lab.watch.look()
    run = lab.run(waits)
    assert (run.state, lab.job(waits).state) == ("failed", "CANCELLED")
    assert "job 2_0 was cancelled in SLURM" in str(run.failure_sentence)
    assert (lab.run(began).state, lab.job(began).state) == ("running", "VANISHED"), "it is waited for"


def test_the_links_go_with_the_last_run_of_an_array(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    ids = submit_together(lab, [1, 2])
    for run_id, job in zip(ids, jobs_of(lab, ids), strict=True):
        begun(lab, run_id).end("finished")
        fake_slurm.says[job] = JobSight(job, "COMPLETED")
        lab.watch.sites_at.pop("to adopt", None)
        lab.watch.look()
        assert lab.run(run_id).state == "finished"
        assert len(array_folders(lab)) == 1
    lab.watch.sites_at.pop("to adopt", None)
    lab.watch.look()
    assert array_folders(lab) == []
    assert all(lab.place.folder(run_id).path.is_dir() for run_id in ids)


@pytest.mark.xdist_group("slurm")
@pytest.mark.slow
class TestOnARealSlurm:
    def test_three_seeds_are_one_array_and_one_is_cancelled_alone(self, slurm: SlurmShop) -> None:
        ids = submit_together(slurm, [FINISHES, FINISHES, WAITS])
        jobs = jobs_of(slurm, ids)
        assert {job.number for job in jobs} == {jobs[0].number}
        assert [job.task for job in jobs] == [0, 1, 2]
        short, other, waits = ids
        for run_id in (short, other):
            slurm.until(run_id, "finished")
            assert slurm.losses(run_id) == [1, 2, 3]
            assert "hello from the trainer" in slurm.place.folder(run_id).log_file.read_text()
        slurm.until(waits, "running")
        assert slurm.shown(waits, "RUNNING").task == 2
        slurm.cluster.ask("scancel", "--signal=KILL", "--full", str(jobs[2]))
        slurm.cluster.ask("scancel", str(jobs[2]))
        run = slurm.until(waits, "failed")
        assert f"job {jobs[2]} was cancelled in SLURM" in str(run.failure_sentence)
        pages = [slurm.page(run_id) for run_id in ids]
        assert [page.job and page.job.state for page in pages] == ["COMPLETED", "COMPLETED", "CANCELLED"]
        assert [page.state for page in pages] == ["finished", "finished", "failed"]
        assert not slurm.jobs_in_slurm()

    def test_a_task_that_waits_says_why_and_is_stopped_alone(self, slurm: SlurmShop) -> None:
        ids = submit_together(slurm, [WAITS, WAITS, WAITS], array_limit=1)
        first, second, third = ids
        slurm.until(first, "running")
        eventually(lambda: slurm.shown(second, "PENDING").reason == "JobArrayTaskLimit")
        said = str(slurm.page(second).waits_for)
        assert (
            f"Job {jobs_of(slurm, [second])[0]} waits in SLURM's queue: others of its array go first" in said
        )
        slurm.stop(second)
        stopped = slurm.until(second, "stopped", within_s=20)
        assert stopped.failure_sentence is None
        assert slurm.page(second).job is not None
        assert (slurm.run(first).state, slurm.run(third).state) == ("running", "starting")
        slurm.stop(first)
        slurm.until(first, "stopped")
        slurm.until(third, "running")
        slurm.stop(third)
        slurm.until(third, "stopped")
        assert eventually(lambda: not slurm.jobs_in_slurm())

    def test_a_task_that_is_warned_goes_on_alone_as_a_plain_job(self, slurm: SlurmShop) -> None:
        """The signal before the time limit reaches the one task; a stop file makes its trainer leave."""
        one, other = submit_together(slurm, [WAITS, WAITS])
        for run_id in (one, other):
            slurm.until(run_id, "running")
        before = jobs_of(slurm, [one, other])
        slurm.cluster.ask("scancel", "--signal=USR1", "--batch", str(before[0]))
        slurm.until(one, "running", attempt=2)
        after = jobs_of(slurm, [one, other])
        assert (after[0].task, after[1]) == (None, before[1])
        assert slurm.attempts(one)[0].outcome == "preempted"
        assert len(slurm.attempts(other)) == 1

    def test_an_array_whose_number_was_lost_is_found_again(
        self, slurm: SlurmShop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The worker went between sbatch and its note; by then one task had begun and others waited."""
        monkeypatch.setattr("worker.slurm.submit.record_handle", lambda *_, **__: None)
        ids = submit_together(slurm, [WAITS, WAITS, WAITS], array_limit=1)
        assert [slurm.attempts(run_id)[0].handle for run_id in ids] == [None] * 3
        eventually(lambda: slurm.cluster.ask("squeue", "-h", "-t", "running", "-o", "%i"))
        monkeypatch.undo()
        with slurm.place.looks.begin() as db:
            profiles = live_profiles(db)
        mend_submissions(slurm.place, slurm.watch.launcher, profiles, older_than=timedelta(0))
        assert [job.task for job in jobs_of(slurm, ids)] == [0, 1, 2]
        slurm.until(ids[0], "running")
        assert slurm.cluster.ask("squeue", "-h", "-r", "-o", "%F").split() == [str(slurm.job(ids[0]).job)] * 3
