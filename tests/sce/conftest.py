"""One thread for every process of a test, as sums depend on their number; and pytest's own signal handlers back.

A trainer listens to signals for as long as its process lives.
"""

import os
import signal
from collections.abc import Iterator

import pytest
import torch

from sce.signals import SIGNALS

os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)
PYTESTS = {number: signal.getsignal(number) for number in SIGNALS}


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    yield
    for number, handler in PYTESTS.items():
        signal.signal(number, handler)
