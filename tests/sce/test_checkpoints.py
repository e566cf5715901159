"""Checkpoint files: whole or refused in a sentence, and never code that runs."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from sce.checkpoints import (
    DEFINITION,
    Found,
    UnusableCheckpoint,
    digest,
    journaled,
    load_trunk,
    newest_whole,
    write_atomically,
)
from sce.definition import Pretrain, SimClr, Small3d, VideoData, definition_adapter
from sce.rundir import CheckpointEvent, RunDir
from sce.trunks import build_trunk

DEFINED = Pretrain(data=VideoData(root="demo"), trunk=Small3d(width=2))


def content_of(definition: Pretrain = DEFINED, *, prefix: str = "trunk.") -> dict[str, Any]:
    weights = {f"{prefix}{key}": value for key, value in build_trunk(definition.trunk).state_dict().items()}
    return {"state_dict": weights, DEFINITION: definition_adapter.dump_json(definition).decode()}


def kept(folder: Path, content: object) -> Path:
    torch.save(content, folder / "a.ckpt")
    return folder / "a.ckpt"


class Touches:
    """What an attacker would put into a file: unpickling it makes a file."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return os.mkdir, (str(self.proof), 0o700)


def test_a_malicious_pickle_does_not_run(tmp_path: Path) -> None:
    file = kept(tmp_path, {"state_dict": Touches(tmp_path / "proof")})
    with pytest.raises(UnusableCheckpoint, match="cannot be read as a checkpoint"):
        load_trunk(file, None, "online")
    assert not (tmp_path / "proof").exists()


def test_a_malicious_file_of_the_right_digest_does_not_run_either(tmp_path: Path) -> None:
    file = kept(tmp_path, {"state_dict": Touches(tmp_path / "proof")})
    with pytest.raises(UnusableCheckpoint):
        load_trunk(file, digest(file), "online")
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_torn_file_is_refused_in_a_sentence(share: float, tmp_path: Path) -> None:
    file = kept(tmp_path, content_of())
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(UnusableCheckpoint, match=r"^a\.ckpt cannot be read"):
        load_trunk(file, None, "online")


def test_the_right_digest_is_accepted_and_its_weights_are_the_files(tmp_path: Path) -> None:
    content = content_of()
    trunk, definition = load_trunk(file := kept(tmp_path, content), digest(file), "online")
    for key, value in trunk.state_dict().items():
        assert torch.equal(value, content["state_dict"][f"trunk.{key}"]), key
    assert definition == DEFINED


def test_one_changed_byte_is_another_digest(tmp_path: Path) -> None:
    file = kept(tmp_path, content_of())
    before, changed = digest(file), bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    with pytest.raises(UnusableCheckpoint, match=f"not {before[:12]}"):
        load_trunk(file, before, "online")


def test_loading_leaves_the_random_numbers_as_they_were(tmp_path: Path) -> None:
    file = kept(tmp_path, content_of())
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load_trunk(file, None, "online")
    assert torch.equal(torch.rand(4), expected)


def test_the_momentum_trunk_is_taken_when_it_is_asked_for(tmp_path: Path) -> None:
    online, momentum = content_of(), content_of(prefix="momentum_trunk.")
    both = online | {"state_dict": online["state_dict"] | momentum["state_dict"]}
    trunk, _ = load_trunk(kept(tmp_path, both), None, "momentum")
    wanted = momentum["state_dict"]["momentum_trunk.layers.0.0.weight"]
    assert torch.equal(trunk.state_dict()["layers.0.0.weight"], wanted)


def test_simclr_has_no_momentum_trunk_and_says_what_to_choose(tmp_path: Path) -> None:
    file = kept(tmp_path, content_of(DEFINED.model_copy(update={"method": SimClr()})))
    with pytest.raises(UnusableCheckpoint, match="simclr trains none, choose branch online"):
        load_trunk(file, None, "momentum")


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ('{"kind": "pretrain", "data": {"kind": "hologram"}}', "this version cannot read"),
        ("not JSON", "this version cannot read"),
        (
            '{"kind": "evaluation", "data": {"kind": "video", "root": "d"}, "protocol": {"kind": "knn"},'
            ' "checkpoint": {"path": "a"}}',
            "no pretraining's checkpoint",
        ),
    ],
)
def test_a_definition_that_trained_no_trunk_is_said(definition: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match=words):
        load_trunk(kept(tmp_path, content_of() | {DEFINITION: definition}), None, "online")


def test_weights_of_another_width_are_refused_in_a_sentence(tmp_path: Path) -> None:
    wider = content_of(DEFINED.model_copy(update={"trunk": Small3d(width=3)}))
    file = kept(tmp_path, wider | {DEFINITION: content_of()[DEFINITION]})
    with pytest.raises(UnusableCheckpoint, match="other weights than its small3d trunk"):
        load_trunk(file, None, "online")


def test_a_lost_tensor_is_refused_in_a_sentence(tmp_path: Path) -> None:
    content = content_of()
    del content["state_dict"]["trunk.layers.0.0.weight"]
    with pytest.raises(UnusableCheckpoint, match="choose another checkpoint"):
        load_trunk(kept(tmp_path, content), None, "online")


def test_a_bare_tensor_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match="holds no state_dict"):
        load_trunk(kept(tmp_path, torch.zeros(2)), None, "online")


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match="There is no checkpoint"):
        load_trunk(tmp_path, None, "online")


# -- which checkpoint a run goes on from


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    (tmp_path / "checkpoints").mkdir()
    return RunDir(tmp_path)


def journal(run: RunDir, name: str, *, step: int, content: bytes = b"weights") -> Path:
    file = run.checkpoints / name
    file.write_bytes(content)
    event: CheckpointEvent = {
        "event": "checkpoint",
        "step": step,
        "epoch": 1.0,
        "path": f"checkpoints/{name}",
        "bytes": len(content),
        "sha256": digest(file),
        "kind": "periodic",
    }
    run.append(event, attempt=1)
    return file


def test_the_newest_whole_one_is_gone_on_from(run: RunDir) -> None:
    journal(run, "a.ckpt", step=5)
    newest = journal(run, "b.ckpt", step=9)
    found = newest_whole(run)
    assert (found.path, found.step, found.torn) == (newest, 9, ())


def test_torn_and_missing_ones_are_passed_over_newest_first(run: RunDir) -> None:
    whole = journal(run, "a.ckpt", step=5)
    journal(run, "b.ckpt", step=9).write_bytes(b"weig")
    journal(run, "c.ckpt", step=12).unlink()
    found = newest_whole(run)
    assert found.path == whole
    assert found.torn == ("checkpoints/c.ckpt", "checkpoints/b.ckpt")


def test_the_untrained_one_is_nothing_to_go_on_from(run: RunDir) -> None:
    journal(run, "initial.ckpt", step=0)
    assert newest_whole(run) == Found(None, 0, ())


def test_a_file_that_was_never_journaled_is_not_gone_on_from(run: RunDir) -> None:
    (run.checkpoints / "half.ckpt").write_bytes(b"weights")
    assert newest_whole(run) == Found(None, 0, ())


def test_a_removed_one_is_known_again_once_it_is_written_anew(run: RunDir) -> None:
    journal(run, "a.ckpt", step=5)
    run.append({"event": "removed", "path": "checkpoints/a.ckpt"}, attempt=1)
    assert journaled(run) == {}
    journal(run, "a.ckpt", step=7, content=b"newer")
    assert [event["step"] for event in journaled(run).values()] == [7]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.ckpt"
    file.write_text("old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        write_atomically(file, fail)
    assert file.read_text() == "old"


def test_only_the_writer_renames(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.ckpt", lambda _: None, is_writer=False)
    assert list(tmp_path.iterdir()) == []
