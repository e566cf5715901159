"""Runs of one launch over several seeds: which go out as one array, and what sbatch is given for it."""

import subprocess
from typing import Any

import pytest
from starlette.testclient import TestClient

from backend.runs.tables import Attempt, Run
from backend.slurm.jobs import ArrayPlace, JobId, jobs_named, tasks_written
from backend.slurm.profile import Profile
from backend.slurm.record import SiteSight, Submission, claim_submission, live_profiles, note_answer
from backend.slurm.script import sbatch_text
from tests.backend.makers import PRETRAIN, Lab
from tests.backend.test_slurm_rest import PARTITIONS, PROFILE, no_slurm_here, submit
from tests.backend.test_slurm_script import FOLDER, array, options

pytest_plugins = ["edge_fixtures"]
__all__ = ["no_slurm_here"]


@pytest.fixture
def site(record: Lab) -> Lab:
    """A lab whose workers know a SLURM that has arrays of four."""
    record.host()
    record.dataset()
    says(record, max_array=4)
    return record


def says(site: Lab, *, max_array: int | None) -> None:
    with site.sessions.begin() as db:
        note_answer(db, "", SiteSight(PARTITIONS, max_array))


def make(rest: TestClient, **changes: Any) -> None:
    assert rest.post("/slurm/profiles", json={"name": "main", "profile": {**PROFILE, **changes}}).is_success


def ask(*seeds: int) -> dict[str, Any]:
    definition = {**PRETRAIN, "compute": {"accelerator": "cpu"}}
    return {"definition": definition, "slurm": "main", "seeds": list(seeds)}


def launch(rest: TestClient, *seeds: int) -> list[int]:
    return [run["id"] for run in rest.post("/runs", json=ask(*seeds)).json()["runs"]]


def claim(site: Lab) -> list[Submission]:
    with site.sessions.begin() as db:
        return claim_submission(db, host="here", profiles=live_profiles(db))


def edit(site: Lab, run_id: int, **values: Any) -> None:
    with site.sessions.begin() as db:
        run = db.get_one(Run, run_id)
        for name, value in values.items():
            setattr(run, name, value)


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        ("12", [None]),
        ("12_3", [3]),
        ("12_[0-2]", [0, 1, 2]),
        ("12_[1,3-4%2]", [1, 3, 4]),
        ("12_[0-6:3]", [0, 3, 6]),
        ("12.batch", []),
        ("12_3.batch", []),
        ("", []),
    ],
)
def test_a_name_stands_for_these_jobs(text: str, tasks: list[int | None]) -> None:
    assert jobs_named(text) == [JobId(12, task) for task in tasks]


@pytest.mark.parametrize("job", [JobId(12), JobId(12, 0), JobId(12, 30)])
def test_a_jobs_name_is_read_as_it_is_written(job: JobId) -> None:
    assert JobId.parse(str(job)) == job


@pytest.mark.parametrize("text", ["12_[0-2]", "12.0", "twelve", ""])
def test_what_is_no_single_job_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no single job"):
        JobId.parse(text)


def test_a_place_is_read_as_it_is_written() -> None:
    assert ArrayPlace.parse(str(ArrayPlace("c0ffee", 12))) == ArrayPlace("c0ffee", 12)


def test_tasks_are_written_as_sbatch_reads_them() -> None:
    assert tasks_written([0, 1, 2]) == "0-2"
    assert tasks_written([0, 1, 2], limit=2) == "0-2%2"
    assert tasks_written([0, 2]) == "0,2"
    assert tasks_written([3], limit=1) == "3%1"


def test_an_array_asks_once_and_its_tasks_log_into_their_own_runs() -> None:
    asked = options(sbatch_text(Profile(runs_folder=FOLDER, array_limit=1), array()))
    assert asked["array"] == "0,2%1"
    assert asked["job-name"] == "scelab-12.1+1"
    assert asked["comment"] == "scelab:feed"
    assert asked["output"] == f"{FOLDER}/.array-feed/%a/output.log"
    assert {"open-mode", "signal", "no-requeue", "time", "gres"} <= {*asked}


def test_each_task_finds_its_own_run_attempt_and_cookie() -> None:
    """The script's own lines, run by a shell up to where the trainer would start."""
    text = sbatch_text(Profile(runs_folder="/tmp"), array())
    lines = [line for line in text.splitlines() if not line.startswith(("#", "srun", "cd ", "echo "))]
    upto = lines[: lines.index("step=$!")]
    script = "\n".join([*upto, 'echo "$lab_folder $lab_attempt $SCELAB_ATTEMPT"'])
    said = [
        subprocess.run(
            ["bash", "-c", script],
            env={"SLURM_ARRAY_TASK_ID": task},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for task in ("0", "2")
    ]
    assert said == ["/tmp/12 1 c0ffee", "/tmp/14 1 badcafe"]


def test_a_task_says_its_own_attempt_before_its_setup_lines_run() -> None:
    text = sbatch_text(Profile(runs_folder="/tmp", setup="attempt=9"), array())
    said = text.index('echo "== attempt $lab_attempt')
    assert text.index("esac") < said < text.index("attempt=9")


def test_a_folder_with_spaces_makes_good_shell() -> None:
    text = sbatch_text(Profile(runs_folder="/shared/my runs"), array())
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert '#SBATCH --output="/shared/my runs/.array-feed/%a/output.log"' in text


def test_seeds_that_are_launched_together_are_claimed_together(site: Lab, rest: TestClient) -> None:
    make(rest)
    ids = launch(rest, 1, 2, 3)
    together = claim(site)
    assert [one.run_id for one in together] == ids
    assert [one.array and one.array.index for one in together] == [0, 1, 2]
    assert len({one.array.token for one in together if one.array}) == 1
    with site.sessions() as db:
        kept = [db.query(Attempt).filter_by(run_id=run_id).one().array for run_id in ids]
    assert kept == [str(one.array) for one in together], "it is known before anything is submitted"
    assert claim(site) == []


def test_the_script_before_launch_shows_the_array(site: Lab, rest: TestClient) -> None:
    make(rest, array_limit=2)
    text = rest.post("/runs/preview", json=ask(1, 2, 3)).json()["sbatch"]
    assert "#SBATCH --array=0-2%2" in text
    assert "  2) lab_run=3 lab_attempt=1" in text
    assert "--array" not in rest.post("/runs/preview", json=ask(1)).json()["sbatch"]


@pytest.mark.parametrize("max_array", [0, 1, None])
def test_a_site_without_arrays_gets_one_job_each(site: Lab, rest: TestClient, max_array: int | None) -> None:
    make(rest)
    says(site, max_array=max_array)
    ids = launch(rest, 1, 2)
    assert "--array" not in rest.post("/runs/preview", json=ask(1, 2)).json()["sbatch"]
    assert [submit(site).run_id, submit(site).run_id] == ids
    with site.sessions() as db:
        assert {attempt.array for attempt in db.query(Attempt)} == {None}


def test_a_profile_without_arrays_gets_one_job_each(site: Lab, rest: TestClient) -> None:
    make(rest, arrays=False)
    ids = launch(rest, 1, 2)
    assert [submit(site).run_id, submit(site).run_id] == ids


def test_an_array_is_no_larger_than_the_site_allows(site: Lab, rest: TestClient) -> None:
    make(rest)
    launch(rest, 1, 2, 3, 4, 5, 6)
    assert [len(claim(site)), len(claim(site))] == [4, 2]


def test_an_array_is_no_larger_than_the_profiles_room(site: Lab, rest: TestClient) -> None:
    make(rest, max_jobs=3)
    launch(rest, 9)
    submit(site)
    launch(rest, 1, 2, 3)
    assert [len(claim(site)), len(claim(site))] == [2, 0]


def test_who_asks_for_something_else_by_now_goes_alone(site: Lab, rest: TestClient) -> None:
    make(rest)
    first, second, third, fourth = launch(rest, 1, 2, 3, 4)
    edit(site, second, priority=-1)
    edit(site, third, excluded=["n7"])
    edit(site, fourth, definition={**PRETRAIN, "compute": {"accelerator": "cpu", "devices": 2}}, devices=2)
    alone = [submit(site) for _ in range(4)]
    assert [one.run_id for one in alone] == [first, third, fourth, second]
    assert [one.array for one in alone] == [None] * 4


def test_runs_of_two_launches_do_not_mix(site: Lab, rest: TestClient) -> None:
    make(rest)
    one, other = launch(rest, 1, 2), launch(rest, 1, 2)
    assert [[run.run_id for run in claim(site)] for _ in range(2)] == [one, other]
