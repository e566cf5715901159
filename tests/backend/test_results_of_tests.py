"""A test of a classifier in the tables of results."""

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
