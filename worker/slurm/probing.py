"""Probes: a tiny job looks at a compute node, and its findings are put in words, each fault with its remedy."""

import json
import logging
import secrets
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend import __version__
from backend.slurm.commands import SlurmAway
from backend.slurm.jobs import JobId
from backend.slurm.probes import end_probe, note_probe, open_probes, take_probe
from backend.slurm.profile import Profile
from backend.slurm.record import JobSight
from backend.slurm.script import ANOTHER_FOLDER, NO_FOLDER, NO_PROGRAM, READ_ONLY, probe_folder
from worker.launchers import LaunchFailed
from worker.launchers.slurm import SlurmLauncher
from worker.place import Workplace
from worker.slurm.states import AT_WORK, WAITING

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Left:
    """What a probe left in its folder."""

    node: str = ""
    answer: Mapping[str, Any] | None = None
    said: str = ""
    """What its program printed as an error."""


@dataclass
class Findings:
    good: list[str] = field(default_factory=list)
    amiss: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """A probe under way, as values."""

    id: int
    profile_id: int
    job: int | None


def look_at_probes(
    place: Workplace, launcher: SlurmLauncher, profiles: Mapping[int, Profile], *, silent: Collection[str]
) -> None:
    """Submit those that were asked for, and read what those have found whose job is over."""
    with place.looks.begin() as db:
        probes = [Asked(row.id, row.profile_id, row.job) for row in open_probes(db)]
    newest = {probe.profile_id: probe.id for probe in probes}
    for probe in probes:
        profile = profiles[probe.profile_id]
        if profile.login in silent or not launcher.site(profile.login).is_here:
            continue
        try:
            if probe.id != newest[probe.profile_id]:
                _give_up(place, launcher, profile, probe)
            elif probe.job is None:
                _submit(place, launcher, profile, probe)
            else:
                _ask(place, launcher, profile, probe.id, probe.job)
        except SlurmAway as away:
            log.warning("check %d of a SLURM profile: %s", probe.id, away)


def _submit(place: Workplace, launcher: SlurmLauncher, profile: Profile, probe: Asked) -> None:
    with place.sessions.begin() as db:
        if not take_probe(db, probe.id):
            return
    token, folder = secrets.token_hex(8), _folder(place, probe.id)
    roots = tuple(str(root) for root in place.settings.roots if root.is_dir())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "token").write_text(token)
        job = launcher.look(profile, probe.id, token, roots)
    except (OSError, LaunchFailed) as error:
        _end(place, probe.id, Findings(amiss=[f"{error}."]))
        return
    with place.sessions.begin() as db:
        note_probe(db, probe.id, JobSight(JobId(job), "PENDING"))


def _ask(place: Workplace, launcher: SlurmLauncher, profile: Profile, probe_id: int, job: int) -> None:
    sight = launcher.poll(profile.login, [JobId(job)])[JobId(job)]
    if sight.state in WAITING | AT_WORK:
        with place.sessions.begin() as db:
            note_probe(db, probe_id, sight)
        return
    _end(place, probe_id, findings_of(sight, left_in(_folder(place, probe_id)), profile))


def _give_up(place: Workplace, launcher: SlurmLauncher, profile: Profile, probe: Asked) -> None:
    """It was asked for again."""
    if probe.job is not None:
        launcher.end(profile.login, JobId(probe.job))
    _end(place, probe.id, Findings(amiss=["It was asked for again before its job had looked."]))


def _end(place: Workplace, probe_id: int, found: Findings) -> None:
    with place.sessions.begin() as db:
        end_probe(db, probe_id, good=found.good, amiss=found.amiss)
    shutil.rmtree(_folder(place, probe_id), ignore_errors=True)


def _folder(place: Workplace, probe_id: int) -> Path:
    return place.settings.runs_dir / probe_folder(probe_id)


def left_in(folder: Path) -> Left:
    """What lies there now; a torn answer is none."""
    try:
        answer = json.loads(_text(folder / "answer.json"))
    except ValueError:
        answer = None
    return Left(_text(folder / "node").strip(), answer, _text(folder / "said").strip())


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""


def findings_of(sight: JobSight, left: Left, profile: Profile) -> Findings:
    """Pure."""
    node, runs = left.node or sight.nodes or "The compute node", profile.runs_folder
    folder_faults = {
        NO_FOLDER: f"{node} has no folder {runs}: mount the lab's runs folder there, or correct it in the profile.",
        ANOTHER_FOLDER: f"{node} has a folder {runs}, but it is not the lab's runs folder: mount that one there, "
        "or correct it in the profile.",
        READ_ONLY: f"{node} may not write in {runs}: mount it writable, for the user that jobs run as.",
    }
    if sight.exit_code in folder_faults and not sight.exit_signal:
        return Findings(amiss=[folder_faults[sight.exit_code]])
    if not left.node:
        return Findings(amiss=[_without_a_word(sight)])
    found = Findings(good=[f"{node} reads and writes the runs folder."])
    if left.answer is None:
        found.amiss.append(_program_fault(sight, left, profile, node))
        return found
    _judge(found, left.answer, profile, node)
    return found


def _without_a_word(sight: JobSight) -> str:
    how = f"exit status {sight.exit_code}" if sight.exit_code else "no exit status"
    return (
        f"The job that was to look ended {sight.state} with {how}, before it looked: do the profile's setup "
        "lines or modules end the script, or did somebody cancel it? Check again."
    )


def _program_fault(sight: JobSight, left: Left, profile: Profile, node: str) -> str:
    if sight.exit_code != NO_PROGRAM:
        return f"The job that was to look ended {sight.state} on {node} before it was done: check again."
    lines = [
        line for line in left.said.splitlines() if not line.startswith("srun:")
    ] or left.said.splitlines()
    words = lines[-1] if lines else "it said nothing"
    where = f"in the container {profile.container}" if profile.container else f"on {node}"
    return (
        f"SCE Lab could not be started {where}: {words[:300]}. Install version {__version__} there, "
        "or correct the profile's Python, modules or setup lines."
    )


def _judge(found: Findings, answer: Mapping[str, Any], profile: Profile, node: str) -> None:
    version = answer["version"]
    if version == __version__:
        found.good.append(
            f"Python {answer['python']} there has SCE Lab {version}, as here, and torch {answer['torch']}."
        )
    else:
        found.amiss.append(
            f"{node} has SCE Lab {version}, and this lab is {__version__}: install the same there."
        )
    for root, is_seen in answer["roots"].items():
        if is_seen:
            found.good.append(f"It sees the data root {root}.")
        else:
            found.amiss.append(
                f"{node} does not see the data root {root}: mount it there under the same path."
            )
    if answer["gpus"] is not None:
        _judge_gpus(found, answer["gpus"], profile, node)


def _judge_gpus(found: Findings, names: Sequence[str], profile: Profile, node: str) -> None:
    if names:
        found.good.append(f"It got the GPU that it asked for: {names[0]}.")
        return
    found.amiss.append(
        f"{node} gave {profile.gres}:1, and PyTorch sees no GPU there: look at its driver and at the site's gres, "
        "or leave the profile's device empty to run on CPUs."
    )
