"""Profiles, sites and jobs as pages show them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import Invalid
from backend.slurm.probes import newest_probes
from backend.slurm.profile import Profile
from backend.slurm.script import Job, Member, sbatch_text
from backend.slurm.tables import SlurmJob, SlurmProbe, SlurmProfile, SlurmSite
from backend.slurm.views import PartitionView, ProbeView, ProfileView, SiteView, SlurmJobView
from backend.slurm.words import job_sentence, probe_sentence, site_sentence

COOKIE = "0123456789abcdef"
"""Stands for the one that a launch makes."""


@dataclass(frozen=True)
class Whereabouts:
    """The profile, the job and the site of a run."""

    profile: SlurmProfile
    job: SlurmJob | None
    site: SlurmSite | None


def offered(db: Session) -> list[SlurmProfile]:
    """Profiles that a run may choose."""
    asked = select(SlurmProfile).where(SlurmProfile.removed_at.is_(None)).order_by(SlurmProfile.name)
    return list(db.scalars(asked))


def named(db: Session, name: str | None) -> SlurmProfile | None:
    """The profile of that name; None for None. Raises ``Invalid``, naming those that there are."""
    if name is None:
        return None
    found = next((row for row in offered(db) if row.name == name), None)
    if found is None:
        there = ", ".join(row.name for row in offered(db)) or "none yet: an administrator makes them on Hosts"
        sentence = f"There is no SLURM profile {name!r}; there are: {there}."
        raise Invalid(sentence, fields={"slurm": sentence})
    return found


def sites_by_login(db: Session) -> dict[str, SlurmSite]:
    return {row.login: row for row in db.scalars(select(SlurmSite))}


def profile_names(db: Session, ids: Collection[int]) -> dict[int, str]:
    if not ids:
        return {}
    asked = select(SlurmProfile.id, SlurmProfile.name).where(SlurmProfile.id.in_(ids))
    return {row.id: row.name for row in db.execute(asked)}


def whereabouts(db: Session, runs: Mapping[int, tuple[int, int]]) -> dict[int, Whereabouts]:
    """By run, for those of a profile; ``runs`` says the profile and the newest attempt of each."""
    if not runs:
        return {}
    wanted = {profile_id for profile_id, _ in runs.values()}
    profiles = {row.id: row for row in db.scalars(select(SlurmProfile).where(SlurmProfile.id.in_(wanted)))}
    jobs = {
        (row.run_id, row.attempt): row
        for row in db.scalars(select(SlurmJob).where(SlurmJob.run_id.in_(runs)))
    }
    sites = sites_by_login(db)
    found = {}
    for run_id, (profile_id, attempt) in runs.items():
        profile = profiles[profile_id]
        site = sites.get(str(profile.profile.get("login", "")))
        found[run_id] = Whereabouts(profile, jobs.get((run_id, attempt)), site)
    return found


def waits_for(where: Whereabouts) -> str | None:
    """Why a run that was queued or submitted has not begun."""
    if sentence := site_sentence(where.site):
        return sentence
    if where.job is not None:
        return job_sentence(where.job)
    most = Profile.model_validate(where.profile.profile).max_jobs
    return f"It is submitted as soon as fewer than {most} runs of profile {where.profile.name} are in SLURM."


def job_view(where: Whereabouts) -> SlurmJobView:
    job, site = where.job, where.site
    silent_since = site.silent_since if site else None
    return SlurmJobView(
        profile=where.profile.name,
        job=job.job if job else None,
        task=job.task if job else None,
        state=job.state if job else None,
        reason=job.reason if job else None,
        expected_at=job.expected_at if job else None,
        nodes=job.nodes if job else None,
        silent_since=silent_since,
        sentence=(site_sentence(site) if silent_since else None) or (job_sentence(job) if job else None),
    )


def profile_views(db: Session, rows: Sequence[SlurmProfile]) -> list[ProfileView]:
    sites, probes = sites_by_login(db), newest_probes(db, [row.id for row in rows])
    return [_profile_view(row, sites, probes.get(row.id)) for row in rows]


def _profile_view(row: SlurmProfile, sites: Mapping[str, SlurmSite], probe: SlurmProbe | None) -> ProfileView:
    profile = Profile.model_validate(row.profile)
    amiss = site_sentence(sites.get(profile.login)) or ""
    return ProfileView(
        id=row.id,
        name=row.name,
        profile=profile,
        site=amiss,
        text=example_text(profile),
        probe=_probe_view(probe, amiss) if probe else None,
    )


def _probe_view(row: SlurmProbe, site: str) -> ProbeView:
    waits_for = None if row.ended_at else site or probe_sentence(row)
    columns = {name: getattr(row, name) for name in ("asked_at", "ended_at", "job", "good", "amiss")}
    return ProbeView(**columns, waits_for=waits_for)


def example_text(
    profile: Profile, *, devices: int = 1, nodes: int = 1, accelerator: str = "auto", runs: int = 1
) -> str:
    """What sbatch would be given, for run 1, or for an array of so many runs."""
    job = Job(
        members=tuple(Member(number, 1, COOKIE, number - 1) for number in range(1, runs + 1)),
        devices=devices,
        nodes=nodes,
        accelerator=accelerator,
        token=COOKIE if runs > 1 else "",
        python="python",
        package_root="",
    )
    return sbatch_text(profile, job)


def site_views(db: Session) -> list[SiteView]:
    return [
        SiteView(
            login=row.login,
            partitions=[PartitionView(name=name, **about) for name, about in sorted(row.partitions.items())],
            answered_at=row.answered_at,
            silent_since=row.silent_since,
            words=row.words,
        )
        for row in sorted(sites_by_login(db).values(), key=lambda row: row.login)
    ]
