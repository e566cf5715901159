"""What an administrator does with profiles. A profile that SLURM itself refuses is refused in its words."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import now
from backend.errors import Conflict, Invalid, NotFound
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.runs.life import ACTIVE
from backend.runs.tables import Run
from backend.slurm.commands import Refused, Slurm, SlurmAway
from backend.slurm.probes import ask_probe
from backend.slurm.profile import Profile
from backend.slurm.reading import example_text, offered, sites_by_login
from backend.slurm.tables import SlurmProfile
from backend.slurm.views import ProfileRequest


def create_profile(db: Session, asked: ProfileRequest, *, by: User) -> SlurmProfile:
    """Raises ``Invalid``."""
    _check(db, asked, own=None)
    row = SlurmProfile(name=asked.name, profile=asked.profile.model_dump(mode="json"))
    db.add(row)
    record_deed(db, "made a SLURM profile", by=by, detail={"profile": asked.name})
    db.flush()
    return row


def edit_profile(db: Session, profile_id: int, asked: ProfileRequest, *, by: User) -> SlurmProfile:
    """What is submitted from now on follows the new words. Raises ``Invalid`` or ``NotFound``."""
    row = get_profile(db, profile_id)
    _check(db, asked, own=row)
    row.name, row.profile = asked.name, asked.profile.model_dump(mode="json")
    record_deed(db, "edited a SLURM profile", by=by, detail={"profile": asked.name})
    db.flush()
    return row


def remove_profile(db: Session, profile_id: int, *, by: User) -> None:
    """Offer it to no run any more. Raises ``Conflict`` while runs go by it."""
    row = get_profile(db, profile_id)
    asked = select(Run.id).where(Run.profile_id == row.id, Run.state.in_(ACTIVE)).limit(1)
    if (run_id := db.scalar(asked)) is not None:
        raise Conflict(f"Run {run_id} goes by profile {row.name}: stop it first, or wait for its end.")
    row.removed_at = now()
    record_deed(db, "removed a SLURM profile", by=by, detail={"profile": row.name})


def check_profile(db: Session, profile_id: int, *, by: User) -> SlurmProfile:
    """Let a job look at a compute node; what it finds is kept with the profile. Raises ``NotFound``."""
    row = get_profile(db, profile_id)
    ask_probe(db, row, by=by)
    return row


def get_profile(db: Session, profile_id: int) -> SlurmProfile:
    """Raises ``NotFound``, also for one that was removed."""
    row = db.get(SlurmProfile, profile_id)
    if row is None or row.removed_at is not None:
        raise NotFound.of("SLURM profile", profile_id)
    return row


def _check(db: Session, asked: ProfileRequest, *, own: SlurmProfile | None) -> None:
    if any(row.name == asked.name for row in offered(db) if row is not own):
        raise _invalid({"name": f"There is a profile {asked.name} already."})
    site = sites_by_login(db).get(asked.profile.login)
    known: Mapping[str, Any] = site.partitions if site else {}
    wanted = [name for name in asked.profile.partition.split(",") if name]
    unknown = [name for name in wanted if known and name not in known]
    if unknown:
        there = ", ".join(sorted(known))
        raise _invalid({"profile.partition": f"SLURM has no partition {unknown[0]}; it has: {there}."})
    _check_limit(asked.profile, [(name, known[name]["time_limit"]) for name in wanted if name in known])
    _ask_slurm(asked.profile)


def _check_limit(profile: Profile, limits: Sequence[tuple[str, str]]) -> None:
    """A job that asks for more time than its partition gives would wait for ever."""
    for name, limit in limits:
        most = minutes_of(limit)
        if most is not None and profile.time_limit_min > most:
            sentence = f"Partition {name} gives {most} minutes at most: ask for no more."
            raise _invalid({"profile.time_limit_min": sentence})


def minutes_of(limit: str) -> int | None:
    """A limit as SLURM writes it, [days-]hours:minutes:seconds or minutes:seconds; None where there is none."""
    days, _, rest = limit.rpartition("-")
    parts = rest.split(":")
    if not all(part.isdigit() for part in [*parts, days or "0"]):
        return None
    hours, minutes = (["0", "0", *parts])[-3:-1]
    return int(days or 0) * 24 * 60 + int(hours) * 60 + int(minutes)


def _ask_slurm(profile: Profile) -> None:
    """Let SLURM read the script of one device, where it answers; nothing is submitted."""
    slurm = Slurm(profile.login)
    if not slurm.is_here:
        return
    # The folder of run 1 need not be there for a test.
    text = "\n".join(line for line in example_text(profile).split("\n") if "--chdir" not in line)
    try:
        slurm.ask("sbatch", "--test-only", text=text, within_s=10)
    except SlurmAway:
        return
    except Refused as refusal:
        raise _invalid({_field_meant(str(refusal)): f"SLURM refuses it: {refusal}"}) from refusal


SIGNS = {
    "partition": "partition",
    "account": "account",
    "qos": "qos",
    "time limit": "time_limit_min",
    "memory": "memory",
    "gres": "gres",
    "feature": "constraint",
    "reservation": "extra",
}


def _field_meant(words: str) -> str:
    """The field that SLURM's sentence speaks of, as well as its words tell."""
    found = next((field for sign, field in SIGNS.items() if sign in words.lower()), None)
    return f"profile.{found}" if found else "profile"


def _invalid(fields: dict[str, str]) -> Invalid:
    return Invalid(next(iter(fields.values())), fields=fields)
