from datetime import datetime

from pydantic import Field

from backend.slurm.profile import Profile
from backend.views import Name, Request, View


class ProfileRequest(Request):
    """How runs are submitted at a SLURM site, under a name that people choose it by."""

    name: Name = Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
    profile: Profile


class ProbeView(View):
    """What a compute node was found to have of what runs need."""

    asked_at: datetime
    ended_at: datetime | None
    """When its job had looked; null while it is under way."""
    job: int | None
    """SLURM's number of it."""
    waits_for: str | None
    """While it is under way: what it waits for."""
    good: list[str]
    """What is as it should be, a sentence each."""
    amiss: list[str]
    """What is not, each with its remedy."""


class ProfileView(View):
    id: int
    name: str
    profile: Profile
    site: str
    """What is amiss with its site, in words; empty while SLURM answers."""
    text: str
    """What sbatch would be given for a run of one device, its numbers made up."""
    probe: ProbeView | None
    """The newest look at its compute nodes; null before the first."""


class PartitionView(View):
    name: str
    state: str
    time_limit: str
    """As SLURM writes it, days-hours:minutes:seconds."""
    nodes: int
    cpus: str
    """CPUs of a node."""
    memory_mb: str
    """Memory of a node, in MB."""
    gres: str
    """GPUs and the like of a node."""


class SiteView(View):
    """A SLURM that runs can be submitted to."""

    login: str
    """Host that its commands are run on; empty is the worker's own."""
    partitions: list[PartitionView]
    answered_at: datetime | None
    silent_since: datetime | None
    """Since when it does not answer; null while it does."""
    words: str | None
    """Why it does not, in its own words."""


class SlurmJobView(View):
    """What SLURM says of a run's newest job."""

    profile: str
    job: int | None
    """SLURM's number of it, or of the array that it is a task of; null until it was submitted."""
    task: int | None
    """Its task of an array that went out as one submission; null for a job of its own."""
    state: str | None
    """SLURM's own word, as in PENDING."""
    reason: str | None
    """SLURM's own word for why it waits."""
    expected_at: datetime | None
    """When SLURM expects to start it."""
    nodes: str | None
    silent_since: datetime | None
    """Since when SLURM does not answer; what is said here is older."""
    sentence: str | None
    """The same in words."""
