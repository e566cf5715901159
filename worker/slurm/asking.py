"""What is asked of SLURM, and its answers as values: one poll for all jobs of a site."""

import logging
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from backend.slurm.commands import Refused, Slurm
from backend.slurm.jobs import JobId, jobs_named, tasks_named
from backend.slurm.record import JobSight, SiteSight
from worker.slurm.states import VANISHED, WITHDRAWN

log = logging.getLogger(__name__)

QUEUE_FORMAT = "%i|%T|%S|%N|%r"
PARTITION_FORMAT = "%R|%a|%l|%D|%c|%m|%G"


def poll(slurm: Slurm, jobs: Collection[JobId]) -> dict[JobId, JobSight]:
    """How every one of these jobs is. Raises ``SlurmAway``, and then nothing is known of any of them."""
    if not jobs:
        return {}
    seen = {sight.job: sight for sight in read_queue(slurm.ask(*_queue(slurm)))}
    missing = [job for job in jobs if job not in seen]
    found = _ended(slurm, missing) if missing else {}
    return {job: seen.get(job) or found.get(job) or JobSight(job, VANISHED) for job in jobs}


def find_job(slurm: Slurm, cookie: str) -> int | None:
    """The job or array that carries the cookie, if one was submitted; also just after its end."""
    text = slurm.ask("squeue", "-h", "-t", "all", *_mine(slurm), "-o", "%F|%k")
    found = [line.partition("|") for line in text.splitlines()]
    return next((int(job) for job, _, comment in found if comment.strip() == f"scelab:{cookie}"), None)


def about_site(slurm: Slurm) -> SiteSight:
    """What the site has: its partitions, and how large an array may be."""
    partitions = read_partitions(slurm.ask("sinfo", "-h", "-o", PARTITION_FORMAT))
    return SiteSight(partitions, read_max_array(slurm.ask("scontrol", "show", "config")))


def _queue(slurm: Slurm) -> tuple[str, ...]:
    """Each task of an array on a line of its own, waiting ones too."""
    return ("squeue", "-h", "-r", *_mine(slurm), "-o", QUEUE_FORMAT)


def _mine(slurm: Slurm) -> tuple[str, ...]:
    """Only our own jobs; over ssh we are whoever logs in there."""
    return ("--me",) if slurm.login else ("-u", str(os.getuid()))


def _ended(slurm: Slurm, jobs: Collection[JobId]) -> dict[JobId, JobSight]:
    """Jobs that left the queue. The controller says most of them, but forgets them after some minutes;
    accounting, where there is any, does not forget."""
    known = [
        sight for number in sorted({job.number for job in jobs}) for sight in _by_controller(slurm, number)
    ]
    found = {sight.job: sight for sight in known}
    forgotten = [job for job in jobs if job not in found]
    if not forgotten:
        return found
    arrays = {job.number for job in found if job.task is not None}
    withdrawn = {job: JobSight(job, WITHDRAWN) for job in forgotten if job.number in arrays}
    return {**withdrawn, **found, **_by_accounting(slurm, forgotten)}


def _by_accounting(slurm: Slurm, jobs: Collection[JobId]) -> dict[JobId, JobSight]:
    fields, numbers = "JobID,State,ExitCode,NodeList,Reason", ",".join(map(str, jobs))
    try:
        text = slurm.ask("sacct", "-P", "-n", "-X", "-j", numbers, "-o", fields)
    except Refused as refusal:
        log.debug("no accounting: %s", refusal)
        return {}
    return {sight.job: sight for sight in read_accounting(text)}


def _by_controller(slurm: Slurm, number: int) -> list[JobSight]:
    """The job of that number, or every task of that array; none when it forgot."""
    try:
        return list(read_jobs(slurm.ask("scontrol", "-o", "show", "job", str(number))))
    except Refused as refusal:
        log.debug("job %d: %s", number, refusal)  # "Invalid job id specified"
        return []


def read_queue(text: str) -> Iterable[JobSight]:
    """Lines of squeue in ``QUEUE_FORMAT``."""
    for line in text.splitlines():
        job, state, starts, nodes, reason = (part.strip() for part in line.split("|", 4))
        waits = state == "PENDING"
        about = (state, reason if waits else "", moment(starts) if waits else None, nodes)
        yield from (JobSight(one, *about) for one in jobs_named(job))


def read_accounting(text: str) -> Iterable[JobSight]:
    """Lines of sacct; a state may carry a word more, as in "CANCELLED by 1000"."""
    for line in text.splitlines():
        job, state, exit_code, nodes, reason = (part.strip() for part in line.split("|", 4))
        for one in jobs_named(job) if state else []:  # a step, as in 12.batch, is none
            sight = JobSight(one, state.split()[0].rstrip("+"), _told(reason), nodes=_told(nodes))
            yield _with_exit(sight, exit_code)


def read_jobs(text: str) -> Iterable[JobSight]:
    """Lines of ``scontrol -o show job``: words of NAME=VALUE."""
    for line in text.splitlines():
        words = dict(re.findall(r"(?:^|\s)([A-Za-z]+)=(\S*)", line))
        if words.get("JobId", "").isdigit():
            nodes = words.get("NodeList", "").removeprefix("(null)")
            state = words["JobState"]
            if state == "FAILED" and words.get("PreemptTime", "None") not in ("None", "N/A"):
                state = "PREEMPTED"  # it was told to make room, and left before SLURM ended it
            for job in _jobs_of(words):
                sight = JobSight(job, state, _told(words.get("Reason", "")), nodes=nodes)
                yield _with_exit(sight, words.get("ExitCode", "0:0"))


def _jobs_of(words: Mapping[str, str]) -> list[JobId]:
    """The job of a line; or the tasks, which an array's waiting ones share a line for."""
    if "ArrayTaskId" not in words:
        return [JobId(int(words["JobId"]))]
    return [JobId(int(words["ArrayJobId"]), task) for task in tasks_named(words["ArrayTaskId"])]


def read_max_array(text: str) -> int | None:
    """Lines of ``scontrol show config``: NAME = VALUE."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def read_partitions(text: str) -> dict[str, dict[str, Any]]:
    """Lines of sinfo in ``PARTITION_FORMAT``. A partition of several kinds of nodes has a line for each."""
    found: dict[str, dict[str, Any]] = {}
    for line in text.splitlines():
        name, state, limit, nodes, cpus, memory, gres = (part.strip() for part in line.split("|", 6))
        known = found.setdefault(
            name,
            {"state": state, "time_limit": limit, "nodes": 0, "cpus": cpus, "memory_mb": memory, "gres": ""},
        )
        known["nodes"] += int(nodes)
        kinds = {*known["gres"].split(), *gres.replace("(null)", "").split()}
        known["gres"] = " ".join(sorted(kinds))
    return found


def moment(text: str) -> datetime | None:
    """A time of this host's zone, as SLURM writes it; None for N/A."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def _told(text: str) -> str:
    """SLURM's word; empty where that is None, or None assigned."""
    return "" if text.startswith("None") else text


def _with_exit(sight: JobSight, text: str) -> JobSight:
    code, _, number = text.partition(":")
    return replace(
        sight,
        exit_code=int(code) if code.isdigit() else 0,
        exit_signal=int(number) if number.isdigit() else 0,
    )
