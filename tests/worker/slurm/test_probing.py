"""The check of a profile: what a real SLURM's node was found to have, and the words for what it has not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from backend import __version__
from backend.people.tables import User
from backend.slurm.jobs import JobId
from backend.slurm.profile import Profile
from backend.slurm.reading import profile_views
from backend.slurm.record import JobSight
from backend.slurm.service import check_profile
from backend.slurm.tables import SlurmProfile
from backend.slurm.views import ProbeView
from tests.worker.conftest import eventually
from tests.worker.slurm.conftest import SlurmShop
from worker.slurm.probing import Findings, Left, findings_of


def real(test: Callable[..., None]) -> Callable[..., None]:
    """On a real SLURM."""
    return pytest.mark.xdist_group("slurm")(pytest.mark.slow(test))


PROFILE = Profile(runs_folder="/shared/runs", gres="gpu:a100")
ANSWER: dict[str, Any] = {
    "version": __version__,
    "python": "3.11.7",
    "torch": "2.14.1",
    "roots": {"/data": True},
    "gpus": ["NVIDIA A100"],
}


def asked(shop: SlurmShop, profile_id: int) -> None:
    with shop.place.sessions.begin() as db:
        admin = db.scalar(select(User)) or User(name="ada", role="admin")
        db.add(admin)
        db.flush()
        check_profile(db, profile_id, by=admin)


def shown(shop: SlurmShop, profile_id: int) -> ProbeView:
    """As the Hosts page shows it."""
    with shop.place.looks.begin() as db:
        (view,) = profile_views(db, [db.get_one(SlurmProfile, profile_id)])
    assert view.probe is not None
    return view.probe


def checked(shop: SlurmShop, profile_id: int) -> ProbeView:
    def ended() -> ProbeView | None:
        shop.watch.look()
        probe = shown(shop, profile_id)
        return probe if probe.ended_at else None

    asked(shop, profile_id)
    return eventually(ended, within_s=40)


@real
def test_a_node_that_has_everything_is_good(slurm: SlurmShop) -> None:
    (slurm.place.settings.home / "data").mkdir(parents=True)
    probe = checked(slurm, slurm.profile())
    assert probe.amiss == []
    about = " ".join(probe.good)
    assert "reads and writes the runs folder." in about
    assert f"has SCE Lab {__version__}, as here" in about
    assert f"sees the data root {slurm.place.settings.home}/data." in about
    assert list(slurm.place.settings.runs_dir.iterdir()) == [], "it cleans up"


@real
def test_a_runs_folder_that_the_node_lacks_is_found(slurm: SlurmShop) -> None:
    probe = checked(slurm, slurm.profile(runs_folder="/nowhere/runs"))
    assert probe.good == []
    (sentence,) = probe.amiss
    assert sentence.endswith(
        "has no folder /nowhere/runs: mount the lab's runs folder there, or correct it in the profile."
    )


@real
def test_a_folder_of_that_name_that_is_not_the_labs_is_found(slurm: SlurmShop, tmp_path: Path) -> None:
    (tmp_path / "another").mkdir()
    probe = checked(slurm, slurm.profile(runs_folder=str(tmp_path / "another")))
    assert "it is not the lab's runs folder" in probe.amiss[0]


@real
def test_a_python_without_the_lab_is_found(slurm: SlurmShop) -> None:
    probe = checked(slurm, slurm.profile(python="/usr/bin/python3"))
    assert len(probe.good) == 1, "the folder was seen"
    assert "SCE Lab could not be started on" in probe.amiss[0]
    assert "No module named" in probe.amiss[0]
    assert f"Install version {__version__} there" in probe.amiss[0]


@real
def test_setup_lines_that_end_the_script_are_found(slurm: SlurmShop) -> None:
    probe = checked(slurm, slurm.profile(setup="exit 3"))
    assert "ended FAILED with exit status 3, before it looked" in probe.amiss[0]


@real
def test_slurms_own_words_are_the_finding_when_it_refuses(slurm: SlurmShop) -> None:
    probe = checked(slurm, slurm.profile(partition="nope"))
    assert "SLURM refused it: invalid partition specified: nope" in probe.amiss[0]


@real
def test_a_check_that_waits_says_why_and_a_new_one_takes_its_place(slurm: SlurmShop) -> None:
    slurm.cluster.ask("sbatch", "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 60")
    profile_id = slurm.profile()
    asked(slurm, profile_id)
    eventually(lambda: slurm.watch.look() or "(Resources)" in str(shown(slurm, profile_id).waits_for))
    first = shown(slurm, profile_id).job
    asked(slurm, profile_id)
    eventually(lambda: slurm.watch.look() or shown(slurm, profile_id).job not in (None, first))
    assert str(first) not in slurm.jobs_in_slurm(), "its job was cancelled"
    slurm.cluster.clear()


def found(exit_code: int = 0, *, said: str = "", **answer: Any) -> Findings:
    left = Left("n1", {**ANSWER, **answer} if exit_code == 0 else None, said)
    return findings_of(JobSight(JobId(7), "COMPLETED", exit_code=exit_code), left, PROFILE)


def test_a_node_with_all_that_is_asked_for_is_good() -> None:
    assert found().amiss == []
    assert found().good[-1] == "It got the GPU that it asked for: NVIDIA A100."


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            {"version": "0.0.1"},
            f"n1 has SCE Lab 0.0.1, and this lab is {__version__}: install the same there.",
        ),
        (
            {"roots": {"/data": False}},
            "n1 does not see the data root /data: mount it there under the same path.",
        ),
        ({"gpus": []}, "n1 gave gpu:a100:1, and PyTorch sees no GPU there: "),
    ],
)
def test_each_fault_names_its_remedy(answer: dict[str, Any], sentence: str) -> None:
    (said,) = found(**answer).amiss
    assert said.startswith(sentence)


def test_a_folder_that_may_not_be_written_is_said() -> None:
    assert found(82).amiss == [
        "n1 may not write in /shared/runs: mount it writable, for the user that jobs run as."
    ]
