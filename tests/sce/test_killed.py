"""Killed with -9 at the worst moments, with one process and with two: resumed, it ends as if nothing had been."""

import multiprocessing as mp
import socket
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from sce.rundir import RunDir
from sce.train import run_attempt
from tests.sce import killed
from tests.sce.killed import AT_STEP, MOMENTS
from tests.sce.tiny import STEPS, asked, assert_same, events, tiny, weights

LAST = "epoch=0003.ckpt"
OFTEN = {"every_epochs": 3, "last_every_min": 1e-9}
TOGETHER = {"accelerator": "cpu", "devices": 2, "loader_workers": 0}


def start(run: RunDir, attempt: int, moment: str, *, mortal: int = 0, ranks: int = 1) -> list[BaseProcess]:
    """The training in so many processes, of which the ``mortal`` one dies at the moment.

    They are forks of this one, which has imported what takes seconds.
    """
    together = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = []
    for rank in range(ranks):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "NODE_RANK": "0", "GLOO_SOCKET_IFNAME": "lo"}
        environment = together | own if ranks > 1 else {}
        given = (run, attempt, moment, rank == mortal, environment)
        processes.append(mp.get_context("fork").Process(target=killed.train, args=given))
        processes[-1].start()
    return processes


def exits(processes: list[BaseProcess]) -> list[int | None]:
    for process in processes:
        process.join(timeout=300)
    return [process.exitcode for process in processes]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def losses(run: RunDir) -> dict[int, float]:
    """By step, as the newest attempt that did it says."""
    return {event["step"]: event["values"]["train/loss"] for event in events(run, "metrics")}


@pytest.mark.slow
def test_wherever_one_process_is_killed_the_resumed_run_equals_one_that_was_not(
    whole: RunDir, videos: Path, tmp_path: Path
) -> None:
    runs = {moment: asked(tmp_path / moment, tiny(videos, checkpoints=OFTEN)) for moment in MOMENTS}
    for processes in [start(run, 1, moment) for moment, run in runs.items()]:
        assert exits(processes) == [-9]
    for moment, run in runs.items():
        assert run_attempt(run, attempt=2) == "finished"
        resumed_at = AT_STEP if moment == "in a step" else AT_STEP - 1
        assert [event["step"] for event in events(run, "start")] == [0, resumed_at], moment
        assert losses(run) == losses(whole), moment
        assert_same(weights(run, LAST), weights(whole, LAST))
        assert not list(run.checkpoints.glob(".*")), moment


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_whichever_of_two_processes_is_killed_the_resumed_run_equals_one_that_was_not(
    rank: int, together: RunDir, videos: Path, tmp_path: Path
) -> None:
    run = asked(tmp_path / "run", tiny(videos, checkpoints=OFTEN, compute=TOGETHER))
    first = exits(start(run, 1, "in a step", mortal=rank, ranks=2))
    assert first[rank] == -9
    assert first[1 - rank] == 1, "the other one must not wait for it for ever"
    assert exits(start(run, 2, "never", ranks=2)) == [0, 0]
    assert [event["step"] for event in events(run, "start")] == [0, AT_STEP]
    assert sorted(losses(run)) == list(range(1, STEPS + 1))
    assert losses(run) == losses(together)
    assert_same(weights(run, LAST), weights(together, LAST))


@pytest.fixture(scope="module")
def together(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """Two processes that nobody killed."""
    run = asked(tmp_path_factory.mktemp("together"), tiny(videos, compute=TOGETHER))
    assert exits(start(run, 1, "never", ranks=2)) == [0, 0]
    return run
