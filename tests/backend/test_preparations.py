"""Preparing a data set over HTTP: what is asked, what is refused by its field, and the states it goes through."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from makers import Lab as RecordLab

from backend.datasets import preparation, service

REPORT: dict[str, Any] = {
    "num_classes": 0,
    "made": 3,
    "kept": 1,
    "splits": {},
    "warnings": ["train lists 4 items, and the official set has 9."],
    "bad": [{"path": f"{n}.avi", "split": "train", "reason": "The file is empty."} for n in range(250)],
    "seconds": 2.5,
}


@pytest.fixture
def source(record: RecordLab) -> Path:
    folder = record.settings.roots[0] / "downloads" / "mine"
    folder.mkdir(parents=True)
    return folder


def asked(**change: Any) -> dict[str, Any]:
    return {"set_name": "videos", "name": "mine", "source": "downloads/mine", "target": "mine-256"} | change


def test_the_catalogue_says_what_to_download_by_hand(rest: TestClient) -> None:
    known = {one["name"]: one for one in rest.get("/catalogue").json()}
    assert {"kinetics400", "ucf101", "hmdb51", "ssv2", "imagenet100", "stl10"} <= set(known)
    assert known["ucf101"]["splits"][:2] == ["train-1", "test-1"]
    assert known["ucf101"]["downloads"][1]["where"].startswith("ucfTrainTestlist/classInd.txt")
    assert all(one["downloads"] for one in known.values())


def test_a_preparation_waits_for_a_worker(rest: TestClient, source: Path, record: RecordLab) -> None:
    answer = rest.post("/preparations", json=asked(how="encode", short_side=256))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["set_title"]) == ("waiting", "Any folder of videos")
    assert made["source"] == str(source)
    assert made["target"] == str(record.settings.roots[0] / "mine-256")
    assert rest.get(f"/preparations/{made['id']}").json() == made
    assert rest.get("/preparations").json() == [made]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"set_name": "ucf11"}, "set_name", "Did you mean ucf101"),
        ({"source": "nowhere"}, "source", "There is no folder nowhere"),
        ({"source": "/etc"}, "source", "lies under no data root"),
        ({"target": "/etc/mine"}, "target", "is no folder under a data root"),
        ({"target": "../../../outside"}, "target", "is no folder under a data root"),
        ({"target": "a\x00b"}, "target", "NUL"),
        ({"target": "", "how": "encode"}, "target", "never written over"),
        ({"set_name": "cifar10", "target": ""}, "target", "never written over"),
        ({"set_name": "imagenet", "how": "frames"}, "how", "nothing to encode"),
        ({"how": "shrink"}, "how", "link"),
        ({"short_side": 0}, "short_side", "greater than 0"),
        ({"fps": 5000}, "fps", "less than or equal to 1000"),
        ({"name": "../x"}, "name", "pattern"),
    ],
)
def test_what_cannot_be_done_is_told_at_its_field(
    change: dict[str, Any], field: str, words: str, rest: TestClient, source: Path
) -> None:
    answer = rest.post("/preparations", json=asked(**change))
    assert answer.status_code == 422
    told = {one["field"]: one["message"] for one in answer.json()["fields"]}
    assert words in told[field]
    assert rest.get("/preparations").json() == []


def test_one_folder_is_prepared_once_at_a_time(rest: TestClient, source: Path) -> None:
    rest.post("/preparations", json=asked())
    answer = rest.post("/preparations", json=asked(name="other"))
    assert answer.status_code == 409
    assert "'mine' is being prepared in that folder" in answer.json()["detail"]


def test_a_name_of_another_folder_is_taken(rest: TestClient, source: Path, record: RecordLab) -> None:
    (record.settings.roots[0] / "other").mkdir()
    rest.post("/datasets", json={"name": "mine", "root": "other", "kind": "video"})
    answer = rest.post("/preparations", json=asked())
    assert answer.status_code == 409
    assert answer.json()["fields"] == [{"field": "name", "message": "It is taken already."}]


def test_one_that_waits_is_stopped_at_once_and_may_go_on(rest: TestClient, source: Path) -> None:
    number = rest.post("/preparations", json=asked()).json()["id"]
    assert rest.post(f"/preparations/{number}/stop").json()["state"] == "stopped"
    again = rest.post(f"/preparations/{number}/stop")
    assert (again.status_code, again.json()["detail"]) == (409, "mine is stopped: there is nothing to stop.")
    assert rest.post(f"/preparations/{number}/resume").json()["state"] == "waiting"
    assert rest.post(f"/preparations/{number}/resume").status_code == 409


@pytest.fixture
def number(rest: TestClient, source: Path, record: RecordLab) -> int:
    """One whose files are all there; only the index is missing."""
    (record.settings.roots[0] / "mine-256").mkdir()
    return int(rest.post("/preparations", json=asked()).json()["id"])


def test_one_worker_takes_it_and_tells_how_far_it_is(
    number: int, rest: TestClient, record: RecordLab
) -> None:
    with record.sessions.begin() as db:
        assert preparation.begin(db, preparation_id=number) is not None
        assert preparation.begin(db, preparation_id=number) is None
    told = {"stage": "convert", "done": 3, "total": 12, "num_bad": 1, "eta_s": 60.0}
    with record.sessions.begin() as db:
        assert preparation.progress(db, preparation_id=number, **told)  # type: ignore[arg-type]  # mixed values
    seen = rest.get(f"/preparations/{number}").json()
    assert told.items() <= seen.items()
    assert rest.post(f"/preparations/{number}/stop").json()["state"] == "stopping"
    with record.sessions.begin() as db:
        assert not preparation.progress(db, preparation_id=number, **told)  # type: ignore[arg-type]  # mixed values


def test_the_end_registers_the_folder_and_keeps_the_report(
    number: int, rest: TestClient, record: RecordLab
) -> None:
    with record.sessions.begin() as db:
        preparation.begin(db, preparation_id=number)
        preparation.finished(db, record.settings, preparation_id=number, report=REPORT)
    seen = rest.get(f"/preparations/{number}").json()
    assert (seen["state"], seen["num_bad"], seen["report"]["num_bad"]) == ("finished", 250, 250)
    assert len(seen["report"]["bad"]) == 200
    dataset = rest.get(f"/datasets/{seen['dataset_id']}").json()
    assert (dataset["name"], dataset["state"], dataset["root"]) == ("mine", "waiting", seen["target"])


def test_a_folder_that_is_registered_already_is_indexed_again(
    number: int, rest: TestClient, record: RecordLab
) -> None:
    rest.post("/datasets", json={"name": "as it was", "root": "mine-256", "kind": "video"})
    with record.sessions.begin() as db:
        (known,) = service.list_datasets(db)
        service.index_failed(db, dataset_id=known.id, sentence="It was empty.")
        preparation.begin(db, preparation_id=number)
        preparation.finished(db, record.settings, preparation_id=number, report=REPORT)
    (dataset,) = rest.get("/datasets").json()
    assert (dataset["name"], dataset["state"], dataset["failure"]) == ("as it was", "waiting", None)


@pytest.mark.parametrize(("asked_to_stop", "state"), [(False, "waiting"), (True, "stopped")])
def test_one_whose_process_vanished_goes_on_unless_it_was_to_stop(
    asked_to_stop: bool, state: str, number: int, rest: TestClient, record: RecordLab
) -> None:
    with record.sessions.begin() as db:
        preparation.begin(db, preparation_id=number)
    if asked_to_stop:
        rest.post(f"/preparations/{number}/stop")
    with record.sessions.begin() as db:
        preparation.put_back(db, preparation_id=number)
    assert rest.get(f"/preparations/{number}").json()["state"] == state


def test_a_failure_keeps_its_sentence_until_it_goes_on(
    number: int, rest: TestClient, record: RecordLab
) -> None:
    with record.sessions.begin() as db:
        preparation.begin(db, preparation_id=number)
        preparation.ended(db, preparation_id=number, state="failed", sentence="It holds no classInd.txt.")
    assert rest.get(f"/preparations/{number}").json()["sentence"] == "It holds no classInd.txt."
    assert rest.post(f"/preparations/{number}/resume").json()["sentence"] is None


def test_one_that_is_not_there_is_not_found(rest: TestClient) -> None:
    for ask in (
        rest.get,
        lambda path: rest.post(f"{path}/stop"),
        lambda path: rest.post(f"{path}/resume"),
    ):
        assert ask("/preparations/99").status_code == 404
