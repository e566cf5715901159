"""What is read from disk on somebody's word stays in its folder, however the way out is written."""

from pathlib import Path

import numpy as np
import pytest
from makers import KNN, Lab, checkpoint, end
from starlette.testclient import TestClient

from backend.checkpoints.tables import Checkpoint

SECRET = "SECRET-OF-THE-MACHINE"
WAYS_OUT = [
    "../../../{secret}",
    "checkpoints/../../../../{secret}",
    "{folder}/{secret}",
    "checkpoints/link",
    "linked/{secret}",
    "checkpoints",
    ".",
    "..",
    "",
    "checkpoints/\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}/{secret}",
    "%2e%2e/%2e%2e/%2e%2e/{secret}",
    "file://{folder}/{secret}",
]


@pytest.fixture
def trained(record: Lab, tmp_path: Path) -> Lab:
    """Run 1 with checkpoint 1, beside links out of its folder and a file that nobody should see."""
    record.dataset()
    record.host()
    record.tell(record.running(), checkpoint(50, path="checkpoints/fifty.ckpt"), end("finished"))
    folder = record.settings.run_folder(1)
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "fifty.ckpt").write_text("weights")
    (tmp_path / "secret").write_text(SECRET)
    (folder / "checkpoints" / "link").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path)
    return record


def point_at(lab: Lab, path: str) -> None:
    """As if a trainer had journaled a checkpoint of that path."""
    with lab.sessions.begin() as db:
        db.get_one(Checkpoint, 1).path = path


def test_a_checkpoint_is_downloaded_under_a_name_that_says_its_run(trained: Lab, rest: TestClient) -> None:
    answer = rest.get("/checkpoints/1/download")
    assert answer.text == "weights"
    assert 'filename="run1-fifty.ckpt"' in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_path_of_a_checkpoint_leads_out_of_its_run(
    trained: Lab, rest: TestClient, tmp_path: Path, way: str
) -> None:
    point_at(trained, way.format(folder=tmp_path, secret="secret"))
    answer = rest.get("/checkpoints/1/download")
    assert answer.status_code == 404
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "way", ["../../../{secret}", "checkpoints/link", "linked/{secret}", "{folder}/{secret}"]
)
def test_no_path_of_a_checkpoint_removes_a_file_elsewhere(
    trained: Lab, rest: TestClient, tmp_path: Path, way: str
) -> None:
    point_at(trained, way.format(folder=tmp_path, secret="secret"))
    assert rest.delete("/checkpoints/1").status_code == 404
    assert (tmp_path / "secret").read_text() == SECRET


@pytest.mark.parametrize(
    "number",
    ["..%2f..%2fsecret", "%2e%2e", "1%2f..%2f..", "1%00", "..;", "1%5c..", "%31%2e%2e", "1%0d%0aX-Header:1"],
)
@pytest.mark.parametrize("route", ["/checkpoints/{}/download", "/media/{}/preview", "/runs/{}/logs"])
def test_what_stands_for_a_number_is_a_number(
    trained: Lab, rest: TestClient, route: str, number: str
) -> None:
    answer = rest.get(route.format(number))
    assert answer.status_code in {404, 422}
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert SECRET not in answer.text


@pytest.mark.parametrize("search", [None, "SECRET"])
def test_a_log_that_is_a_link_out_of_its_run_is_not_shown(
    trained: Lab, rest: TestClient, tmp_path: Path, search: str | None
) -> None:
    (trained.settings.run_folder(1) / "output.log").symlink_to(tmp_path / "secret")
    answer = rest.get("/runs/1/logs", params={"search": search} if search else {})
    assert answer.status_code == 404
    assert "link" in answer.json()["detail"]
    assert SECRET not in answer.text
    assert rest.get("/runs/1/logs/download").status_code == 404


def test_a_runs_folder_may_itself_lie_on_another_disk(trained: Lab, rest: TestClient, tmp_path: Path) -> None:
    folder, elsewhere = trained.settings.run_folder(1), tmp_path / "other disk"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    (elsewhere / "output.log").write_text("hello\n")
    assert rest.get("/runs/1/logs").json()["lines"] == ["hello"]
    assert rest.get("/checkpoints/1/download").text == "weights"


@pytest.mark.parametrize("path", ["linked/secret", "../../../secret", "/etc/passwd", "1/linked/secret"])
def test_no_definition_names_a_checkpoint_elsewhere(
    trained: Lab, rest: TestClient, tmp_path: Path, path: str
) -> None:
    (tmp_path / "outside").mkdir()
    trained.settings.__dict__["roots"] = (tmp_path / "outside",)
    data = {"kind": "video", "root": str(tmp_path / "outside")}
    asked = {"kind": "evaluation", "checkpoint": {"path": path}, "data": data, "protocol": KNN}
    answer = rest.post("/runs", json={"definition": asked})
    assert [field["field"] for field in answer.json()["fields"]] == ["checkpoint.path"]


def test_stored_neighbours_are_numbers_and_are_never_unpickled(trained: Lab, rest: TestClient) -> None:
    trained.runs(1, kind="retrieval", dataset_id=1, state="finished")
    results = trained.settings.run_folder(2) / "results"
    results.mkdir(parents=True)
    np.savez(results / "retrieval.npz", query_position=np.array([{"a": "pickle"}], dtype=object))
    answer = rest.get("/runs/2/retrieval")
    assert answer.status_code == 409
    assert "cannot be read" in answer.json()["detail"]
