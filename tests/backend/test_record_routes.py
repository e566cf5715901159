"""The record's routes, asked as a page or a script asks them."""

from typing import Any

import pytest
from edge_fixtures import Lab
from makers import PRETRAIN

pytest_plugins = ["edge_fixtures"]


@pytest.fixture
def ready(lab: Lab) -> Lab:
    (lab.settings.roots[0] / "demo").mkdir(parents=True)
    return lab


def launch(lab: Lab, **asked: Any) -> int:
    answer = lab.admin.post("/api/v1/runs", json={"definition": PRETRAIN, **asked})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def test_a_launch_answers_with_id_derived_values_and_warnings(ready: Lab) -> None:
    answer = ready.admin.post("/api/v1/runs", json={"definition": PRETRAIN, "experiment": "first"})
    assert answer.status_code == 201
    said = answer.json()
    assert said["runs"][0]["id"] == said["id"]
    assert said["derived"]["effective_batch"] == 8
    assert len(said["warnings"]) == 2


def test_a_fault_names_its_field_in_the_problem(ready: Lab) -> None:
    asked = {"definition": PRETRAIN, "overrides": {"method.temprature": 0.1}}
    answer = ready.admin.post("/api/v1/runs", json=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (fault,) = answer.json()["fields"]
    assert fault["field"] == "method.temprature"
    assert "Did you mean 'temperature'?" in fault["message"]


def test_a_preview_leaves_no_run_behind(ready: Lab) -> None:
    assert ready.admin.post("/api/v1/runs/preview", json={"definition": PRETRAIN}).status_code == 200
    assert ready.admin.get("/api/v1/runs").json()["total"] == 0


@pytest.mark.parametrize(
    "path",
    ["", "/configuration", "/clone", "/metrics", "/evaluations"],
)
def test_what_a_runs_page_reads_is_there_from_the_first_second(ready: Lab, path: str) -> None:
    run_id = launch(ready)
    assert ready.admin.get(f"/api/v1/runs/{run_id}{path}").status_code == 200
    assert ready.admin.get(f"/api/v1/runs/999{path}").status_code == 404


def test_a_run_is_stopped_retried_edited_archived_and_restored(ready: Lab) -> None:
    url = f"/api/v1/runs/{launch(ready)}"
    assert ready.admin.post(f"{url}/stop").json()["state"] == "stopped"
    assert ready.admin.post(f"{url}/stop").status_code == 409
    assert ready.admin.post(f"{url}/resume").status_code == 409
    assert ready.admin.post(f"{url}/retry").json()["state"] == "queued"
    assert ready.admin.patch(url, json={"name": "best"}).json()["name"] == "best"
    ready.admin.post(f"{url}/stop")
    assert ready.admin.post(f"{url}/archive").json()["archived"] is True
    assert ready.admin.post(f"{url}/restore").json()["archived"] is False


def test_a_clone_is_launched_with_other_values(ready: Lab) -> None:
    run_id = launch(ready)
    clone = ready.admin.post(f"/api/v1/runs/{run_id}/clone", json={"optimisation.epochs": 2}).json()
    seen = ready.admin.get(f"/api/v1/runs/{clone['id']}").json()
    assert (seen["cloned_from"]["id"], seen["epochs"]) == (run_id, 2)


def test_runs_are_acted_on_in_bulk(ready: Lab) -> None:
    asked = {"ids": [launch(ready), 999], "action": "stop"}
    answer = ready.admin.post("/api/v1/runs/bulk", json=asked).json()
    assert (len(answer["done"]), answer["refused"][0]["id"]) == (1, 999)


def test_a_draft_is_launched(ready: Lab) -> None:
    run_id = launch(ready, is_draft=True)
    assert ready.admin.post(f"/api/v1/runs/{run_id}/launch").json()["state"] == "queued"


def test_experiments_are_made_counted_renamed_and_archived(ready: Lab) -> None:
    made = ready.admin.post("/api/v1/experiments", json={"name": "first"})
    assert made.status_code == 201
    url = f"/api/v1/experiments/{made.json()['id']}"
    assert ready.admin.post("/api/v1/experiments", json={"name": "first"}).status_code == 409
    launch(ready, experiment="first")
    seen = ready.admin.get(url).json()
    assert (seen["num_runs"], seen["num_active"], seen["num_failed"]) == (1, 1, 0)
    assert ready.admin.patch(url, json={"name": "second", "archived": True}).json()["name"] == "second"
    assert ready.admin.get("/api/v1/experiments").json() == []
    assert len(ready.admin.get("/api/v1/experiments?archived=true").json()) == 1
    assert ready.admin.get("/api/v1/experiments/99").status_code == 404


def test_curves_are_asked_for_by_run_and_key(ready: Lab) -> None:
    asked = {"run": launch(ready), "key": "train/loss"}
    assert ready.admin.get("/api/v1/metrics", params=asked).json() == {"series": []}
    assert ready.admin.get("/api/v1/metrics", params={**asked, "width": 0}).status_code == 422


def test_checkpoints_that_are_not_there_are_not_found(ready: Lab) -> None:
    assert ready.admin.get("/api/v1/checkpoints").json()["total"] == 0
    for url in ("/api/v1/checkpoints/7", "/api/v1/checkpoints/7/download"):
        assert ready.admin.get(url).status_code == 404


def test_the_form_is_drawn_from_a_schema_that_explains_its_fields(ready: Lab) -> None:
    schema = ready.admin.get("/api/v1/definition-schema").json()
    sce = schema["$defs"]["Sce"]["properties"]
    assert "Lambda" in sce["contrast"]["description"]


def test_a_recipe_that_is_not_there_is_not_found(ready: Lab) -> None:
    assert ready.admin.get("/api/v1/recipes/nothing").status_code == 404
