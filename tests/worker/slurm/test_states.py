"""The table of SLURM's state and the journal's word, row by row."""

from typing import Any

import pytest

from backend.slurm.jobs import JobId
from backend.slurm.record import JobSight
from worker.slurm.asking import moment, read_accounting, read_jobs, read_partitions, read_queue
from worker.slurm.states import (
    AT_WORK,
    OUT_OF_TIME,
    TAKEN_AWAY,
    VANISHED,
    WAITING,
    Deed,
    Told,
    decide,
    told_by,
)

ENDS = (Told.FINISHED, Told.STOPPED, Told.PREEMPTED, Told.FAILED)
UNDER_WAY = (Told.BEGUN, Told.SAVED)
ENDED = ("COMPLETED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED", "CANCELLED", VANISHED)


def verdict(state: str, told: Told, **more: Any) -> Deed:
    return decide(JobSight(JobId(7), state, **more), told).deed


@pytest.mark.parametrize(
    ("state", "told", "deed"),
    [
        ("PENDING", Told.NOTHING, Deed.WAIT),
        ("CONFIGURING", Told.NOTHING, Deed.WAIT),
        ("PENDING", Told.BEGUN, Deed.TAKE_BACK),  # SLURM requeued it under its own number
        ("PENDING", Told.PREEMPTED, Deed.TAKE_BACK),
        ("REQUEUED", Told.NOTHING, Deed.TAKE_BACK),
        ("REQUEUE_HOLD", Told.SAVED, Deed.TAKE_BACK),
        ("RUNNING", Told.NOTHING, Deed.WATCH),
        ("RUNNING", Told.SAVED, Deed.WATCH),
        ("RUNNING", Told.FINISHED, Deed.WATCH),  # its processes are still there
        ("COMPLETING", Told.BEGUN, Deed.WATCH),
        ("COMPLETING", Told.FAILED, Deed.WATCH),
        ("SUSPENDED", Told.BEGUN, Deed.WATCH),
        ("COMPLETED", Told.NOTHING, Deed.LOOK),
        ("COMPLETED", Told.BEGUN, Deed.LOOK),
        ("FAILED", Told.NOTHING, Deed.LOOK),
        ("FAILED", Told.SAVED, Deed.LOOK),
        ("TIMEOUT", Told.NOTHING, Deed.FAIL),
        ("TIMEOUT", Told.BEGUN, Deed.FAIL),  # it would come no further the next time
        ("TIMEOUT", Told.SAVED, Deed.REQUEUE),
        ("DEADLINE", Told.BEGUN, Deed.FAIL),
        ("OUT_OF_MEMORY", Told.NOTHING, Deed.FAIL),
        ("OUT_OF_MEMORY", Told.SAVED, Deed.FAIL),
        ("NODE_FAIL", Told.NOTHING, Deed.REQUEUE),
        ("NODE_FAIL", Told.BEGUN, Deed.REQUEUE),
        ("BOOT_FAIL", Told.NOTHING, Deed.REQUEUE),
        ("PREEMPTED", Told.NOTHING, Deed.REQUEUE),
        ("PREEMPTED", Told.SAVED, Deed.REQUEUE),
        ("CANCELLED", Told.NOTHING, Deed.CANCELLED),
        ("CANCELLED", Told.SAVED, Deed.CANCELLED),
        (VANISHED, Told.NOTHING, Deed.LOOK),
        (VANISHED, Told.SAVED, Deed.LOOK),
        ("A_WORD_OF_A_LATER_VERSION", Told.BEGUN, Deed.LOOK),
    ],
)
def test_a_row_of_the_table(state: str, told: Told, deed: Deed) -> None:
    assert verdict(state, told) is deed


@pytest.mark.parametrize("state", ENDED)
@pytest.mark.parametrize("told", ENDS)
def test_what_the_trainer_said_of_its_end_stands(state: str, told: Told) -> None:
    assert verdict(state, told) is Deed.CLOSE


def test_a_job_that_slurm_started_twice_trained_nothing_and_is_submitted_again() -> None:
    assert verdict("FAILED", Told.SAVED, exit_code=75) is Deed.REQUEUE
    assert verdict("FAILED", Told.SAVED, exit_code=1) is Deed.LOOK


def test_no_state_is_in_two_groups() -> None:
    groups = [WAITING, AT_WORK, TAKEN_AWAY, OUT_OF_TIME]
    assert len(frozenset().union(*groups)) == sum(map(len, groups))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("NODE_FAIL", "A node of SLURM's job 7 failed (n2)."),
        ("PREEMPTED", "SLURM's job 7 made room for another."),
        ("TIMEOUT", "raise the profile's time limit or warning"),
        ("OUT_OF_MEMORY", "raise the profile's memory"),
        ("CANCELLED", "was cancelled in SLURM."),
        ("FAILED", "ended FAILED with exit status 9."),
    ],
)
def test_each_end_is_said_in_words(state: str, said: str) -> None:
    assert said in decide(JobSight(JobId(7), state, nodes="n2", exit_code=9), Told.BEGUN).sentence


def line(event: str, attempt: int = 1, **more: str) -> dict[str, Any]:
    return {"event": event, "attempt": attempt, **more}


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([], Told.NOTHING),
        ([line("start", 2), line("end", 2, status="finished")], Told.NOTHING),
        ([line("start")], Told.BEGUN),
        ([line("start"), line("checkpoint", kind="initial")], Told.BEGUN),
        ([line("start"), line("checkpoint", kind="periodic"), line("metrics")], Told.SAVED),
        ([line("start"), line("end", status="preempted")], Told.PREEMPTED),
        ([line("end", status="finished")], Told.FINISHED),
        ([line("end", status="a later word")], Told.FAILED),
    ],
)
def test_what_a_journal_tells_of_an_attempt(events: list[dict[str, Any]], told: Told) -> None:
    assert told_by(events, attempt=1) is told


def test_a_line_of_squeue_says_why_a_job_waits_and_when_it_may_start() -> None:
    (waits,) = read_queue("12|PENDING|2026-11-25T04:00:00||Resources\n")
    assert (waits.job, waits.state, waits.reason, waits.nodes) == (JobId(12), "PENDING", "Resources", "")
    assert waits.expected_at == moment("2026-11-25T04:00:00")
    (runs,) = read_queue("13|RUNNING|2026-11-25T04:00:00|n[1-2]|None\n")
    assert (runs.reason, runs.expected_at, runs.nodes) == ("", None, "n[1-2]")
    (unknown,) = read_queue("14|PENDING|N/A||(A reason|with a bar)\n")
    assert unknown.expected_at is None


def test_accounting_and_the_controller_say_the_same_of_an_end() -> None:
    (by_sacct,) = read_accounting("12|CANCELLED by 1000|0:15|n1|None\n12.batch|CANCELLED|0:15|n1|\n")
    about = "JobId=12 JobName=a b JobState=CANCELLED Reason=None ReqNodeList=(null) NodeList=n1"
    (by_scontrol,) = read_jobs(f"{about} PreemptTime=None ExitCode=0:15\n")
    assert by_sacct == by_scontrol
    assert (by_sacct.state, by_sacct.exit_signal) == ("CANCELLED", 15)


def test_a_partition_of_two_kinds_of_nodes_is_one() -> None:
    lines = [
        "gpu|up|1-00:00:00|4|64|512000|gpu:a100:8",
        "gpu|up|1-00:00:00|2|64|512000|gpu:h100:8",
        "long|down|infinite|1|8|1000|(null)",
    ]
    found = read_partitions("\n".join(lines))
    assert found["gpu"]["nodes"] == 6
    assert found["gpu"]["gres"] == "gpu:a100:8 gpu:h100:8"
    assert (found["long"]["state"], found["long"]["gres"]) == ("down", "")


def test_a_job_that_left_when_it_was_told_to_make_room_was_preempted() -> None:
    about = "JobId=12 JobState=FAILED Reason=NonZeroExitCode NodeList=n1 ExitCode=143:0"
    assert [one.state for one in read_jobs(f"{about} PreemptTime=2026-11-25T04:00:00")] == ["PREEMPTED"]
    assert [one.state for one in read_jobs(f"{about} PreemptTime=None")] == ["FAILED"]
