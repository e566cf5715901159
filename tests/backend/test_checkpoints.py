"""Checkpoints: scored, held by what refers to them, removed only when nothing does."""

from pathlib import Path

import pytest
from makers import KNN, Lab, checkpoint, end
from sqlalchemy import select

from backend.checkpoints import service
from backend.checkpoints.tables import Checkpoint
from backend.checkpoints.views import CheckpointEdit, CheckpointView, EvaluateRequest
from backend.errors import Conflict, Invalid, NotFound
from backend.evaluations.service import read_evaluations

RESULT = {"event": "result", "attempt": 1, "values": {"top1": 0.5}, "protocol": {}, "files": []}


@pytest.fixture
def trained(record: Lab) -> Lab:
    """Run 1 has finished; checkpoints 1 (untrained), 2 (epoch 5) and 3 (epoch 10) lie in its folder."""
    record.dataset()
    record.host()
    run_id = record.running(name="mine")
    events = [checkpoint(0, kind="initial"), checkpoint(25), checkpoint(50)]
    record.tell(run_id, *events, end("finished"))
    folder = record.settings.run_folder(run_id)
    (folder / "checkpoints").mkdir(parents=True)
    for event in events:
        (folder / event["path"]).write_bytes(b"weights")
    return record


def see(lab: Lab, checkpoint_id: int) -> CheckpointView:
    with lab.sessions() as db:
        return service.read_checkpoint(db, checkpoint_id)


def evaluate(lab: Lab, checkpoint_id: int, **asked: object) -> int:
    with lab.sessions.begin() as db:
        request = EvaluateRequest.model_validate({"protocol": KNN, **asked})
        by = db.merge(lab.user())
        return service.evaluate(db, checkpoint_id, request, settings=lab.settings, by=by).id


def remove(lab: Lab, checkpoint_id: int) -> CheckpointView:
    with lab.sessions.begin() as db:
        by = db.merge(lab.user())
        return service.remove_checkpoint(db, checkpoint_id, settings=lab.settings, by=by)


def pin(lab: Lab, checkpoint_id: int, pinned: bool = True) -> CheckpointView:
    with lab.sessions.begin() as db:
        by = db.merge(lab.user())
        return service.edit_checkpoint(db, checkpoint_id, CheckpointEdit(pinned=pinned), by=by)


def file_of(lab: Lab, checkpoint_id: int) -> Path:
    with lab.sessions() as db:
        return service.contained(lab.settings, db.get_one(Checkpoint, checkpoint_id))


def test_a_checkpoint_that_nothing_refers_to_is_deleted_and_remembered(trained: Lab) -> None:
    assert file_of(trained, 2).exists()
    seen = remove(trained, 2)
    assert (seen.removed_at is None, seen.may) == (False, [])
    assert not file_of(trained, 2).exists()
    with pytest.raises(Conflict, match="removed already"):
        remove(trained, 2)


def test_a_removal_that_is_rolled_back_keeps_the_file(trained: Lab) -> None:
    with trained.sessions() as db:
        service.remove_checkpoint(db, 2, settings=trained.settings, by=db.merge(trained.user()))
        db.rollback()
    assert file_of(trained, 2).exists()


def test_an_evaluation_holds_its_checkpoint(trained: Lab) -> None:
    run_id = evaluate(trained, 2)
    assert see(trained, 2).held_by == [f"{trained.run(run_id).name} is queued and reads it."]
    with pytest.raises(Conflict, match="still referred to"):
        remove(trained, 2)


def test_a_pin_holds_until_it_is_taken_off(trained: Lab) -> None:
    assert pin(trained, 2).held_by == ["It is pinned."]
    with pytest.raises(Conflict):
        remove(trained, 2)
    assert "remove" in pin(trained, 2, pinned=False).may


def test_the_state_that_a_stopped_run_would_go_on_from_is_held(record: Lab) -> None:
    record.dataset()
    record.host()
    run_id = record.running(name="mine")
    record.tell(run_id, checkpoint(25), end("stopped"))
    seen = see(record, 1)
    assert seen.held_by == ["mine would go on from it."]
    assert seen.may == ["evaluate", "resume", "pin", "download"]


def test_a_checkpoint_is_evaluated_on_the_data_it_learned_from(trained: Lab) -> None:
    run = trained.run(evaluate(trained, 3))
    assert run.definition["data"]["root"] == trained.run(1).definition["data"]["root"]
    assert (run.parent_id, run.checkpoint_id, run.priority) == (1, 3, 1)


def test_an_evaluation_needs_a_protocol_and_says_so_at_its_field(trained: Lab) -> None:
    with pytest.raises(Invalid) as error:
        evaluate(trained, 3, protocol=None)
    assert list(error.value.fields) == ["protocol"]


def test_a_score_is_shown_at_its_checkpoint(trained: Lab) -> None:
    run_id = evaluate(trained, 3)
    trained.claim()
    trained.tell(run_id, RESULT, end("finished"))
    (score,) = see(trained, 3).scores
    assert (score.run_id, score.kind, score.values) == (run_id, "knn", {"top1": 0.5})


def test_what_a_probe_journals_of_its_own_training_is_no_score_of_the_checkpoint(trained: Lab) -> None:
    run_id = evaluate(trained, 3)
    trained.claim()
    training = {"event": "metrics", "attempt": 1, "time": 0.0, "step": 1, "epoch": 1.0}
    trained.tell(run_id, {**training, "values": {"train/lr": 0.1, "val/top1": 0.4}}, RESULT, end("finished"))
    with trained.sessions() as db:
        (curve,) = read_evaluations(db, 1).curves
    assert curve.points[0].values == {"top1": 0.5}
    assert see(trained, 3).scores[0].values == {"top1": 0.5}
    assert trained.run(run_id).summary == {"train/lr": 0.1, "val/top1": 0.4, "top1": 0.5}


def test_scores_of_one_protocol_are_a_curve_over_the_epochs(trained: Lab) -> None:
    for checkpoint_id in (3, 1, 2):
        evaluate(trained, checkpoint_id)
    evaluate(trained, 3, protocol={"kind": "knn", "k": 7})
    with trained.sessions() as db:
        seen = read_evaluations(db, 1)
    assert [[point.epoch for point in curve.points] for curve in seen.curves] == [[0, 5, 10], [10]]
    assert seen.curves[0].protocol_words == "k-NN, k 5, temperature 0.07, 1 clip x 1 crop, 256 px"
    assert seen.curves[0].dataset == "demo"
    assert len(seen.runs) == 4


def test_a_download_is_the_file_and_never_one_outside_the_folder(trained: Lab) -> None:
    with trained.sessions() as db:
        found = service.download(db, 2, settings=trained.settings)
    assert (found.file.read_bytes(), found.name) == (b"weights", "run1-periodic-25.ckpt")
    with trained.sessions.begin() as db:
        db.get_one(Checkpoint, 2).path = "../../secret"
    with trained.sessions() as db, pytest.raises(NotFound):
        service.download(db, 2, settings=trained.settings)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(trained: Lab, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    file = file_of(trained, 2)
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    with trained.sessions() as db, pytest.raises(NotFound):
        service.download(db, 2, settings=trained.settings)


def test_checkpoints_are_listed_newest_first_and_the_removed_apart(trained: Lab) -> None:
    remove(trained, 2)
    with trained.sessions() as db:
        there = service.list_checkpoints(db, run_id=1, pinned=None, removed=False, page=1, size=10)
        gone = service.list_checkpoints(db, run_id=1, pinned=None, removed=True, page=1, size=10)
        assert db.scalars(select(Checkpoint)).all()
    assert [row.id for row in there.items] == [3, 1]
    assert [row.id for row in gone.items] == [2]


def test_a_kept_checkpoint_of_a_pretraining_may_be_evaluated(trained: Lab) -> None:
    assert "evaluate" in see(trained, 3).may
