"""Counts what waits for the device in a whole training, from where the journal begins a step to where it ends it.

On a CPU nothing waits, so that the reads themselves are counted: of any value that follows from weights, buffers or
clips, which would lie on a GPU. What was drawn for the augmentation lies on the CPU everywhere, and does not count.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sce.callbacks import Journal, StopAtNan
from sce.methods.family import MomentumMethod
from sce.train import run_attempt
from tests.sce.tiny import STEPS, asked, events, make_videos, tiny

aten = torch.ops.aten
# What cannot be answered before the device has come to it. `tolist` and `numpy` of a CPU's tensor dispatch nothing.
READS = {
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten.is_nonzero.default,
    aten._unique2.default,
}
METHODS = ("tolist", "numpy", "cpu")


class Reads(TorchDispatchMode):
    """Follows what would be on the device, and keeps where each read of it came from."""

    def __init__(self) -> None:
        super().__init__()
        self.on_device: set[int] = set()
        self.kept: list[Any] = []  # so that no address is used twice
        self.found: list[str] = []

    def put(self, *tensors: torch.Tensor) -> None:
        self.on_device |= {tensor.untyped_storage().data_ptr() for tensor in tensors}
        self.kept += [tensor.untyped_storage() for tensor in tensors]

    def holds(self, tensor: torch.Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self.on_device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        follows = any(self.holds(tensor) for tensor in given)
        if follows and func in READS:
            self.found.append(str(func))
        out = func(*args, **(kwargs or {}))
        if follows:
            self.put(*(leaf for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)))
        return out


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Counts between the journal's flushes, as on a GPU: there nobody looks at each loss."""
    reads = Reads()
    monkeypatch.setattr("sce.callbacks.FLUSH_EVERY_S", float("inf"))
    monkeypatch.setattr("sce.methods.family.wants_health", lambda _: False)
    monkeypatch.setattr(StopAtNan, "on_before_optimizer_step", lambda *_: None)
    for name in METHODS:
        monkeypatch.setattr(torch.Tensor, name, noticing(name, reads))
    step, end = Journal.on_train_batch_start, Journal.on_train_batch_end

    def begins(journal: Journal, trainer: Any, module: MomentumMethod, batch: Any, number: int) -> None:
        step(journal, trainer, module, batch, number)
        if number == 0 and trainer.current_epoch == 0:
            reads.put(*module.parameters(), *module.buffers())
        reads.put(*batch.views, batch.label_B, batch.position_B)
        reads.__enter__()

    def ends(journal: Journal, *given: Any) -> None:
        end(journal, *given)
        reads.__exit__(None, None, None)

    monkeypatch.setattr(Journal, "on_train_batch_start", begins)
    monkeypatch.setattr(Journal, "on_train_batch_end", ends)
    return reads


def noticing(name: str, reads: Reads) -> Any:
    plain = getattr(torch.Tensor, name)

    def read(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if torch.utils._python_dispatch._get_current_dispatch_mode() is reads and reads.holds(tensor):
            reads.found.append(name)
        return plain(tensor, *args, **kwargs)

    return read


def test_no_step_of_a_training_reads_from_its_device(reads: Reads, videos: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", tiny(videos))
    assert run_attempt(run, attempt=1) == "finished"
    assert reads.found == []
    assert len(events(run, "metrics")) == STEPS  # they were read afterwards, all of them


@pytest.mark.parametrize(
    "plant",
    [
        lambda loss: loss.item(),
        lambda loss: bool(loss > 0),
        lambda loss: float(loss.detach() * 2),
        lambda loss: loss.detach().cpu(),
        lambda loss: loss.detach()[None].tolist(),
        lambda loss: loss.detach()[None].nonzero(),
    ],
)
def test_a_read_in_a_step_is_found_at_every_step(
    plant: Any, reads: Reads, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = MomentumMethod.training_step

    def planted(method: MomentumMethod, batch: Any, number: int) -> torch.Tensor:
        loss = step(method, batch, number)
        plant(loss)
        return loss

    monkeypatch.setattr(MomentumMethod, "training_step", planted)
    run_attempt(asked(tmp_path / "run", tiny(videos)), attempt=1)
    assert len(reads.found) == STEPS
