"""The compiled path of the loss gives what the plain one gives, in parts that are hidden, short or whole."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sce import losses
from sce.losses import attend, relations, sce_loss
from sce.train import run_attempt
from tests.sce.test_losses import TAU, TAU_M, unit_rows
from tests.sce.tiny import STEPS, asked, events, make_videos, tiny

has_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++")


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything of a compilation but the generated code; parts of 8 queries x 4 columns."""
    compiled = torch.compile(losses._weigh, dynamic=True, backend="aot_eager", fullgraph=True)
    monkeypatch.setattr(losses, "_compiled_weigh", lambda: compiled)
    monkeypatch.setitem(losses._HELD_LOGITS, "cpu", 32)
    yield
    torch.compiler.reset()


def loss_and_gradient(*, compiled: bool, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
    queries, keys, queue = (unit_rows(rows, seed=rows).to(dtype) for rows in (8, 9, 34))
    queries.requires_grad_()
    candidates = torch.cat([keys[:8], queue])
    target = relations(
        keys[:8],
        candidates,
        target_temperature=TAU_M,
        positive_B=torch.arange(8),
        compiled=compiled,
    )
    loss = sce_loss(
        queries, target, candidates, temperature=TAU, contrast=0.5, has_positive=True, compiled=compiled
    )
    loss.backward()
    return loss.detach(), queries.grad


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compiled_loss_and_gradient_equal_the_plain_ones(dtype: torch.dtype) -> None:
    found, expected = (loss_and_gradient(compiled=compiled, dtype=dtype) for compiled in (True, False))
    torch.testing.assert_close(found, expected)


@pytest.mark.usefixtures("traced")
def test_a_part_that_is_hidden_whole_counts_for_nothing_when_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(losses._HELD_LOGITS, "cpu", 1)  # one column at a time
    query, candidates = unit_rows(1), unit_rows(5, seed=1)
    found = attend(query, candidates, temperature=TAU, hidden_B=torch.tensor([0]), compiled=True)
    torch.testing.assert_close(found, attend(query, candidates[1:], temperature=TAU))


@has_compiler
@pytest.mark.slow
def test_generated_code_weighs_as_the_plain_one() -> None:
    query, candidates = unit_rows(8).float(), unit_rows(40, seed=1).float()
    found = attend(query, candidates, temperature=TAU, compiled=True)
    torch.testing.assert_close(found, attend(query, candidates, temperature=TAU))


@pytest.mark.usefixtures("traced")
def test_a_training_with_compiled_parts_learns_what_a_plain_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda part: plain(part, backend="aot_eager"))
    videos = make_videos(tmp_path / "videos")
    found = []
    for compile in (False, True):
        compute = {"accelerator": "cpu", "loader_workers": 0, "compile": compile}
        run = asked(tmp_path / f"compile={compile}", tiny(videos, compute=compute))
        assert run_attempt(run, attempt=1) == "finished"
        found.append([event["values"]["train/loss"] for event in events(run, "metrics")])
    assert len(found[1]) == STEPS
    assert found[1] == pytest.approx(found[0], rel=1e-3)
