"""What SLURM says, in sentences. Pure."""

from datetime import timedelta

from backend.db import now
from backend.slurm.tables import SlurmJob, SlurmProbe, SlurmSite

UNASKED_AFTER = timedelta(minutes=5)
REASONS = {
    "None": "it was not looked at yet",
    "Priority": "jobs of a higher priority go first",
    "Resources": "it waits for nodes to become free",
    "BeginTime": "its time to begin has not come",
    "Dependency": "it waits for another job",
    "JobArrayTaskLimit": "others of its array go first, as many at a time as the profile lets run",
    "JobHeldUser": "somebody holds it back: scontrol release lets it go",
    "JobHeldAdmin": "the site's administrator holds it back",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition takes no jobs to run now",
    "PartitionTimeLimit": "it asks for more time than its partition gives",
    "PartitionNodeLimit": "it asks for more nodes than its partition gives",
    "ReqNodeNotAvail": "a node that it needs is down, drained or reserved",
    "Reservation": "it waits for its reservation",
    "Licenses": "it waits for a licence",
    "NodeDown": "a node that it needs is down",
    "BadConstraints": "no node has what it asks for",
    "InvalidAccount": "its account is not good",
    "InvalidQOS": "its quality of service is not good",
}
"""SLURM's reasons, in words; those of limits are told by how they begin."""


def job_sentence(job: SlurmJob) -> str | None:
    """Why a job has not begun; None once it has."""
    if job.state == "CONFIGURING":
        return f"SLURM makes its nodes ready, {job.nodes or 'which it does not name'} (job {job.name})."
    if job.state != "PENDING":
        return None
    said = f"Job {job.name} waits in SLURM's queue"
    if job.reason:
        said += f": {reason_words(job.reason)} ({job.reason})"
    return said + (
        f"; it is expected to start at {job.expected_at:%Y-%m-%d %H:%M} UTC." if job.expected_at else "."
    )


def probe_sentence(probe: SlurmProbe) -> str:
    """What a look at a compute node waits for."""
    if probe.job is None:
        return "A worker submits it in a moment."
    if probe.state != "PENDING":
        return f"Job {probe.job} looks."
    why = f": {reason_words(probe.reason)} ({probe.reason})" if probe.reason else ""
    return f"Job {probe.job} waits in SLURM's queue{why}."


def reason_words(reason: str) -> str:
    if reason.startswith(("QOS", "Assoc")):
        return "a limit of its account or quality of service is reached"
    known = REASONS.get(reason.split(",")[0].strip())
    return known or "the reason in SLURM's own word"


def _unasked(site: SlurmSite) -> str | None:
    """A worker asks every minute; one that went away asks nothing."""
    asked_at = site.answered_at
    if asked_at is None or now() - asked_at < UNASKED_AFTER:
        return None
    return (
        f"No worker has asked SLURM since {asked_at:%Y-%m-%d %H:%M} UTC: is the one beside its commands up?"
    )


def site_sentence(site: SlurmSite | None) -> str | None:
    """What is amiss with a site; None while it answers."""
    if site is None or (site.answered_at is None and site.silent_since is None):
        return "No worker has asked this SLURM yet: one must run where its commands are installed."
    if site.silent_since is None:
        return _unasked(site)
    return f"SLURM does not answer since {site.silent_since:%H:%M} UTC: {site.words}."
