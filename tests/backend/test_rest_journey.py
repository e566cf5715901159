"""A run's whole life over HTTP, on either database: what the README does with curl."""

from typing import Any

import pytest
from makers import KNN, PRETRAIN, Lab, checkpoint, end, metrics
from starlette.testclient import TestClient

VIDEOS: dict[str, Any] = {"definition": PRETRAIN}


@pytest.fixture
def ready(record: Lab) -> Lab:
    record.dataset()
    record.host()
    return record


@pytest.fixture
def trained(ready: Lab) -> Lab:
    """Run 1 is finished; its curve has one spike, and its last checkpoint is number 2."""
    run_id = ready.running(steps=1000, name="mine")
    spiked = [metrics(step, loss=99.0 if step == 617 else 1.0 + step / 1000) for step in range(1000)]
    ready.tell(run_id, *spiked, checkpoint(500), checkpoint(1000, epoch=10.0), end("finished"))
    return ready


def fields(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [field["field"] for field in answer.json()["fields"]]


# -- launching


def test_a_launch_answers_with_its_number_what_follows_from_it_and_warnings(
    ready: Lab, rest: TestClient
) -> None:
    answer = rest.post("/runs", json={**VIDEOS, "overrides": {"optimisation.epochs": 3}})
    assert answer.status_code == 201
    launched = answer.json()
    assert launched["derived"]["total_steps"] == 3 * 5
    assert launched["warnings"] == []
    run = rest.get(f"/runs/{launched['id']}").json()
    assert (run["state"], run["may"], run["derived"]) == ("queued", ["stop", "clone"], launched["derived"])


def test_a_preview_tells_the_same_and_writes_no_row(ready: Lab, rest: TestClient) -> None:
    told = rest.post("/runs/preview", json={**VIDEOS, "experiment": "none of this name"}).json()
    assert rest.get("/runs").json()["total"] == 0
    assert rest.get("/experiments").json() == []
    launched = rest.post("/runs", json={"definition": told["definition"]}).json()
    assert launched["derived"] == told["derived"]


@pytest.mark.parametrize("path", ["/runs", "/runs/preview"])
@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ({"overrides": {"optimisation.epoch": 3}}, "optimisation.epoch", "Did you mean 'epochs'?"),
        ({"overrides": {"optimisation.batch_size": 48}}, "optimisation.batch_size", "choose 40 or less"),
        ({"overrides": {"data.root": "/etc"}}, "data.root", "SCELAB_DATA_ROOTS"),
        ({"overrides": {"data.root": "demo/../../../../etc"}}, "data.root", "data root"),
        ({"overrides": {"data.root": "dmeo"}}, "data.root", "There is no folder dmeo."),
        ({"overrides": {"data.clip_s": "2 min"}}, "data.clip_s", "valid number"),
        ({"overrides": {"optimisation.epochs": "3 epochs"}}, "optimisation.epochs", "valid integer"),
        ({"overrides": {"trunk.kind": "r3d51"}}, "trunk", "'r3d50'"),
        ({"recipe": "demo-sec", "definition": None}, "recipe", "Did you mean 'demo-sce'?"),
        ({"checkpoint_id": 4}, "checkpoint_id", "There is no checkpoint 4."),
    ],
)
def test_a_mistake_is_told_at_its_field_with_the_remedy(
    ready: Lab, rest: TestClient, path: str, asked: dict[str, Any], field: str, words: str
) -> None:
    answer = rest.post(path, json={**VIDEOS, **asked})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert fields(answer) == [field]
    assert words in answer.json()["fields"][0]["message"]
    assert rest.get("/runs").json()["total"] == 0


# -- finding


def test_runs_are_filtered_sorted_and_paged_by_the_address(ready: Lab, rest: TestClient) -> None:
    ready.runs(3, state="failed")
    ready.runs(2, state="stopped", kind="knn")
    ready.runs(4)
    page = rest.get("/runs?state=failed&state=stopped&sort=id&descending=false&size=2&page=2").json()
    assert ([run["id"] for run in page["items"]], page["total"], page["page"]) == ([3, 4], 5, 2)
    assert rest.get("/runs?kind=knn").json()["total"] == 2
    assert rest.get("/runs?q=%237").json()["items"][0]["id"] == 7
    assert rest.get("/runs?page=9").json()["items"] == []


@pytest.mark.parametrize(
    "query", ["state=odd", "kind=odd", "sort=odd", "page=0", "size=0", "descending=maybe"]
)
def test_a_filter_that_is_none_names_itself(rest: TestClient, query: str) -> None:
    named = query.partition("=")[0]
    assert fields(rest.get(f"/runs?{query}"))[0].partition(".")[0] == named


# -- acting


def test_a_run_is_stopped_and_goes_on_and_each_step_is_refused_twice(ready: Lab, rest: TestClient) -> None:
    run_id = ready.running()
    assert rest.post(f"/runs/{run_id}/resume").status_code == 409
    assert rest.post(f"/runs/{run_id}/stop").json()["state"] == "stopping"
    assert rest.post(f"/runs/{run_id}/stop").status_code == 409
    ready.tell(run_id, checkpoint(20, kind="last"), end("stopped"))
    assert rest.get(f"/runs/{run_id}").json()["may"] == ["resume", "clone", "devices", "archive"]
    assert rest.post(f"/runs/{run_id}/resume").json()["state"] == "queued"
    claim = ready.claim()
    assert claim is not None
    assert (claim.run_id, claim.attempt) == (run_id, 2)


def test_a_stopped_run_is_given_other_devices_once_it_was_said_what_changes(
    ready: Lab, rest: TestClient
) -> None:
    run_id = ready.running()
    assert rest.put(f"/runs/{run_id}/devices", json={"devices": 1}).status_code == 409
    ready.tell(run_id, checkpoint(20, kind="last"), end("stopped"))
    ready.host("large", cpu=4)
    said = rest.get(f"/runs/{run_id}/devices?devices=2").json()["changes"]
    assert "Each of 2 devices takes" in said[0]
    assert rest.get(f"/runs/{run_id}").json()["devices"] == 1, "nothing is done yet"
    (fault,) = rest.put(f"/runs/{run_id}/devices", json={"devices": 8}).json()["fields"]
    assert (fault["field"], "the largest has 4" in fault["message"]) == ("compute.devices", True)
    assert rest.put(f"/runs/{run_id}/devices", json={"devices": 2}).json() == {"changes": said}
    assert rest.post(f"/runs/{run_id}/resume").json()["devices"] == 2
    claim = ready.claim("large")
    assert claim is not None
    assert len(claim.device_numbers) == 2


def test_a_failed_run_says_why_and_is_retried(ready: Lab, rest: TestClient) -> None:
    run_id = ready.running()
    ready.tell(run_id, end("failed", kind="out_of_memory", sentence="Choose a smaller batch."))
    failed = rest.get(f"/runs/{run_id}").json()
    # Memory that ran out will run out again: nothing retries it by itself.
    assert failed["failure"] == {
        "kind": "out_of_memory",
        "sentence": "Choose a smaller batch.",
        "retry": None,
    }
    retried = rest.post(f"/runs/{run_id}/retry").json()
    assert (retried["state"], retried["failure"]) == ("queued", None)


def test_a_clone_asks_for_the_same_with_one_thing_changed(trained: Lab, rest: TestClient) -> None:
    form = rest.get("/runs/1/clone").json()
    assert form["definition"]["kind"] == "pretrain"
    launched = rest.post("/runs/1/clone", json={"optimisation.epochs": 4})
    assert launched.status_code == 201
    told = rest.get(f"/runs/{launched.json()['id']}/configuration").json()
    assert told["parent"]["id"] == 1
    assert told["parent_changes"] == [{"field": "optimisation.epochs", "before": 10, "after": 4}]
    assert fields(rest.post("/runs/1/clone", json={"optimisation.epoch": 4})) == ["optimisation.epoch"]


def test_what_was_done_to_a_run_is_told_with_who_did_it(ready: Lab, rest: TestClient) -> None:
    run_id = rest.post("/runs", json=VIDEOS).json()["id"]
    rest.patch(f"/runs/{run_id}", json={"name": "renamed"})
    rest.post(f"/runs/{run_id}/stop")
    deeds = rest.get(f"/runs/{run_id}").json()["deeds"]
    assert [(deed["verb"], deed["user"]) for deed in deeds] == [
        ("stopped", "admin"),
        ("edited", "admin"),
        ("launched", "admin"),
    ]


@pytest.mark.parametrize("action", ["stop", "resume", "retry", "launch", "archive", "restore", "clone"])
def test_nothing_is_done_to_a_run_that_is_not_there(rest: TestClient, action: str) -> None:
    answer = rest.post(f"/runs/77/{action}", json={} if action == "clone" else None)
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no run 77.")


# -- what came out


@pytest.mark.parametrize("width", [1, 7, 50, 400])
def test_a_spike_is_in_the_chart_at_any_width(trained: Lab, rest: TestClient, width: int) -> None:
    (curve,) = rest.get(f"/metrics?run=1&key=loss&width={width}").json()["series"]
    assert len(curve["step"]) <= width
    assert max(curve["max"]) == 99.0
    assert (curve["first"][0], curve["last"][-1], sum(curve["count"])) == (1.0, 1.999, 1000)
    spiked = curve["max"].index(99.0)
    assert curve["step"][spiked] <= 617


def test_a_zoom_shows_the_very_step_of_the_spike(trained: Lab, rest: TestClient) -> None:
    (curve,) = rest.get("/metrics?run=1&key=loss&first_step=610&last_step=620").json()["series"]
    assert curve["is_raw"]
    assert curve["step"] == list(range(610, 621))
    assert curve["max"].index(99.0) == 7


def test_a_live_chart_asks_only_for_what_came_since(trained: Lab, rest: TestClient) -> None:
    (curve,) = rest.get("/metrics?run=1&key=loss").json()["series"]
    (since,) = rest.get(f"/metrics?run=1&key=loss&after={curve['cursor'] - 3}").json()["series"]
    assert since["step"] == [997, 998, 999]
    assert rest.get(f"/metrics?run=1&key=loss&after={curve['cursor']}").json()["series"][0]["step"] == []


def test_a_range_turned_round_and_a_metric_of_nobody_are_empty(trained: Lab, rest: TestClient) -> None:
    (curve,) = rest.get("/metrics?run=1&key=loss&first_step=20&last_step=10").json()["series"]
    assert curve["step"] == []
    assert rest.get("/metrics?run=1&key=nothing").json()["series"] == []


def test_a_log_is_followed_from_a_line_and_searched(trained: Lab, rest: TestClient) -> None:
    file = trained.settings.run_folder(1) / "output.log"
    file.parent.mkdir(parents=True)
    file.write_text("".join(f"line {number}\n" for number in range(30)) + "RuntimeError: no room\n")
    tail = rest.get("/runs/1/logs?num_lines=2").json()
    assert (tail["lines"], tail["total_lines"]) == (["line 29", "RuntimeError: no room"], 31)
    assert rest.get("/runs/1/logs?search=runtimeerror").json()["hits"] == [30]
    assert rest.get("/runs/1/logs?first_line=5&num_lines=1").json()["lines"] == ["line 5"]


def test_a_whole_log_is_taken_away_as_it_was_printed(trained: Lab, rest: TestClient) -> None:
    assert "printed nothing yet" in rest.get("/runs/1/logs/download").json()["detail"]
    file = trained.settings.run_folder(1) / "output.log"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"10 %\r100 %\n\xff\n")
    taken = rest.get("/runs/1/logs/download")
    assert taken.content == b"10 %\r100 %\n\xff\n"
    assert taken.headers["Content-Disposition"] == 'attachment; filename="run1.log"'


def test_a_checkpoint_is_evaluated_from_its_row_and_shows_its_score(trained: Lab, rest: TestClient) -> None:
    launched = rest.post("/checkpoints/2/evaluate", json={"protocol": KNN})
    assert launched.status_code == 201
    run_id = launched.json()["id"]
    trained.claim()
    scored = {"event": "result", "attempt": 1, "values": {"top1": 0.75}, "protocol": KNN, "files": []}
    trained.tell(run_id, scored, end("finished"))
    (curve,) = rest.get("/runs/1/evaluations").json()["curves"]
    assert [(point["epoch"], point["values"]) for point in curve["points"]] == [(10.0, {"top1": 0.75})]
    assert rest.get("/checkpoints/2").json()["held_by"] == ["1 evaluation refers to it."]
    assert rest.delete("/checkpoints/2").status_code == 409


def test_a_checkpoint_whose_file_is_gone_is_measured_by_nobody(trained: Lab, rest: TestClient) -> None:
    assert rest.delete("/checkpoints/1").json()["removed_at"] is not None
    assert fields(rest.post("/checkpoints/1/evaluate", json={"protocol": KNN})) == ["checkpoint_id"]
    assert rest.get("/checkpoints/1/download").status_code == 404
    assert rest.patch("/checkpoints/1", json={"pinned": True}).status_code == 409


def test_a_recipe_says_where_it_comes_from_and_which_number_it_aims_at(rest: TestClient) -> None:
    by_name = {recipe["name"]: recipe for recipe in rest.get("/recipes").json()}
    published = by_name["finetune-ucf101-r3d50"]
    assert "arXiv 2212.11187" in published["source"]
    assert {"what": "UCF101 fine-tuned top-1, 8 frames", "percent": 94.1} in published["aims_at"]
    assert rest.get("/recipes/finetune-ucf101-r3d50").json() == published
    assert by_name["demo-sce"]["aims_at"] == []


def test_a_pretraining_says_how_healthy_it_is_and_an_evaluation_does_not(
    trained: Lab, rest: TestClient
) -> None:
    run_id = trained.running()
    trained.tell(run_id, metrics(40, health__embedding_std=1e-6, train__data_wait=0.7))
    health = rest.get(f"/runs/{run_id}").json()["health"]
    assert (health["verdict"], health["binding"]) == ("collapsed", "input-bound")
    assert "look alike" in health["reason"]
    evaluation = rest.get("/runs", params={"kind": "knn"}).json()["items"]
    assert all(rest.get(f"/runs/{run['id']}").json()["health"] is None for run in evaluation)
