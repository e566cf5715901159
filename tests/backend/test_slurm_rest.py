"""Profiles over REST, launches that choose one, and what pages are told of their jobs."""

from datetime import timedelta
from typing import Any

import pytest
from edge_fixtures import Lab as EdgeLab
from makers import PRETRAIN, Lab, start
from sqlalchemy import update
from starlette.testclient import TestClient

from backend.db import now
from backend.runs.claims import give_back, mark_gone
from backend.runs.life import STOPPING, move
from backend.runs.tables import Attempt, Run
from backend.slurm.jobs import JobId
from backend.slurm.probes import end_probe, note_probe, open_probes, take_probe
from backend.slurm.record import (
    JobSight,
    SiteSight,
    Submission,
    claim_submission,
    give_up_fruitless,
    live_profiles,
    note_answer,
    note_jobs,
    note_silence,
)
from backend.slurm.service import minutes_of
from backend.slurm.tables import SlurmProbe, SlurmSite

pytest_plugins = ["edge_fixtures"]

PARTITIONS = {
    name: {"state": "up", "time_limit": limit, "nodes": 2, "cpus": "8", "memory_mb": "1000", "gres": ""}
    for name, limit in (("main", "infinite"), ("short", "2:00"))
}
PROFILE = {"runs_folder": "/shared/runs", "gres": ""}


@pytest.fixture(autouse=True)
def no_slurm_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """SLURM's commands are tried on a real one in tests/worker/slurm."""
    monkeypatch.setattr("backend.slurm.commands.shutil.which", lambda _: None)


@pytest.fixture
def site(record: Lab) -> Lab:
    """A lab whose workers know a SLURM."""
    record.host()
    record.dataset()
    with record.sessions.begin() as db:
        note_answer(db, "", SiteSight(PARTITIONS, max_array=1001))
    return record


def make(rest: TestClient, name: str = "main", **changes: Any) -> dict[str, Any]:
    answer = rest.post("/slurm/profiles", json={"name": name, "profile": {**PROFILE, **changes}})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def launch(rest: TestClient, slurm: str | None = "main", **compute: Any) -> dict[str, Any]:
    definition = {**PRETRAIN, "compute": {"accelerator": "cpu", **compute}}
    found: dict[str, Any] = rest.post("/runs", json={"definition": definition, "slurm": slurm}).json()
    return found


def submit(site: Lab, host: str = "here") -> Submission:
    with site.sessions.begin() as db:
        found = claim_submission(db, host=host, profiles=live_profiles(db))
    (alone,) = found
    return alone


def note(site: Lab, run_id: int, state: str, **more: Any) -> None:
    with site.sessions.begin() as db:
        note_jobs(db, {(run_id, site.run(run_id).attempt): JobSight(JobId(41), state, **more)})


def test_a_profile_is_made_changed_and_removed(site: Lab, rest: TestClient) -> None:
    made = make(rest, partition="main")
    assert "#SBATCH --partition=main" in made["text"]
    asked = {"name": "first", "profile": {**PROFILE, "partition": "short", "time_limit_min": 2}}
    assert rest.put(f"/slurm/profiles/{made['id']}", json=asked).json()["profile"]["partition"] == "short"
    assert [one["name"] for one in rest.get("/slurm/profiles").json()] == ["first"]
    assert rest.delete(f"/slurm/profiles/{made['id']}").status_code == 204
    assert rest.get("/slurm/profiles").json() == []
    assert rest.delete(f"/slurm/profiles/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("profile", "field", "said"),
    [
        ({"partition": "nope"}, "profile.partition", "SLURM has no partition nope; it has: main, short."),
        ({"partition": "short"}, "profile.time_limit_min", "Partition short gives 2 minutes at most"),
        ({"memory": "64GB"}, "profile.memory", "write 64G, not 64GB"),
        ({"runs_folder": ""}, "profile.runs_folder", "every compute node share"),
        ({"extra": ["output=/x"]}, "profile.extra", "written by SCE Lab itself"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_at_its_field(
    site: Lab, rest: TestClient, profile: dict[str, Any], field: str, said: str
) -> None:
    answer = rest.post("/slurm/profiles", json={"name": "x", "profile": {**PROFILE, **profile}})
    assert answer.status_code == 422
    (fault,) = answer.json()["fields"]
    assert fault["field"] == field
    assert said in fault["message"]


def test_only_an_administrator_writes_profiles(lab: EdgeLab) -> None:
    """Setup lines are shell: who may launch runs may not write them."""
    member = lab.as_(lab.token(role="member"))
    assert member.get("/api/v1/slurm/profiles").json() == []
    asked = {"name": "x", "profile": {**PROFILE, "setup": "id"}}
    assert member.post("/api/v1/slurm/profiles", json=asked).status_code == 403
    assert member.put("/api/v1/slurm/profiles/1", json=asked).status_code == 403
    assert member.delete("/api/v1/slurm/profiles/1").status_code == 403
    assert member.post("/api/v1/slurm/profiles/1/check").status_code == 403


def test_a_name_is_one_line_and_is_taken_once(site: Lab, rest: TestClient) -> None:
    make(rest)
    for name in ("a\nb", "main", " "):
        answer = rest.post("/slurm/profiles", json={"name": name, "profile": PROFILE})
        assert [fault["field"] for fault in answer.json()["fields"]] == ["name"]


def test_what_slurm_has_is_listed(site: Lab, rest: TestClient) -> None:
    (found,) = rest.get("/slurm/sites").json()
    assert [one["name"] for one in found["partitions"]] == ["main", "short"]
    assert found["silent_since"] is None


def test_the_script_is_shown_before_a_launch(site: Lab, rest: TestClient) -> None:
    make(rest, partition="main")
    definition = {**PRETRAIN, "compute": {"accelerator": "cpu", "nodes": 2}}
    shown = rest.post("/runs/preview", json={"definition": definition, "slurm": "main"}).json()["sbatch"]
    assert "#SBATCH --nodes=2" in shown
    here = rest.post("/runs/preview", json={"definition": PRETRAIN}).json()
    assert here["sbatch"] is None


def test_a_profile_that_is_not_there_is_refused(site: Lab, rest: TestClient) -> None:
    make(rest)
    (fault,) = launch(rest, "fast")["fields"]
    assert (fault["field"], "there are: main" in fault["message"]) == ("slurm", True)


def test_a_run_of_slurm_holds_no_device_and_is_claimed_for_submission_alone(
    site: Lab, rest: TestClient
) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    assert site.claim() is None
    asked = submit(site)
    assert (asked.run_id, asked.attempt, asked.profile.runs_folder) == (run_id, 1, "/shared/runs")
    assert rest.get(f"/runs/{run_id}").json()["state"] == "starting"
    assert all(device["run"] is None for device in rest.get("/hosts").json()[0]["devices"])


def test_runs_of_this_labs_hosts_are_never_submitted(site: Lab, rest: TestClient) -> None:
    make(rest)
    launch(rest, None)
    with site.sessions.begin() as db:
        assert claim_submission(db, host="here", profiles=live_profiles(db)) == []


def test_no_more_jobs_are_submitted_than_the_profile_allows(site: Lab, rest: TestClient) -> None:
    make(rest, max_jobs=1)
    launch(rest)
    second = launch(rest)["id"]
    submit(site)
    with site.sessions.begin() as db:
        assert claim_submission(db, host="here", profiles=live_profiles(db)) == []
    assert "fewer than 1 runs of profile main" in rest.get(f"/runs/{second}").json()["waits_for"]


def test_two_nodes_need_a_profile(site: Lab, rest: TestClient) -> None:
    make(rest)
    (fault,) = launch(rest, None, nodes=2)["fields"]
    assert fault["field"] == "compute.nodes"
    assert "id" in launch(rest, "main", nodes=2)


def test_a_profile_without_gpus_refuses_a_run_that_needs_them(site: Lab, rest: TestClient) -> None:
    make(rest)
    (fault,) = launch(rest, accelerator="gpu")["fields"]
    assert fault == {
        "field": "compute.accelerator",
        "message": "Profile main asks for no GPUs: choose auto or cpu.",
    }


def test_labels_are_of_this_labs_hosts_and_refused_for_slurm(site: Lab, rest: TestClient) -> None:
    make(rest)
    (fault,) = launch(rest, labels=["room=b"])["fields"]
    assert fault["field"] == "compute.labels"
    assert "choose SLURM's nodes in the profile" in fault["message"]


def test_why_a_job_waits_is_said_in_words_with_slurms_own(site: Lab, rest: TestClient) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    submit(site)
    note(site, run_id, "PENDING", reason="Resources", expected_at=now())
    run = rest.get(f"/runs/{run_id}").json()
    assert "it waits for nodes to become free (Resources); it is expected to start at" in run["waits_for"]
    assert (run["job"]["state"], run["job"]["job"], run["slurm"]) == ("PENDING", 41, "main")
    note(site, run_id, "RUNNING", nodes="n1")
    site.tell(run_id, start())
    run = rest.get(f"/runs/{run_id}").json()
    assert (run["state"], run["waits_for"], run["job"]["nodes"]) == ("running", None, "n1")


def test_a_slurm_that_is_away_is_said_and_nothing_fails(site: Lab, rest: TestClient) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    submit(site)
    note(site, run_id, "RUNNING")
    site.tell(run_id, start())
    with site.sessions.begin() as db:
        note_silence(db, "", "Unable to contact slurm controller")
    run = rest.get(f"/runs/{run_id}").json()
    assert run["state"] == "running"
    assert run["job"]["sentence"].startswith("SLURM does not answer since ")
    assert rest.get("/slurm/profiles").json()[0]["site"].endswith("Unable to contact slurm controller.")
    with site.sessions.begin() as db:
        note_answer(db, "")
    assert rest.get(f"/runs/{run_id}").json()["job"]["sentence"] is None


def test_a_slurm_that_no_worker_asks_any_more_is_said(site: Lab, rest: TestClient) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    with site.sessions.begin() as db:
        db.query(SlurmSite).one().answered_at = now() - timedelta(hours=1)
    assert "No worker has asked SLURM since" in rest.get(f"/runs/{run_id}").json()["waits_for"]


def test_a_run_that_was_taken_away_is_queued_again(site: Lab, rest: TestClient) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    submit(site)
    site.tell(run_id, start())
    with site.sessions.begin() as db:
        assert give_back(db, run_id=run_id, attempt=1, sentence="A node failed.")
    with site.sessions.begin() as db:
        assert not give_back(db, run_id=run_id, attempt=1, sentence="A node failed.")
    assert site.run(run_id).state == "queued"
    assert submit(site).attempt == 2


def test_a_run_that_was_told_to_stop_is_not_queued_again(site: Lab, rest: TestClient) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    submit(site)
    with site.sessions.begin() as db:
        move(db, db.get_one(Run, run_id), STOPPING)
        give_back(db, run_id=run_id, attempt=1, sentence="A node failed.")
    assert site.run(run_id).state == "stopped"


def test_a_run_that_is_taken_away_again_and_again_where_it_began_is_given_up(
    site: Lab, rest: TestClient
) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    for attempt in (1, 2):
        submit(site)
        site.tell(run_id, start(attempt=attempt))
        with site.sessions.begin() as db:
            assert not give_up_fruitless(db, run_id=run_id, attempt=attempt, sentence="A node failed.")
            give_back(db, run_id=run_id, attempt=attempt, sentence="A node failed.")
    submit(site)
    site.tell(run_id, start(attempt=3))
    with site.sessions.begin() as db:
        assert give_up_fruitless(db, run_id=run_id, attempt=3, sentence="A node failed.")
    run = site.run(run_id)
    assert (run.state, run.failure_kind) == ("failed", "infrastructure")
    assert "none came any further" in str(run.failure_sentence)


def test_a_profile_that_runs_go_by_cannot_be_removed(site: Lab, rest: TestClient) -> None:
    made = make(rest)
    run_id = launch(rest)["id"]
    answer = rest.delete(f"/slurm/profiles/{made['id']}")
    assert (answer.status_code, f"Run {run_id}" in answer.json()["detail"]) == (409, True)
    submit(site)
    with site.sessions.begin() as db:
        mark_gone(db, run_id=run_id, attempt=1, sentence="Gone.")
    assert rest.delete(f"/slurm/profiles/{made['id']}").status_code == 204
    assert rest.get(f"/runs/{run_id}").json()["slurm"] == "main"
    assert rest.get(f"/runs/{run_id}/clone").json()["slurm"] is None


def test_a_clone_goes_where_its_original_went(site: Lab, rest: TestClient) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    assert rest.get(f"/runs/{run_id}/clone").json()["slurm"] == "main"


def test_the_attempt_says_which_worker_submitted_it(site: Lab, rest: TestClient) -> None:
    make(rest)
    run_id = launch(rest)["id"]
    submit(site, host="login1")
    with site.sessions.begin() as db:
        assert db.query(Attempt).filter_by(run_id=run_id).one().host == "login1"


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [
        ("2:00", 2),
        ("1:30:00", 90),
        ("1-00:00:00", 1440),
        ("infinite", None),
        ("UNLIMITED", None),
        ("n/a", None),
    ],
)
def test_a_limit_as_slurm_writes_it(limit: str, minutes: int | None) -> None:
    assert minutes_of(limit) == minutes


def test_a_check_is_asked_for_once_more_and_its_findings_stay_with_the_profile(
    rest: TestClient, site: Lab
) -> None:
    made = make(rest)
    assert made["probe"] is None
    first = rest.post(f"/slurm/profiles/{made['id']}/check").json()["probe"]
    assert (first["ended_at"], first["waits_for"]) == (None, "A worker submits it in a moment.")
    with site.sessions.begin() as db:
        (row,) = open_probes(db)
        assert take_probe(db, row.id)
        assert not take_probe(db, row.id), "only one worker submits it"
        note_probe(db, row.id, JobSight(JobId(7), "PENDING", "Priority"))
    waiting = rest.get("/slurm/profiles").json()[0]["probe"]
    assert waiting["waits_for"] == (
        "Job 7 waits in SLURM's queue: jobs of a higher priority go first (Priority)."
    )
    with site.sessions.begin() as db:
        end_probe(db, row.id, good=["n1 reads."], amiss=["n1 has no GPU."])
        end_probe(db, row.id)
    ended = rest.get("/slurm/profiles").json()[0]["probe"]
    assert (ended["good"], ended["amiss"], ended["waits_for"]) == (["n1 reads."], ["n1 has no GPU."], None)
    assert rest.post(f"/slurm/profiles/{made['id']}/check").json()["probe"]["ended_at"] is None


def test_a_check_whose_worker_went_away_is_taken_by_another(rest: TestClient, site: Lab) -> None:
    made = make(rest)
    rest.post(f"/slurm/profiles/{made['id']}/check")
    with site.sessions.begin() as db:
        (row,) = open_probes(db)
        take_probe(db, row.id)
        db.execute(update(SlurmProbe).values(taken_at=now() - timedelta(minutes=2)))
        assert take_probe(db, row.id)
