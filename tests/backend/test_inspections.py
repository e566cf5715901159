"""The inspector's door: asked once, answered from what a worker wrote, and no way out of the views folder."""

import json
from pathlib import Path
from typing import Any

import pytest
from edge_fixtures import Lab

from backend.datasets import service
from backend.inspections.service import MOST_WAITING, waiting
from sce.recipes import load_recipe

pytest_plugins = ["edge_fixtures"]

ROUTE = "/api/v1/inspections"
PROBED = {
    "num_frames": 90,
    "fps": 30.0,
    "duration_s": 3.0,
    "width": 64,
    "height": 48,
    "codec": "h264",
    "bytes": 9,
}
SEEN = {
    "source": "source-0.mp4",
    "view": "view-0.mp4",
    "size": 112,
    "start_s": 0.5,
    "frames": [15, 50],
    "times_s": [0.5, 1.6667],
    "source_width": 64,
    "source_height": 48,
    "box": {"top": 1, "left": 2, "height": 30, "width": 40},
    "operations": [
        {"name": "flip", "is_applied": True, "probability": 0.5, "words": "Flipped", "values": {}}
    ],
}


def a_data_set(lab: Lab) -> Path:
    root = lab.settings.roots[1] / "set"
    root.mkdir()
    items: list[Any] = [{"path": f"train/a/{n}.mp4", "label": 0, **PROBED} for n in range(3)]
    index: Any = {"classes": ["a"], "splits": {"train": items}, "unreadable": [], "fingerprint": "f"}
    with lab.sessions.begin() as db:
        dataset = service.register(db, lab.settings, name="set", root=str(root), kind="video")
        service.store_index(db, dataset_id=dataset.id, index=index)
    return root


def definition_on(root: Path, **changes: Any) -> dict[str, Any]:
    definition = dict(load_recipe("demo-sce").definition)
    return {**definition, "data": {**definition["data"], "root": str(root)}, "evaluations": [], **changes}


def ask(lab: Lab, **body: Any) -> Any:
    return lab.admin.post(ROUTE, json=body)


def fields_of(answer: Any) -> list[str]:
    return [problem["field"] for problem in answer.json()["fields"]]


def answered(lab: Lab) -> str:
    """A worker's work on the one question that waits; the key of its folder."""
    (folder,) = waiting(lab.settings)
    (folder / "view-0.mp4").write_bytes(b"clip")
    (folder / "views.json").write_text(json.dumps({"views": [SEEN]}))
    return folder.name


def test_a_question_waits_until_a_worker_has_answered_it(lab: Lab) -> None:
    body = {"definition": definition_on(a_data_set(lab)), "position": 1, "epoch": 3}
    first = ask(lab, **body).json()
    assert (first["state"], first["path"], first["class_name"]) == ("waiting", "train/a/1.mp4", "a")
    assert (first["num_items"], first["epoch"], first["views"]) == (3, 3, [])
    asked = json.loads((waiting(lab.settings)[0] / "asked.json").read_text())
    assert (asked["item"], asked["epoch"], asked["seed"]) == ("train/a/1.mp4", 3, first["seed"])
    key = answered(lab)
    then = ask(lab, **body).json()
    assert then["state"] == "ready"
    assert then["views"][0]["box"] == SEEN["box"]
    assert then["views"][0]["view_url"] == f"{ROUTE}/{key}/view-0.mp4"
    sent = lab.admin.get(then["views"][0]["view_url"])
    assert (sent.status_code, sent.headers["Content-Type"], sent.content) == (200, "video/mp4", b"clip")


def test_only_what_decides_the_views_makes_another_question(lab: Lab) -> None:
    root = a_data_set(lab)
    ask(lab, definition=definition_on(root))
    answered(lab)
    longer = {**definition_on(root)["optimisation"], "epochs": 7}
    assert ask(lab, definition=definition_on(root, optimisation=longer)).json()["state"] == "ready"
    for changed in ({"seed": 5}, {"epoch": 1}, {"position": 2}):
        assert ask(lab, definition=definition_on(root), **changed).json()["state"] == "waiting"


def test_a_runs_own_definition_is_shown(lab: Lab) -> None:
    root = a_data_set(lab)
    small = {**definition_on(root)["optimisation"], "batch_size": 2}
    definition = definition_on(root, optimisation=small)
    run_id = lab.admin.post("/api/v1/runs", json={"definition": definition, "is_draft": True}).json()["id"]
    answer = ask(lab, run_id=run_id).json()
    assert (answer["state"], answer["seed"]) == ("waiting", definition.get("seed", 42))


def test_what_cannot_be_shown_says_why(lab: Lab) -> None:
    body = {"definition": definition_on(a_data_set(lab))}
    ask(lab, **body)
    (waiting(lab.settings)[0] / "failed").write_text("train/a/0.mp4: The file is empty.")
    answer = ask(lab, **body).json()
    assert (answer["state"], answer["failure"]) == ("failed", "train/a/0.mp4: The file is empty.")


def test_questions_without_an_answer_are_refused_with_a_sentence(lab: Lab) -> None:
    root = a_data_set(lab)
    assert ask(lab).status_code == 422
    assert ask(lab, run_id=99).status_code == 404
    beyond = ask(lab, definition=definition_on(root), position=3)
    assert (beyond.status_code, fields_of(beyond)) == (422, ["position"])
    assert beyond.json()["detail"] == "Split 'train' of set has 3 readable items."
    outside = ask(lab, definition=definition_on(root.parent.parent))
    assert (outside.status_code, fields_of(outside)) == (422, ["data.root"])
    (root.parent / "new").mkdir()
    away = ask(lab, definition=definition_on(root.parent / "new"))
    assert (away.status_code, "not indexed" in away.json()["detail"]) == (409, True)
    assert waiting(lab.settings) == []


def test_no_more_than_so_many_questions_wait(lab: Lab) -> None:
    body = {"definition": definition_on(a_data_set(lab))}
    for epoch in range(MOST_WAITING):
        folder = lab.settings.views_dir / f"{epoch}"
        folder.mkdir(parents=True)
        (folder / "asked.json").touch()
    assert ask(lab, **body).status_code == 429


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("k" * 32, "none.mp4"),
        ("k" * 32, "asked.json"),
        ("k" * 32, ".a.mp4"),
        ("..", "a.mp4"),
        ("k" * 32, "..%2Fa.mp4"),
    ],
)
def test_nothing_but_clips_of_an_answer_is_sent(lab: Lab, key: str, name: str) -> None:
    folder = lab.settings.views_dir / ("k" * 32)
    folder.mkdir(parents=True)
    for file in (folder / "asked.json", folder / ".a.mp4", lab.settings.views_dir / "a.mp4"):
        file.write_bytes(b"secret")
    answer = lab.admin.get(f"{ROUTE}/{key}/{name}")
    assert (answer.status_code, b"secret" in answer.content) == (404, False)


def test_the_document_says_every_way_in_which_a_question_is_refused(lab: Lab) -> None:
    told = lab.client.get("/api/openapi.json").json()["paths"][ROUTE]["post"]["responses"]
    assert {"200", "401", "404", "409", "422", "429"} <= told.keys()


def test_who_may_only_look_puts_no_work_on_a_worker(lab: Lab) -> None:
    body = {"definition": definition_on(a_data_set(lab))}
    answer = lab.as_(lab.token(scope="read")).post(ROUTE, json=body)
    assert (answer.status_code, waiting(lab.settings)) == (403, [])
