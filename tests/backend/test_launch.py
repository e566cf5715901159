"""Launching: every fault at its field, every default written out, a preview writes nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from makers import KNN, PRETRAIN, Lab, checkpoint, end
from sqlalchemy import func, select

from backend.checkpoints.tables import Checkpoint
from backend.datasets.tables import Dataset
from backend.errors import Invalid
from backend.experiments.tables import Experiment
from backend.runs import service
from backend.runs.detail import configuration
from backend.runs.launch import free_name, preview
from backend.runs.tables import Run
from backend.runs.views import LaunchRequest, PreviewView
from sce.definition import definition_adapter


@pytest.fixture
def ready(record: Lab) -> Lab:
    record.dataset()
    record.host(room="a")
    return record


def look(lab: Lab, definition: dict[str, Any] = PRETRAIN, **asked: Any) -> PreviewView:
    with lab.sessions.begin() as db:
        return preview(db, LaunchRequest(definition=definition, **asked), settings=lab.settings)


def fields(lab: Lab, **asked: Any) -> dict[str, str]:
    """What is said of each field when a launch is refused."""
    with pytest.raises(Invalid) as error:
        lab.launch(**asked)
    return error.value.fields


@pytest.mark.parametrize(
    ("overrides", "field", "words"),
    [
        ({"optimisation.epoch": 3}, "optimisation.epoch", "Did you mean 'epochs'?"),
        ({"optimisation.batch_size": 0}, "optimisation.batch_size", "greater than 0"),
        ({"optimisation.batch_size": 41}, "optimisation.batch_size", "has 40 items: choose 40 or less"),
        ({"optimisation.accumulate": 3}, "optimisation.batch_size", "cannot be cut into 3"),
        ({"method.target_temperature": 0.5}, "method.target_temperature", "must be below temperature"),
        ({"trunk.kind": "r18"}, "trunk.kind", "does not read video data"),
        ({"data.root": "nowhere"}, "data.root", "There is no folder nowhere"),
        ({"data.root": "/etc"}, "data.root", "lies under no data root"),
        ({"data.train_split": "training"}, "data.train_split", "there are: train, val"),
        ({"compute.nodes": 2}, "compute.nodes", "needs SLURM"),
        ({"compute.devices": 2}, "compute.devices", "the largest has 1"),
        (
            {"compute.labels": ["gpu=a100"]},
            "compute.labels",
            "No host has label gpu=a100. There are: room=a.",
        ),
        ({"compute.labels": ["a100"]}, "compute.labels", "'a100' is no label: write name=value"),
        (
            {"compute.labels": ["room=a"], "compute.devices": 2},
            "compute.devices",
            "No host with room=a has 2 devices",
        ),
        ({"compute.accelerator": "gpu"}, "compute.accelerator", "No host has a GPU"),
        ({"evaluations": [{"protocol": {"kind": "knn", "k": 99}}]}, "evaluations.0.protocol.k", "only 40"),
        (
            {"evaluations": [{"data": {"kind": "video", "root": "no"}}]},
            "evaluations.0.data.root",
            "no folder",
        ),
    ],
)
def test_a_fault_is_told_at_its_field(ready: Lab, overrides: dict[str, Any], field: str, words: str) -> None:
    said = fields(ready, overrides=overrides)
    assert list(said) == [field]
    assert words in said[field]


def test_several_faults_are_told_at_once(ready: Lab) -> None:
    asked = {"compute.nodes": 2, "compute.devices": 4, "data.train_split": "x", "optimisation.batch_size": 80}
    assert set(fields(ready, overrides=asked)) == {"compute.nodes", "compute.devices", "data.train_split"}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"definition": None}, "recipe"),
        ({"recipe": "see", "definition": None}, "recipe"),
        ({"seeds": [1, 1]}, "seeds"),
        ({"cloned_from_id": 99}, "cloned_from_id"),
        ({"tags": [" "]}, "tags"),
        ({"checkpoint_id": 7}, "checkpoint_id"),
    ],
)
def test_a_fault_of_the_request_itself_names_its_field(ready: Lab, asked: dict[str, Any], field: str) -> None:
    request = LaunchRequest(**{"definition": PRETRAIN, **asked})
    with pytest.raises(Invalid) as error, ready.sessions.begin() as db:
        preview(db, request, settings=ready.settings)
    assert list(error.value.fields) == [field]


def test_a_refused_launch_writes_nothing(ready: Lab) -> None:
    fields(ready, overrides={"compute.nodes": 2}, experiment="new one")
    with ready.sessions() as db:
        assert db.scalar(select(func.count()).select_from(Run)) == 0
        assert db.scalar(select(func.count()).select_from(Experiment)) == 0


def test_a_preview_writes_nothing_and_its_yaml_asks_for_the_same(record: Lab) -> None:
    (record.settings.roots[0] / "demo").mkdir(parents=True)
    seen = look(record, overrides={"optimisation.epochs": 3})
    assert (
        definition_adapter.validate_python(yaml.safe_load(seen.yaml)).model_dump(mode="json")
        == seen.definition
    )
    assert seen.definition["data"]["root"] == str(record.settings.roots[0] / "demo")
    with record.sessions() as db:
        assert db.scalar(select(func.count()).select_from(Dataset)) == 0


def test_a_preview_derives_the_steps_from_the_indexed_split(ready: Lab) -> None:
    seen = look(ready)
    assert (seen.train_items, seen.derived.steps_per_epoch, seen.derived.total_steps) == (40, 5, 50)
    assert seen.estimated_s is None
    assert seen.warnings == []


def test_an_estimate_comes_from_a_run_that_did_the_same_work(ready: Lab) -> None:
    run_id = ready.running(name="earlier")
    ready.tell(run_id, end("finished"))
    with ready.sessions.begin() as db:
        run = db.get_one(Run, run_id)
        assert run.started_at is not None
        assert run.ended_at is not None
        run.started_at = run.ended_at.fromtimestamp(run.ended_at.timestamp() - 100, run.ended_at.tzinfo)
    seen = look(ready, overrides={"optimisation.epochs": 20})
    assert seen.estimated_s == pytest.approx(200, rel=0.01)
    assert seen.estimate_basis == f"earlier (run {run_id}) trained on 4 videos a second."
    assert look(ready, overrides={"trunk.width": 8}).estimated_s is None


def test_a_folder_that_is_new_is_registered_and_the_run_waits_for_its_index(record: Lab) -> None:
    (record.settings.roots[0] / "demo").mkdir(parents=True)
    record.host()
    launched = record.launch()
    assert "demo is not indexed yet" in launched.warnings[0]
    assert launched.runs[0].waits_for == "Data set demo is being indexed."
    assert launched.runs[0].dataset is not None
    assert ("worker.index_dataset", (launched.runs[0].dataset.id,)) in record.nudges
    assert record.claim() is None


def test_a_launch_is_nudged_after_its_commit(ready: Lab) -> None:
    ready.launch()
    assert ("worker.start_runs", ()) in ready.nudges


def test_a_draft_waits_until_it_is_launched(ready: Lab) -> None:
    run_id = ready.launch(is_draft=True).id
    assert ready.claim() is None
    with ready.sessions.begin() as db:
        assert service.launch_draft(db, run_id, by=db.merge(ready.user())).state == "queued"


def test_seeds_become_a_group_of_runs_that_differ_only_by_seed(ready: Lab) -> None:
    runs = ready.launch(seeds=[1, 2, 3]).runs
    assert [run.seed for run in runs] == [1, 2, 3]
    assert len({run.seed_group for run in runs}) == 1
    assert [ready.run(run.id).definition["seed"] for run in runs] == [1, 2, 3]
    assert runs[1].name == "sce small3d demo 1, seed 2"


def test_names_are_chosen_short_and_unused(ready: Lab) -> None:
    names = [ready.launch().runs[0].name for _ in range(3)] + [ready.launch(name="mine").runs[0].name]
    assert names == ["sce small3d demo 1", "sce small3d demo 2", "sce small3d demo 3", "mine"]


def test_a_data_set_takes_its_folders_name_or_the_next_free_one() -> None:
    assert free_name("demo", ["other"]) == "demo"
    assert free_name("demo", ["demo", "demo 2"]) == "demo 3"


def test_a_clone_remembers_its_origin_and_shows_the_difference(ready: Lab) -> None:
    origin = ready.launch().id
    with ready.sessions.begin() as db:
        by = db.merge(ready.user())
        clone = service.clone_run(db, origin, {"optimisation.epochs": 3}, settings=ready.settings, by=by).id
    with ready.sessions() as db:
        seen = configuration(db, clone)
    assert seen.parent is not None
    assert seen.parent.id == origin
    assert [(change.field, change.before, change.after) for change in seen.parent_changes] == [
        ("optimisation.epochs", 10, 3)
    ]


# -- evaluations


@pytest.fixture
def trained(ready: Lab) -> tuple[Lab, int]:
    """A finished pretraining, and the id of its checkpoint."""
    run_id = ready.running(name="mine")
    ready.tell(run_id, checkpoint(50), checkpoint(50, kind="last"), end("finished"))
    with ready.sessions() as db:
        found = db.scalars(select(Checkpoint).where(Checkpoint.kind == "periodic")).one()
    return ready, found.id


def evaluation(**parts: Any) -> dict[str, Any]:
    return {"kind": "evaluation", "data": PRETRAIN["data"], "protocol": KNN, "checkpoint": None, **parts}


def test_an_evaluation_names_its_checkpoint_by_number(trained: tuple[Lab, int]) -> None:
    lab, checkpoint_id = trained
    (run,) = lab.launch(evaluation(), checkpoint_id=checkpoint_id).runs
    assert run.name == "k-NN of mine at epoch 10"
    assert run.parent is not None
    assert run.checkpoint is not None
    assert run.checkpoint.id == checkpoint_id
    assert lab.run(run.id).definition["checkpoint"]["sha256"] == f"{50:064x}"


def test_a_path_in_the_runs_folder_is_the_registered_checkpoint(trained: tuple[Lab, int]) -> None:
    lab, checkpoint_id = trained
    asked = evaluation(checkpoint={"path": "1/checkpoints/periodic-50.ckpt"})
    assert lab.run(lab.launch(asked).id).checkpoint_id == checkpoint_id


@pytest.mark.parametrize(
    ("path", "words"), [("missing.ckpt", "There is no file"), ("/etc/passwd", "lies outside the runs folder")]
)
def test_a_checkpoint_that_is_missing_or_outside_is_refused(
    trained: tuple[Lab, int], path: str, words: str
) -> None:
    said = fields(trained[0], definition=evaluation(checkpoint={"path": path}))
    assert words in said["checkpoint.path"]


def test_an_evaluation_without_a_checkpoint_says_what_to_choose(ready: Lab) -> None:
    said = fields(ready, definition=evaluation())
    assert said == {"checkpoint": "Choose what is measured: a checkpoint's number, or the path of a file."}


def test_a_checkpoint_that_will_be_replaced_is_not_evaluated(trained: tuple[Lab, int]) -> None:
    lab, checkpoint_id = trained
    with lab.sessions() as db:
        last = db.scalars(select(Checkpoint).where(Checkpoint.kind == "last")).one().id
    assert last != checkpoint_id
    assert "kept" in fields(lab, definition=evaluation(), checkpoint_id=last)["checkpoint_id"]


def test_images_are_refused_for_a_video_trunk(trained: tuple[Lab, int], tmp_path: Path) -> None:
    lab, checkpoint_id = trained
    (lab.settings.roots[0] / "digits").mkdir()
    asked = evaluation(data={"kind": "image", "root": "digits"})
    said = fields(lab, definition=asked, checkpoint_id=checkpoint_id)
    assert said["data.kind"] == "The checkpoint's trunk, small3d, does not read image data."


def test_a_clip_that_is_longer_than_its_videos_is_told(ready: Lab) -> None:
    seen = look(ready, overrides={"data.clip_s": 4.5})
    (warning,) = [one for one in seen.warnings if "shorter" in one]
    assert re.fullmatch(
        r"\d+ of the \d+ videos of train are shorter than the clip of 4\.5 s, and repeat their frames: "
        r"choose a shorter data\.clip_s to spare that\.",
        warning,
    )
    assert not [one for one in look(ready, overrides={"data.clip_s": 3.5}).warnings if "shorter" in one]
