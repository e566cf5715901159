"""A step never waits for its device: on one that holds no numbers, any read of a value raises."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from sce.data.clips import CHANCES
from sce.data.module import ClipBatch
from sce.methods import build_method
from sce.modules import follow
from sce.optim import build_optimizer
from tests.sce.tiny import tiny

NOWHERE = torch.device("meta")
BATCH, FRAMES, SIDE = 4, 4, 16


def a_batch() -> ClipBatch:
    """Clips without pixels; what decides their colours is on the CPU, as a loader gives it."""
    rng = np.random.default_rng(0)
    views = tuple(
        torch.empty(BATCH, 3, FRAMES, SIDE, SIDE, dtype=torch.uint8, device=NOWHERE) for _ in range(2)
    )
    chances = tuple(rng.random((BATCH, CHANCES), dtype=np.float32) for _ in range(2))
    names = torch.empty(BATCH, dtype=torch.long, device=NOWHERE)
    return ClipBatch(views, chances, names, names)


def test_reading_a_value_there_raises() -> None:
    with pytest.raises((NotImplementedError, RuntimeError)):
        torch.zeros((), device=NOWHERE).item()


def test_a_step_of_sce_reads_nothing_from_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Augmentation, both branches, loss, backward, update, momentum and queue: none waits for a value."""
    # Such a device knows no autocast. Health is measured once in many steps, and may wait.
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    monkeypatch.setattr("sce.methods.family.wants_health", lambda _: False)
    definition = tiny(tmp_path)
    method = build_method(definition, steps=9, steps_per_epoch=3).to(NOWHERE)
    optimizer = build_optimizer(definition.optimisation, method)
    loss = method.training_step(a_batch(), 0)
    loss.backward()
    optimizer.step()
    follow(method.momentum_trunk, method.trunk, momentum=0.9)
    method.queue.push(torch.empty(2 * BATCH, method.queue.keys_QC.shape[1], device=NOWHERE))
    assert loss.device.type == "meta"
    assert all(value.device.type == "meta" for value in method.values.values() if torch.is_tensor(value))
