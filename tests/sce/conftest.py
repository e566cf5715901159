"""One thread for every process of a test, as sums depend on their number; and pytest's own signal handlers back.

A trainer listens to signals for as long as its process lives.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sce.rundir import RunDir
from sce.signals import SIGNALS
from sce.train import run_attempt
from tests.sce.tiny import asked, make_videos, tiny

os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)
PYTESTS = {number: signal.getsignal(number) for number in SIGNALS}


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    yield
    for number, handler in PYTESTS.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def whole(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A tiny training that was never stopped."""
    run = asked(tmp_path_factory.mktemp("whole"), tiny(videos))
    assert run_attempt(run, attempt=1) == "finished"
    return run
