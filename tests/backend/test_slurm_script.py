"""The text that sbatch is given: whatever is typed, nobody gets a line of it that is not the lab's."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backend.slurm.profile import ALLOWED_EXTRAS, OURS, Profile
from backend.slurm.reading import example_text
from backend.slurm.script import Job, Member, sbatch_text
from sce.rundir import RunDir

FOLDER = "/shared/scelab/runs"
NASTY = st.text(
    st.sampled_from("ab/0 .,:=@+-_#%\"'\\`$(){}[]&|;<>*?~!\n\r\t\x00é")
    | st.characters(blacklist_categories=("Cs",)),
    max_size=40,
) | st.sampled_from(["#SBATCH --uid=0", "a\n#SBATCH --uid=0", "$(id)", "`id`", '"; id; "', "a b", "/x\nid"])


def job(**changes: Any) -> Job:
    about: dict[str, Any] = {"devices": 2, "nodes": 2, "accelerator": "gpu"}
    about |= {
        "members": (Member(12, 3, "c0ffee"),),
        "python": "/opt/py/bin/python",
        "package_root": "/opt/lab",
    }
    return Job(**about | changes)


def array(**changes: Any) -> Job:
    """Three runs of one launch; the middle one was taken back."""
    members = (Member(12, 1, "c0ffee", 0), Member(14, 1, "badcafe", 2))
    return job(members=members, token="feed", **changes)


def options(text: str) -> dict[str, str]:
    lines = [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_a_run_of_two_nodes_and_two_gpus() -> None:
    profile = Profile(
        runs_folder=FOLDER, partition="gpu", account="vision", qos="normal", constraint="a100&ib",
        time_limit_min=90, warn_s=120, gres="gpu:a100", memory="64G", extra=["--reservation=lab", "exclusive"],
    )  # fmt: skip
    assert options(sbatch_text(profile, job())) == {
        "job-name": "scelab-12.3",
        "comment": "scelab:c0ffee",
        "chdir": f"{FOLDER}/12",
        "output": f"{FOLDER}/12/output.log",
        "open-mode": "append",
        "partition": "gpu",
        "account": "vision",
        "qos": "normal",
        "constraint": '"a100&ib"',
        "time": "90",
        "nodes": "2",
        "ntasks-per-node": "2",
        "cpus-per-task": "4",
        "gres": "gpu:a100:2",
        "mem": "64G",
        "signal": "B:USR1@120",
        "no-requeue": "",
        "reservation": "lab",
        "exclusive": "",
    }


def test_the_trainer_is_started_by_srun_after_modules_and_setup() -> None:
    profile = Profile(
        runs_folder=FOLDER, modules=["cuda/12.4"], setup="export NCCL_DEBUG=INFO\nulimit -n 4096"
    )
    lines = sbatch_text(profile, job()).splitlines()
    places = [
        lines.index(line) for line in ("module load cuda/12.4", "export NCCL_DEBUG=INFO", "ulimit -n 4096")
    ]
    srun = f"srun --export=ALL /opt/py/bin/python -m sce.train {FOLDER}/12 --attempt 3 &"
    assert [*places, lines.index(srun)] == sorted([*places, lines.index(srun)])


@pytest.mark.parametrize(
    ("begun", "is_asked"),
    [((3,), True), ((1, 2, 3), True), ((3, 2), True), ((3, 4), False), ((9, 10), False)],
)
def test_the_warning_asks_the_newest_attempt_of_the_folder_and_no_other(
    begun: tuple[int, ...], is_asked: bool, tmp_path: Path
) -> None:
    """Attempt 3 is warned; the folder is written as a worker writes it."""
    run = RunDir(tmp_path)
    for number in begun:
        run.begin_attempt(number)
    lines = sbatch_text(Profile(runs_folder=FOLDER), job()).splitlines()
    warn = lines[lines.index("warn() {") : lines.index("trap warn USR1")]
    script = "\n".join(["lab_attempt=3", *warn, "warn"])
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True)
    assert (run.stop_requested() == "preempt") == is_asked


def test_a_container_is_what_the_trainer_runs_in() -> None:
    text = sbatch_text(Profile(runs_folder=FOLDER, container="/images/lab one.sif"), job())
    assert f"srun --export=ALL apptainer exec --nv --bind {FOLDER} '/images/lab one.sif' /opt/py" in text


def test_a_run_on_cpus_asks_for_no_gpu() -> None:
    assert "gres" not in options(sbatch_text(Profile(runs_folder=FOLDER), job(accelerator="cpu")))


def test_the_script_is_good_shell() -> None:
    profile = Profile(runs_folder="/shared/my runs", setup="export A=1")
    subprocess.run(["bash", "-n"], input=sbatch_text(profile, job()), text=True, check=True)


@given(
    field=st.sampled_from(
        [
            "runs_folder",
            "partition",
            "account",
            "qos",
            "constraint",
            "gres",
            "memory",
            "container",
            "python",
            "login",
        ]
    ),
    value=NASTY,
)
def test_no_field_can_write_a_line_of_its_own(field: str, value: str) -> None:
    plain = sbatch_text(Profile(runs_folder=FOLDER), job())
    try:
        profile = Profile(**{"runs_folder": FOLDER, field: value})
    except ValidationError:
        return
    text = sbatch_text(profile, job())
    assert {*options(text)} <= {*options(plain), field.replace("memory", "mem")}
    directives = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    assert text.count("#SBATCH") == len(directives)
    assert len(text.splitlines()) - len(plain.splitlines()) == len(directives) - len(options(plain))
    assert not any(sign in value for sign in "\n\r\x00`$;\"'\\<>#"), (
        "what is let through means nothing to a shell"
    )


@given(st.lists(NASTY, max_size=3), st.lists(NASTY, max_size=3))
def test_neither_can_modules_or_further_options(modules: list[str], extra: list[str]) -> None:
    try:
        profile = Profile(runs_folder=FOLDER, modules=modules, extra=extra)
    except ValidationError:
        return
    text = sbatch_text(profile, job())
    loads = [line for line in text.splitlines() if line.startswith("module load")]
    assert all(shlex.split(line)[2:] == profile.modules for line in loads)
    assert {*options(text)} <= {*options(example_text(Profile(runs_folder=FOLDER))), *ALLOWED_EXTRAS}


@pytest.mark.parametrize("name", sorted(OURS))
def test_an_option_that_the_lab_writes_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is written by SCE Lab itself"):
        Profile(runs_folder=FOLDER, extra=[f"--{name}=1"])


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("memory", "64GB", "write 64G, not 64GB"),
        ("memory", "64 G", "write 64G"),
        ("runs_folder", "", "that the lab and every compute node share"),
        ("runs_folder", "runs", "absolute path"),
        ("runs_folder", "/a/../b", "may not climb"),
        ("runs_folder", "/a/#SBATCH --uid=0", "absolute path of letters"),
        ("partition", "gpu\n#SBATCH --uid=0", "letters, digits"),
        ("gres", "gpu:2x:1", "without a number"),
        ("extra", ["uid=0"], "written by SCE Lab"),
        ("extra", ["bb=x"], "not among the options"),
        ("extra", ["exclude=a;b"], "cannot take"),
        ("setup", "#SBATCH --uid=0", "into their own fields"),
        ("time_limit_min", 0, "greater than or equal to 1"),
        ("uid", "0", "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(field: str, value: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Profile(**{"runs_folder": FOLDER, field: value})


def test_nodes_that_it_failed_on_join_those_that_the_profile_excludes() -> None:
    profile = Profile(runs_folder=FOLDER, extra=["exclude=n9", "exclusive"])
    asked = options(sbatch_text(profile, job(keeps_off=("n[1-2]", "n4"))))
    assert (asked["exclude"], asked["exclusive"]) == ("n9,n[1-2],n4", "")
    assert "exclude" not in options(sbatch_text(Profile(runs_folder=FOLDER), job()))
