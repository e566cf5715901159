"""Checkpoints from elsewhere and for elsewhere, over REST: looked at, imported, measured, given away."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from makers import KNN, Lab, checkpoint, end
from safetensors.torch import load_file
from starlette.testclient import TestClient
from transfer_here import run_here

from backend.checkpoints import transfer
from backend.checkpoints.card import escaped
from backend.runs.tables import Run
from sce.checkpoints import load_trunk
from sce.definition import Small3d
from sce.trunks import build_trunk

SMALL = {"kind": "small3d", "width": 2}


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return build_trunk(Small3d(width=2)).state_dict()


@pytest.fixture
def encoder(record: Lab, weights: dict[str, torch.Tensor]) -> Path:
    """A released encoder in the imports folder."""
    folder = record.settings.imports_dir
    folder.mkdir(parents=True)
    torch.save(weights, folder / "encoder.pth")
    record.settings.runs_dir.mkdir(parents=True, exist_ok=True)
    return folder / "encoder.pth"


@pytest.fixture(autouse=True)
def started(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The verbs that the program was started with. Torch takes seconds to load, so its body runs right here."""
    verbs = list[str]()

    def listening(verb: str, asked: str) -> subprocess.CompletedProcess[str]:
        verbs.append(verb)
        return run_here(verb, asked)

    if "program_that_dies" not in request.node.name:
        monkeypatch.setattr(transfer, "run_program", listening)
    return verbs


def test_a_program_that_dies_is_told_by_its_last_words(
    rest: TestClient, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer.sys, "executable", "/bin/false")
    died = rest.post("/imports/inspect", json={"path": "encoder.pth"})
    assert (died.status_code, "cannot be read: status 1" in died.json()["detail"]) == (422, True)


def test_a_file_is_looked_at_imported_measured_and_given_away(
    rest: TestClient, record: Lab, encoder: Path, weights: dict[str, torch.Tensor]
) -> None:
    record.dataset()
    listed = rest.get("/imports").json()
    assert listed["files"] == [{"path": "encoder.pth", "bytes": encoder.stat().st_size}]
    seen = rest.post("/imports/inspect", json={"path": "encoder.pth"}).json()
    assert (seen["trunk"], seen["sentence"], len(seen["match"]["pairs"])) == (SMALL, None, len(weights))

    taken = rest.post(
        "/imports",
        json={"path": "encoder.pth", "sha256": seen["sha256"], "name": "theirs", "origin": "SCE, 200 epochs"},
    )
    assert taken.status_code == 201, taken.text
    row = taken.json()
    assert (row["kind"], row["run"]["name"], row["experiment"]) == ("imported", "theirs", "imported")
    assert {"evaluate", "download", "pin", "remove"} <= set(row["may"])
    file = record.settings.run_folder(row["run"]["id"]) / row["path"]
    trunk, _ = load_trunk(file, row["sha256"], "online")
    assert all(torch.equal(value, weights[key]) for key, value in trunk.state_dict().items())

    data = {"kind": "video", "root": "demo"}
    launched = rest.post(f"/checkpoints/{row['id']}/evaluate", json={"protocol": KNN, "data": data})
    assert launched.status_code == 201, launched.text
    run = rest.get(f"/runs/{launched.json()['id']}").json()
    assert (run["name"], run["parent"]["name"]) == ("k-NN of theirs", "theirs")

    given = rest.get(f"/checkpoints/{row['id']}/export", params={"layout": "safetensors"})
    assert "run1-imported-safetensors.safetensors" in given.headers["content-disposition"]
    out = record.settings.home / "out.safetensors"
    out.write_bytes(given.content)
    assert load_file(out).keys() == weights.keys()
    assert list((record.settings.home / "exports").iterdir()) == []


def test_the_imports_run_page_is_whole(rest: TestClient, encoder: Path) -> None:
    row = rest.post("/imports", json={"path": "encoder.pth"}).json()
    run = rest.get(f"/runs/{row['run']['id']}").json()
    assert (run["kind"], run["state"], run["name"]) == ("import", "finished", "encoder")
    assert run["derived"]["trunk_width"] == 16
    assert run["protocol"] == {"matched": 24, "naming": "sce", "prefix": ""}
    assert set(run["may"]) == {"evaluate", "archive"}
    assert "source_sha256" in rest.get(f"/runs/{row['run']['id']}/configuration").json()["yaml"]
    assert [deed["verb"] for deed in run["deeds"]] == ["imported"]


def test_an_import_does_not_know_which_data_to_be_measured_on(rest: TestClient, encoder: Path) -> None:
    row = rest.post("/imports", json={"path": "encoder.pth"}).json()
    refused = rest.post(f"/checkpoints/{row['id']}/evaluate", json={"protocol": KNN})
    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "data")


def test_data_that_the_imported_trunk_cannot_read_is_refused_before_anything_starts(
    rest: TestClient, record: Lab, encoder: Path
) -> None:
    record.dataset()
    row = rest.post("/imports", json={"path": "encoder.pth"}).json()
    data = {"kind": "image", "root": "demo"}
    refused = rest.post(f"/checkpoints/{row['id']}/evaluate", json={"protocol": KNN, "data": data})
    assert (refused.status_code, "small3d" in refused.text or "video" in refused.text) == (422, True)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda state: state.pop("layers.1.0.weight"), "1 are missing (layers.1.0.weight)"),
        (
            lambda state: state.update({"layers.9.weight": torch.zeros(1)}),
            "1 are of no use (layers.9.weight)",
        ),
        (lambda state: state.update({"layers.1.0.weight": torch.zeros(2)}), "1 have another shape"),
    ],
)
def test_what_does_not_match_is_refused_with_counts_and_leaves_nothing(
    spoil: Callable[[dict[str, torch.Tensor]], object],
    sentence: str,
    rest: TestClient,
    record: Lab,
    encoder: Path,
    weights: dict[str, torch.Tensor],
) -> None:
    state = dict(weights)
    spoil(state)
    torch.save(state, encoder)
    seen = rest.post("/imports/inspect", json={"path": "encoder.pth"}).json()
    assert (seen["match"]["is_whole"], sentence in seen["sentence"]) == (False, True)
    refused = rest.post("/imports", json={"path": "encoder.pth"})
    assert refused.status_code == 422
    assert sentence in refused.json()["fields"][0]["message"]
    assert list(record.settings.runs_dir.iterdir()) == []
    assert rest.get("/checkpoints").json()["total"] == 0


def test_files_outside_the_roots_are_never_opened(
    rest: TestClient, encoder: Path, started: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.pth"
    outside.write_bytes(b"x")
    (encoder.parent / "link.pth").symlink_to(outside)
    for path in (str(outside), "../../secret.pth", "link.pth", "/etc/passwd"):
        refused = rest.post("/imports/inspect", json={"path": path})
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "path"), path
    gone = rest.post("/imports/inspect", json={"path": "gone.pth"}).json()
    assert "There is no file gone.pth" in gone["detail"]
    assert started == []


def test_a_file_under_a_data_root_may_be_imported_by_its_whole_path(
    rest: TestClient, record: Lab, encoder: Path
) -> None:
    moved = record.settings.roots[0] / "theirs" / "a b.pth"
    moved.parent.mkdir(parents=True)
    encoder.replace(moved)
    assert rest.post("/imports/inspect", json={"path": str(moved)}).json()["trunk"] == SMALL


def test_code_in_a_file_is_told_and_never_run(rest: TestClient, record: Lab, encoder: Path) -> None:
    proof = record.settings.home / "proof"

    class Runs:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            import os

            return os.mkdir, (str(proof),)

    torch.save({"state_dict": Runs()}, encoder)
    seen = rest.post("/imports/inspect", json={"path": "encoder.pth"})
    assert (seen.status_code, "asks for code" in seen.json()["detail"]) == (422, True)
    assert not proof.exists()


def test_a_reader_may_start_no_program_and_import_nothing(
    record: Lab, rest: TestClient, encoder: Path
) -> None:
    token = rest.post("/tokens", json={"name": "r", "scope": "read", "expires_in_days": 1}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert rest.post("/imports/inspect", json={"path": "encoder.pth"}, headers=headers).status_code == 403
    assert rest.post("/imports", json={"path": "encoder.pth"}, headers=headers).status_code == 403


def test_an_import_is_listed_with_runs_and_checkpoints_and_may_be_put_away(
    rest: TestClient, encoder: Path
) -> None:
    row = rest.post("/imports", json={"path": "encoder.pth", "experiment": "theirs"}).json()
    assert [one["name"] for one in rest.get("/runs", params={"kind": "import"}).json()["items"]] == [
        "encoder"
    ]
    assert [one["name"] for one in rest.get("/experiments").json()] == ["theirs"]
    assert rest.post(f"/runs/{row['run']['id']}/archive").status_code == 200
    assert rest.get(f"/runs/{row['run']['id']}").json()["may"] == ["restore"]


def test_an_imported_file_is_removed_like_any_other(rest: TestClient, record: Lab, encoder: Path) -> None:
    row = rest.post("/imports", json={"path": "encoder.pth"}).json()
    file = record.settings.run_folder(row["run"]["id"]) / row["path"]
    assert file.is_file()
    assert rest.delete(f"/checkpoints/{row['id']}").status_code == 200
    assert not file.exists()
    assert encoder.is_file(), "the file that it came from is nobody's to remove"
    assert rest.get(f"/checkpoints/{row['id']}/export").status_code == 404


def test_two_imports_of_one_file_are_two_checkpoints(rest: TestClient, encoder: Path) -> None:
    first, second = (rest.post("/imports", json={"path": "encoder.pth"}).json() for _ in range(2))
    assert first["id"] != second["id"]
    assert first["run"]["id"] != second["run"]["id"]


def test_a_file_that_changed_since_it_was_looked_at_is_refused(rest: TestClient, encoder: Path) -> None:
    seen = rest.post("/imports/inspect", json={"path": "encoder.pth"}).json()
    torch.save({key: value + 1 for key, value in torch.load(encoder).items()}, encoder)
    refused = rest.post("/imports", json={"path": "encoder.pth", "sha256": seen["sha256"]})
    assert (refused.status_code, "changed since" in refused.json()["detail"]) == (422, True)


def test_a_recipe_must_be_one_and_train_the_same_trunk(rest: TestClient, encoder: Path) -> None:
    for recipe, sentence in (("none-such", "There is no recipe"), ("k400-r3d50", "does not train a small3d")):
        refused = rest.post("/imports", json={"path": "encoder.pth", "recipe": recipe})
        assert (refused.status_code, sentence in refused.json()["detail"]) == (422, True)


def test_too_many_at_once_are_told_to_come_again(
    rest: TestClient, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(transfer, "WAITS_S", 0.01)
    with transfer._places:
        assert rest.post("/imports/inspect", json={"path": "encoder.pth"}).status_code == 429
    assert rest.post("/imports/inspect", json={"path": "encoder.pth"}).status_code == 200


def test_a_disk_that_does_not_answer_is_told(
    rest: TestClient, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(verb: str, asked: str) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(verb, 300)

    monkeypatch.setattr(transfer, "run_program", hangs)
    refused = rest.post("/imports/inspect", json={"path": "encoder.pth"})
    assert (refused.status_code, "is its disk away?" in refused.json()["detail"]) == (422, True)


def test_a_layout_that_a_trunk_lacks_is_a_conflict_and_is_not_offered(
    rest: TestClient, encoder: Path
) -> None:
    row = rest.post("/imports", json={"path": "encoder.pth"}).json()
    assert row["layouts"] == ["safetensors"]
    refused = rest.get(f"/checkpoints/{row['id']}/export", params={"layout": "torchvision"})
    assert (refused.status_code, "choose safetensors" in refused.json()["detail"]) == (409, True)
    assert rest.get(f"/checkpoints/{row['id']}/export", params={"layout": "onnx"}).status_code == 422
    assert rest.get("/checkpoints/99/export").status_code == 404


def test_a_card_says_what_it_is_how_it_was_trained_and_what_it_scored(rest: TestClient, record: Lab) -> None:
    record.dataset()
    record.host()
    run_id = record.running(name="mine | *first*")
    record.tell(run_id, checkpoint(50), end("finished"))
    launched = rest.post("/checkpoints/1/evaluate", json={"protocol": KNN}).json()
    record.claim()
    values = {"top1": 0.5, "mAP@16": 0.25, "l2": 0.1}
    result = {"event": "result", "attempt": 1, "values": values, "protocol": {}, "files": []}
    record.tell(launched["id"], result, end("finished"))
    card = rest.get("/checkpoints/1/card").json()
    assert (card["trunk"], card["features"], card["layouts"]) == ("small3d", 192, ["safetensors"])
    assert card["trained"]["state"] == "epoch 10, step 50"
    assert (card["trained"]["method"], card["trained"]["data"]) == ("sce", "demo (train)")
    assert [(score["dataset"], score["values"]) for score in card["scores"]] == [("demo", values)]
    text = rest.get("/checkpoints/1/card.md").text
    assert text.startswith("# mine \\| \\*first\\*\n")
    assert "| demo | val | k-NN, k 5, temperature 0.07, 1 clip x 1 crop, 256 px | top1 | 0.5000 |" in text
    assert "| mAP@16 | 0.2500 |" in text
    assert "| l2 |" not in text


def test_a_card_of_an_import_says_no_more_than_it_knows(rest: TestClient, encoder: Path) -> None:
    row = rest.post("/imports", json={"path": "encoder.pth", "origin": "<b>a friend</b>"}).json()
    card = rest.get(f"/checkpoints/{row['id']}/card").json()
    assert card["trained"]["where"] == "elsewhere; imported"
    assert "method" not in card["trained"]
    text = rest.get(f"/checkpoints/{row['id']}/card.md").text
    assert "\\<b\\>a friend" in text
    assert "Nothing measured yet." in text


def test_markdown_shows_what_people_wrote_as_they_wrote_it() -> None:
    assert escaped("a|b\n# c <script> [x](y)") == "a\\|b \\# c \\<script\\> \\[x\\](y)"


def test_an_import_says_in_both_tables_only_what_it_knows(
    rest: TestClient, record: Lab, encoder: Path
) -> None:
    record.dataset()
    row = rest.post("/imports", json={"path": "encoder.pth"}).json()
    asked = {"protocol": KNN, "data": {"kind": "video", "root": "demo"}}
    run_id = rest.post(f"/checkpoints/{row['id']}/evaluate", json=asked).json()["id"]
    with record.sessions.begin() as db:
        run = db.get_one(Run, run_id)
        values: dict[str, Any] = {"state": "finished", "summary": {"top1": 0.5}}
        for name, value in values.items():
            setattr(run, name, value)
    table = rest.get("/results/own").json()
    (line,) = table["rows"]
    assert (line["name"], line["method"], line["epochs"]) == ("encoder", "not said", "not known")
    cell = line["cells"][table["columns"][0]["key"]]
    assert (cell["untrained"], cell["trained"]["mean"]) == (None, 50)
