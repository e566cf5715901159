"""A test of a classifier, and what is fitted to frozen features, in the tables of results."""

import pytest
from makers import Lab, checkpoint
from starlette.testclient import TestClient
from test_results import R3D50, hmdb, keep, own, scored, splits_of_hmdb, trained

VIEW_1 = {"clips": 1, "crops": 1, "size": 256}


def test_a_test_run_is_a_score_of_the_training_whose_classifier_it_tests(
    rest: TestClient, record: Lab
) -> None:
    """As from a shell: trained without validation, then tested on all thirty views."""
    record.dataset()
    splits_of_hmdb(record, ("1",))
    one_view = {"kind": "linear", "optimisation": {"batch_size": 20}, "views": VIEW_1}
    (run_id,) = trained(record, [1], R3D50)
    probe = scored(record, run_id, {"top1": 0.3}, protocol=one_view, data=hmdb("1"))
    keep(record, probe, checkpoint(90, kind="best", path="checkpoints/best.ckpt"))
    whole = {"kind": "test", "which": "best", "views": {"clips": 10, "crops": 3, "size": 256}}
    test = scored(record, probe, {"top1": 0.4}, protocol=whole, data=hmdb("1"), step=90)
    table = own(rest)
    (row,) = table["rows"]
    shown = {column["protocol"]: row["cells"][column["key"]]["trained"] for column in table["columns"]}
    ((_, validated), (words, tested)) = sorted(shown.items())
    assert "10 clips x 3 crops" in words
    assert "test of the best classifier" in words
    assert (validated["mean"], tested["mean"], tested["run_ids"]) == (30, 40, [test])
    assert table["columns"][0]["label"] == table["columns"][1]["label"] == "Linear probe top-1"


def test_machines_and_transfers_stand_with_the_score_that_each_is_quoted_by(
    rest: TestClient, record: Lab
) -> None:
    record.dataset()
    (run_id,) = trained(record, [1])
    scored(record, run_id, {"mAP@16": 0.4, "mAP@full": 0.6}, protocol={"kind": "svm"})
    scores = {"top1": 0.7, "mean_per_class": 0.5}
    scored(record, run_id, scores, protocol={"kind": "transfer", "metric": "mean_per_class"})
    scored(record, run_id, {"mAP": 0.8}, protocol={"kind": "transfer", "metric": "mAP"})
    table = own(rest)
    cells = {one["label"]: table["rows"][0]["cells"][one["key"]]["trained"] for one in table["columns"]}
    assert {label: cell["mean"] for label, cell in cells.items()} == pytest.approx(
        {"Few-shot SVMs mAP": 60, "Linear transfer mean per class": 50, "Linear transfer mAP": 80}
    )
