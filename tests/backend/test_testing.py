"""Test runs: asked for by naming a run, refused where there is nothing to test."""

from typing import Any

import pytest
from makers import Lab, checkpoint, end, start
from starlette.testclient import TestClient

from backend.evaluations.words import protocol_words
from backend.runs.tables import Run
from sce.definition import FinetuneProtocol, KnnProtocol, SvmProtocol, TransferProtocol

LINEAR = {
    "kind": "linear",
    "optimisation": {"epochs": 4, "batch_size": 8, "schedule": {"kind": "cosine"}},
    "views": {"clips": 3, "crops": 1, "size": 32},
}


@pytest.fixture
def probed(record: Lab, rest: TestClient) -> int:
    """A finished linear probe of a finished pretraining, with both its classifiers in the record."""
    record.dataset()
    record.host()
    parent = record.running(name="mine")
    record.tell(parent, checkpoint(0, kind="initial"), end("finished"))
    answer = rest.post("/checkpoints/1/evaluate", json={"protocol": LINEAR})
    run_id: int = answer.json()["id"]
    record.claim()
    record.tell(run_id, start())
    record.tell(
        run_id,
        {**checkpoint(10, kind="best"), "path": "checkpoints/classifier-best.ckpt"},
        {**checkpoint(20, kind="final"), "path": "checkpoints/classifier-last.ckpt"},
        end("finished"),
    )
    return run_id


@pytest.mark.parametrize(("which", "name"), [("best", "best"), ("last", "last"), ("both", "last")])
def test_a_test_needs_no_field_but_which(
    which: str, name: str, probed: int, rest: TestClient, record: Lab
) -> None:
    assert "test" in rest.get(f"/runs/{probed}").json()["may"]
    answer = rest.post(f"/runs/{probed}/test", json={"which": which})
    assert answer.status_code == 201, answer.text
    with record.sessions() as db:
        run, own = db.get_one(Run, answer.json()["id"]), db.get_one(Run, probed)
        assert (run.kind, run.parent_id, run.state) == ("test", probed, "queued")
        assert run.definition["checkpoint"]["path"] == f"{probed}/checkpoints/classifier-{name}.ckpt"
        assert run.definition["checkpoint"]["sha256"] is not None
        assert run.definition["data"] == own.definition["data"]
        assert run.definition["protocol"] == {
            "kind": "test", "which": which, "views": own.definition["protocol"]["views"],
        }  # fmt: skip


def test_a_pretraining_has_no_classifier_to_test(probed: int, rest: TestClient) -> None:
    answer = rest.post("/runs/1/test", json={})
    assert (answer.status_code, "trains no classifier" in answer.text) == (409, True)
    assert "test" not in rest.get("/runs/1").json()["may"]


def test_a_trunk_is_not_tested_and_a_classifier_not_probed(probed: int, rest: TestClient) -> None:
    data = rest.get(f"/runs/{probed}/configuration").json()["definition"]["data"]
    classifier = rest.get("/checkpoints", params={"run_id": probed}).json()["items"][0]
    assert "evaluate" not in classifier["may"]
    for checkpoint_id, kind, sentence in (
        (1, "test", "It holds no classifier to test"),
        (classifier["id"], "knn", "choose the protocol test"),
    ):
        definition: dict[str, Any] = {"kind": "evaluation", "data": data, "protocol": {"kind": kind}}
        answer = rest.post("/runs", json={"definition": definition, "checkpoint_id": checkpoint_id})
        assert answer.status_code == 422
        assert sentence in answer.text


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (FinetuneProtocol(), "Fine-tuning, 200 epochs, batch 64, dropout 0.8, 10 clips x 3 crops, 256 px"),
        (
            FinetuneProtocol(head_lr=0.5, freeze_trunk_epochs=1, freeze_norms=True, dropout=0),
            "Fine-tuning, 200 epochs, batch 64, classifier's rate 0.5, trunk frozen for 1 epoch, norms frozen, "
            "10 clips x 3 crops, 256 px",
        ),
        (KnnProtocol(more_k=(1,)), "k-NN, k 20, temperature 0.07 and others, 1 clip x 1 crop, 256 px"),
        (SvmProtocol(), "Few-shot SVMs, 16, 32, 64 a class, 5 draws, C 0.5, 1 clip x 1 crop, 256 px"),
        (TransferProtocol(num_l2=1), "Linear transfer, 1 penalty tried, 1 clip x 1 crop, 256 px"),
    ],
)
def test_a_protocol_is_said_in_words(protocol: Any, words: str) -> None:
    assert protocol_words(protocol.model_dump(mode="json")) == words
