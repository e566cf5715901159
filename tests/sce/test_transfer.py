"""The program that the platform starts: JSON in, JSON out, and a sentence where nothing can be done."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from sce.checkpoints import IMPORT, UnusableCheckpoint, digest, load_trunk
from sce.definition import Import, R3d18, Small3d, learned_as
from sce.transfer import answer, main
from sce.trunks import build_trunk

SMALL = Small3d(width=2)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    state = build_trunk(SMALL).state_dict()
    torch.save({f"backbone.{key}": value for key, value in state.items()}, tmp_path / "encoder.pth")
    return tmp_path / "encoder.pth"


def ask(verb: str, path: Path, **more: Any) -> dict[str, Any]:
    named = {"path": str(path), **more.pop("file", {})}
    return answer(verb, json.dumps({"file": named, **more}))


def test_a_look_shows_each_name_and_what_it_becomes(encoder: Path) -> None:
    said = ask("inspect", encoder)
    assert (said["trunk"], said["sentence"]) == ({"kind": "small3d", "width": 2}, None)
    assert (said["match"]["prefix"], said["match"]["is_whole"]) == ("backbone.", True)
    first = said["match"]["pairs"][0]
    assert first == {
        "key": "backbone.layers.0.0.weight",
        "becomes": "layers.0.0.weight",
        "shape": (2, 3, 3, 5, 5),
    }
    assert (said["sha256"], said["bytes"]) == (digest(encoder), encoder.stat().st_size)


def test_a_look_at_what_does_not_fit_says_why_and_still_shows_it(encoder: Path) -> None:
    said = ask("inspect", encoder, file={"trunk": {"kind": "small3d", "width": 3}})
    assert said["match"]["is_whole"] is False
    assert "have another shape" in said["sentence"]
    nothing = ask("inspect", encoder, file={"trunk": {"kind": "r50"}})
    assert (nothing["match"], "'backbone.' (24)" in nothing["sentence"]) == (None, True)


def test_an_import_is_a_checkpoint_of_ours_that_says_where_it_came_from(
    encoder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run" / "imported.ckpt"
    said = ask(
        "import", encoder, out=str(out), name="lab/encoder.pth", origin="SCE, 200 epochs", num_frames=16
    )
    trunk, pretrain = load_trunk(out, said["sha256"], "online")
    assert trunk.state_dict().keys() == build_trunk(SMALL).state_dict().keys()
    assert (pretrain.data.num_frames, pretrain.trunk) == (16, SMALL)
    content = torch.load(out, weights_only=True)
    taken = Import.model_validate_json(content[IMPORT])
    assert (taken.source, taken.source_sha256, taken.prefix) == (
        "lab/encoder.pth",
        digest(encoder),
        "backbone.",
    )
    assert said["definition"] == taken.model_dump(mode="json")


def test_an_import_has_one_branch(encoder: Path, tmp_path: Path) -> None:
    said = ask("import", encoder, out=str(tmp_path / "a.ckpt"))
    with pytest.raises(UnusableCheckpoint, match="an import is one trunk, choose branch online"):
        load_trunk(tmp_path / "a.ckpt", said["sha256"], "momentum")


def test_nothing_is_written_when_the_match_is_not_whole(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match="another shape"):
        ask("import", encoder, file={"trunk": {"kind": "small3d", "width": 3}}, out=str(tmp_path / "a.ckpt"))
    assert not (tmp_path / "a.ckpt").exists()


def test_a_file_that_changed_since_it_was_looked_at_is_not_taken(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match="changed since it was looked at"):
        ask("import", encoder, file={"sha256": "0" * 64}, out=str(tmp_path / "a.ckpt"))


def test_a_lightning_checkpoint_says_how_long_it_was_trained(tmp_path: Path) -> None:
    """Lightning numbers the epoch that it is in from 0: a checkpoint after epoch 199 was trained for 200."""
    state = {f"trunk.{key}": value for key, value in build_trunk(SMALL).state_dict().items()}
    torch.save({"state_dict": state, "epoch": 199, "global_step": 1000}, tmp_path / "a.ckpt")
    said = ask("import", tmp_path / "a.ckpt", out=str(tmp_path / "b.ckpt"))
    assert (said["step"], said["epoch"]) == (1000, 200)
    torch.save({"state_dict": state, "epoch": "many"}, tmp_path / "a.ckpt")
    said = ask("import", tmp_path / "a.ckpt", out=str(tmp_path / "b.ckpt"))
    assert (said["step"], said["epoch"]) == (0, 0)


def test_a_recipe_that_trains_another_trunk_is_refused(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match="k400-r3d50 does not train a small3d trunk"):
        ask("import", encoder, out=str(tmp_path / "a.ckpt"), recipe="k400-r3d50")
    assert not (tmp_path / "a.ckpt").exists()


def test_a_named_recipe_is_what_the_trunk_is_said_to_have_learned_from(tmp_path: Path) -> None:
    state = build_trunk(R3d18()).state_dict()
    torch.save({key.removeprefix("model."): value for key, value in state.items()}, tmp_path / "a.pth")
    said = ask("import", tmp_path / "a.pth", out=str(tmp_path / "b.ckpt"), recipe="k400-r3d18")
    _, pretrain = load_trunk(tmp_path / "b.ckpt", said["sha256"], "online")
    assert (pretrain.method.kind, pretrain.optimisation.epochs, pretrain.data.num_frames) == ("sce", 200, 8)


def test_a_checkpoint_of_ours_keeps_its_training(tmp_path: Path) -> None:
    from tests.sce.test_checkpoints import DEFINED, content_of, kept

    said = ask("import", kept(tmp_path, content_of()), out=str(tmp_path / "b.ckpt"))
    assert learned_as(Import.model_validate(said["definition"])) == DEFINED
    assert load_trunk(tmp_path / "b.ckpt", None, "online")[1] == DEFINED


def test_an_import_can_be_given_away_again(encoder: Path, tmp_path: Path) -> None:
    said = ask("import", encoder, out=str(tmp_path / "b.ckpt"))
    asked = {"path": str(tmp_path / "b.ckpt"), "sha256": said["sha256"], "layout": "safetensors"}
    given = answer("export", json.dumps({**asked, "out": str(tmp_path / "b.safetensors")}))
    assert given == {"tensors": 24, "bytes": (tmp_path / "b.safetensors").stat().st_size}


def test_the_program_answers_in_json_whatever_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_text("nothing")
    done = subprocess.run(
        [sys.executable, "-m", "sce.transfer", "inspect"],
        input=json.dumps({"file": {"path": str(tmp_path / "a.pth")}}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["error"].startswith("a.pth cannot be read")


def test_a_verb_that_it_does_not_know_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["transfer", "burn"])
    with pytest.raises(SystemExit, match=r"usage: .*inspect\|import\|export"):
        main()
