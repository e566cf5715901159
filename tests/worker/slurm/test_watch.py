"""What the watch decides where no SLURM is needed: silence, hosts that went away, jobs that vanish."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from backend.compute.tables import Host
from backend.db import now
from backend.runs.life import STOPPING, move
from backend.runs.tables import Run
from backend.settings import RetryRule, Settings
from backend.slurm.jobs import JobId
from backend.slurm.record import JobSight, Submission, live_profiles
from tests.worker.conftest import open_shop
from tests.worker.slurm.conftest import SlurmShop, begun, says
from tests.worker.slurm.fake import FakeSlurm
from worker.launchers import Handle
from worker.launchers.fake import FakeLauncher
from worker.slurm.submit import mend_submissions
from worker.slurm.watch import SlurmWatch


def test_a_run_waits_in_slurm_until_its_first_line(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    run_id = lab.submit()
    lab.watch.look()
    assert (lab.run(run_id).state, lab.job(run_id).reason) == ("starting", "Resources")
    says(lab, fake_slurm, "RUNNING", nodes="n1")
    begun(lab, run_id)
    lab.watch.look()
    assert (lab.run(run_id).state, lab.job(run_id).nodes) == ("running", "n1")


def test_a_job_that_began_just_after_slurm_was_asked_is_left_alone(
    lab: SlurmShop, fake_slurm: FakeSlurm
) -> None:
    run_id = lab.submit()
    begun(lab, run_id)
    says(lab, fake_slurm, "PENDING")
    assert (lab.run(run_id).state, fake_slurm.cancelled) == ("running", [])
    says(lab, fake_slurm, "RUNNING")
    assert (lab.run(run_id).attempt, fake_slurm.cancelled) == (1, [])


def test_an_end_line_counts_when_the_job_has_left(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    run_id = lab.submit()
    says(lab, fake_slurm, "RUNNING")
    begun(lab, run_id).end("finished")
    lab.watch.look()
    assert lab.run(run_id).state == "running"
    says(lab, fake_slurm, "COMPLETED")
    assert lab.run(run_id).state == "finished"


def test_what_stays_after_its_end_line_is_cancelled(
    lab: SlurmShop, fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.slurm.watch.TEARDOWN_S", -1.0)
    run_id = lab.submit()
    begun(lab, run_id).end("finished")
    says(lab, fake_slurm, "RUNNING")
    assert fake_slurm.cancelled == [JobId(1)]


def test_silence_is_said_once_and_fails_nothing(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    run_id = lab.submit()
    begun(lab, run_id)
    says(lab, fake_slurm, "RUNNING")
    fake_slurm.away = "Unable to contact slurm controller"
    lab.watch.look()
    first = lab.site().silent_since
    lab.watch.look()
    assert lab.site().silent_since == first is not None
    assert lab.run(run_id).state == "running", "its journal is read on"
    fake_slurm.away = None
    lab.watch.look()
    assert (lab.site().silent_since, lab.run(run_id).state) == (None, "running")


def test_nothing_is_submitted_into_silence(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    lab.submit()
    fake_slurm.away = "Connection refused"
    lab.watch.look()
    second = lab.submit()
    assert (lab.run(second).state, fake_slurm.submitted) == ("queued", [1])
    fake_slurm.away = None
    lab.watch.look()
    assert lab.run(second).state == "starting"


def test_a_submission_whose_answer_was_lost_is_found_and_not_made_twice(
    lab: SlurmShop, fake_slurm: FakeSlurm
) -> None:
    fake_slurm.away, fake_slurm.takes_silently = "Socket timed out", True
    lab.watch.polled_at[""], lab.watch.poll_s = time.monotonic(), 3600.0  # it was asked a moment ago
    run_id = lab.submit()
    assert (lab.run(run_id).state, lab.attempts(run_id)[0].handle) == ("starting", None)
    assert str(lab.site().words) == "Socket timed out"
    fake_slurm.away = None
    mend(lab)
    assert str(lab.attempts(run_id)[0].handle).startswith("slurm:1:")
    assert fake_slurm.submitted == [run_id]


def test_a_submission_that_never_arrived_is_queued_again(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    fake_slurm.away = "Socket timed out"
    lab.watch.polled_at[""], lab.watch.poll_s = time.monotonic(), 3600.0
    run_id = lab.submit()
    fake_slurm.away = None
    mend(lab)
    assert (lab.run(run_id).state, lab.attempts(run_id)[0].outcome) == ("queued", "requeued")


def test_a_submission_without_an_answer_is_made_again_as_soon_as_slurm_answers(
    lab: SlurmShop, fake_slurm: FakeSlurm
) -> None:
    fake_slurm.away = "Socket timed out"
    lab.watch.polled_at[""], lab.watch.poll_s = time.monotonic(), 3600.0
    first, second = lab.submit(), lab.submit()
    assert [lab.run(number).state for number in (first, second)] == ["starting", "queued"]
    fake_slurm.away, lab.watch.poll_s = None, 0.0
    lab.watch.look()
    assert [attempt.outcome for attempt in lab.attempts(first)] == ["requeued", None]
    assert sorted(fake_slurm.submitted) == [first, second]


def mend(lab: SlurmShop) -> None:
    """What a watch does once a submission is old enough."""
    with lab.place.looks.begin() as db:
        profiles = live_profiles(db)
    mend_submissions(lab.place, lab.watch.launcher, profiles, older_than=timedelta(0))


def test_what_slurm_refuses_fails_with_its_words(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    fake_slurm.refuses = "Invalid account or account/partition combination specified"
    run = lab.run(lab.submit())
    assert (run.state, run.failure_kind) == ("failed", "user_error")
    assert "Invalid account" in str(run.failure_sentence)


def test_a_stop_of_a_waiting_run_cancels_its_job(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    run_id = lab.submit()
    lab.stop(run_id)
    lab.watch.look()
    assert fake_slurm.cancelled == [JobId(1)]
    says(lab, fake_slurm, "CANCELLED")
    assert lab.run(run_id).state == "stopped"


def test_who_does_not_leave_in_time_is_cancelled(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    run_id = lab.submit()
    begun(lab, run_id)
    says(lab, fake_slurm, "RUNNING")
    lab.stop(run_id)
    lab.watch.look()
    assert (lab.place.folder(run_id).stop_requested(), fake_slurm.cancelled) == ("stop", [])
    with lab.place.sessions.begin() as db:
        db.execute(update(Run).values(state_since=now() - timedelta(minutes=1)))
    lab.watch.look()
    assert JobId(1) in fake_slurm.cancelled


def test_a_job_that_slurm_queues_again_by_itself_is_taken_back(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    run_id = lab.submit()
    begun(lab, run_id)
    says(lab, fake_slurm, "RUNNING")
    says(lab, fake_slurm, "PENDING", reason="BeginTime")
    assert fake_slurm.cancelled == [JobId(1)]
    assert (lab.run(run_id).attempt, fake_slurm.submitted) == (2, [run_id, run_id])


def test_a_job_that_vanished_while_its_journal_grows_is_waited_for(
    lab: SlurmShop, fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = lab.submit()
    begun(lab, run_id)
    del fake_slurm.says[JobId(1)]
    lab.watch.look()
    assert lab.run(run_id).state == "running"
    monkeypatch.setattr("worker.slurm.watch.FORGOTTEN_S", -1.0)
    lab.watch.look()
    run = lab.run(run_id)
    assert (run.state, run.failure_kind) == ("failed", "lost")
    assert "SLURM does not know job 1 any more" in str(run.failure_sentence)


def test_a_job_that_wrote_nothing_may_not_have_seen_its_folder(lab: SlurmShop, fake_slurm: FakeSlurm) -> None:
    run_id = lab.submit()
    says(lab, fake_slurm, "FAILED", exit_code=1)
    run = lab.run(run_id)
    assert run.failure_kind == "infrastructure"
    assert "do compute nodes see the profile's runs folder?" in str(run.failure_sentence)


def test_the_labs_own_rules_name_what_a_jobs_log_says(settings: Settings, fake_slurm: FakeSlurm) -> None:
    rule = RetryRule(pattern="Stale file handle", label="The file server hiccuped.")
    place = open_shop(settings.model_copy(update={"retry_rules": (rule,)}), FakeLauncher()).place
    lab = SlurmShop(place, None, SlurmWatch(place, fake_slurm, poll_s=0.0))  # type: ignore[arg-type]  # no cluster
    run_id = lab.submit()
    says(lab, fake_slurm, "RUNNING")
    begun(lab, run_id)
    place.folder(run_id).log_file.write_text("OSError: [Errno 116] Stale file handle")
    says(lab, fake_slurm, "FAILED", exit_code=1)
    run = lab.run(run_id)
    assert (run.failure_kind, "The file server hiccuped." in str(run.failure_sentence)) == (
        "infrastructure",
        True,
    )
    place.engine.dispose()


def test_jobs_of_a_worker_that_went_away_are_watched_by_another(
    lab: SlurmShop, fake_slurm: FakeSlurm
) -> None:
    run_id = lab.submit()
    with lab.place.sessions.begin() as db:
        db.add(Host(name="there", cpu_count=1, memory_bytes=1))
        db.execute(update(Host).where(Host.name == "here").values(seen_at=now() - timedelta(minutes=5)))
    other = SlurmWatch(replace(lab.place, host="there"), fake_slurm, poll_s=0.0)
    other.look()
    fake_slurm.says[JobId(1)] = JobSight(JobId(1), "RUNNING")
    begun(lab, run_id)
    other.look()
    assert (lab.run(run_id).state, lab.attempts(run_id)[0].host) == ("running", "there")


def test_a_stop_that_comes_between_claim_and_submission_is_kept(
    lab: SlurmShop, fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = fake_slurm.start

    def stopped_meanwhile(together: Sequence[Submission], runs_dir: Path) -> list[Handle]:
        with lab.place.sessions.begin() as db:
            move(db, db.get_one(Run, together[0].run_id), STOPPING)
        return start(together, runs_dir)

    monkeypatch.setattr(fake_slurm, "start", stopped_meanwhile)
    run_id = lab.submit()
    assert lab.place.folder(run_id).stop_requested() == "stop"
