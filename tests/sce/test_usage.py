"""What a run is said to take of its host, held against what its processes truly take."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sce.usage import Usage

SPIN = "while True: pass"
HOLD = "import sys; held = b'x' * (256 << 20); print('held', flush=True); sys.stdin.read()"


class Clock:
    """Ten seconds from one look to the next, in less."""

    def __init__(self) -> None:
        self.jump = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.jump


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    children: list[subprocess.Popen[bytes]] = []
    yield children
    for child in children:
        child.kill()
        child.communicate()


def start(started: list[subprocess.Popen[bytes]], program: str) -> subprocess.Popen[bytes]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    started.append(subprocess.Popen([sys.executable, "-c", program], **pipes))  # type: ignore[call-overload]  # both are pipes
    return started[-1]


def test_a_loader_process_that_burns_a_core_is_seen_as_one(started: list[subprocess.Popen[bytes]]) -> None:
    """The share of a core that it truly had, on a machine that others may use too."""
    child = psutil.Process(start(started, SPIN).pid)
    usage = Usage(lambda: 10.0 * time.monotonic())
    assert usage.due() == {}
    before, since = child.cpu_times(), time.monotonic()
    time.sleep(1.5)
    values = usage.due()
    after, seconds = child.cpu_times(), time.monotonic() - since
    truly = 100 * (after.user + after.system - before.user - before.system) / seconds
    assert truly > 20
    # The clock runs ten times as fast, so that every pace is a tenth.
    assert 10 * values["system/cpu_percent"] == pytest.approx(truly, rel=0.25)


def test_the_memory_of_a_child_counts(started: list[subprocess.Popen[bytes]]) -> None:
    clock = Clock()
    usage = Usage(clock)
    usage.due()
    clock.jump += 10
    before = usage.due()["system/memory_gb"]
    child = start(started, HOLD)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    clock.jump += 10
    assert usage.due()["system/memory_gb"] - before == pytest.approx(0.27, abs=0.08)


def test_it_looks_no_more_often_than_every_ten_seconds(tmp_path: Path) -> None:
    clock = Clock()
    usage = Usage(clock)
    assert usage.due() == {}
    clock.jump += 9
    assert usage.due() == {}
    clock.jump += 1
    values = usage.due()
    assert set(values) >= {
        "system/cpu_percent",
        "system/memory_gb",
        "system/written_mb_s",
        "system/host_sent_mb_s",
    }
    assert all(value >= 0 for value in values.values())
    assert usage.due() == {}


def test_a_process_that_ended_makes_no_pace_negative(started: list[subprocess.Popen[bytes]]) -> None:
    clock = Clock()
    usage = Usage(clock)
    child = start(started, SPIN)
    time.sleep(0.3)
    usage.due()
    child.kill()
    child.wait()
    clock.jump += 10
    assert all(value >= 0 for value in usage.due().values())
