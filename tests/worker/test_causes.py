"""A run that ended without a word still gets a sentence that helps."""

import signal
from pathlib import Path

import pytest

from worker.causes import TAIL_BYTES, cause_of, tail_of
from worker.launchers import Exit

FAILED = Exit(code=1, signal=None, oom_kills=0)


@pytest.mark.parametrize(
    ("log", "kind", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "infrastructure", "disk was full"),
        ("ModuleNotFoundError: No module named 'lightning'", "infrastructure", "lightning is not installed"),
        ("/usr/bin/python: No module named torch", "infrastructure", "torch is not installed"),
        ("RuntimeError: CUDA out of memory. Tried to", "out_of_memory", "GPU's memory"),
        ("DefaultCPUAllocator: can't allocate memory: you tried", "out_of_memory", "host's memory"),
        ("ERROR: Unexpected bus error. insufficient shared memory (shm)", "infrastructure", "/dev/shm"),
        ("torch.distributed.DistBackendError: NCCL error in", "infrastructure", "GPUs or the connection"),
        ("KeyError: 'x'", "lost", "Its log ends: KeyError: 'x'"),
        ("", "lost", "It printed nothing"),
    ],
)
def test_the_log_tells_why(log: str, kind: str, words: str) -> None:
    cause = cause_of(FAILED, log)
    assert cause.kind == kind
    assert words in cause.sentence


@pytest.mark.parametrize(
    ("exit", "kind", "words"),
    [
        (Exit(None, signal.SIGKILL, oom_kills=1), "out_of_memory", "memory ran out"),
        (Exit(None, signal.SIGKILL, oom_kills=0), "lost", "killed by signal 9 (SIGKILL)"),
        (Exit(None, signal.SIGSEGV, oom_kills=0), "infrastructure", "crashed with signal 11 (SIGSEGV)"),
        (Exit(None, signal.SIGTERM, oom_kills=0), "lost", "ended from outside by signal 15"),
        (Exit(None, 63, oom_kills=0), "lost", "signal 63"),
    ],
)
def test_the_signal_tells_why(exit: Exit, kind: str, words: str) -> None:
    cause = cause_of(exit, "step 12")
    assert cause.kind == kind
    assert words in cause.sentence


def test_a_restart_of_the_host_is_nobodys_fault() -> None:
    cause = cause_of(None, "MemoryError", host_restarted=True)
    assert cause.kind == "infrastructure"
    assert "host restarted" in cause.sentence


def test_an_exit_nobody_saw_is_told_by_its_last_lines() -> None:
    assert "without a word. Its log ends: one | two" in cause_of(None, "one\n\ntwo\n").sentence


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    log.write_bytes(b"x" * 10 * TAIL_BYTES + b"\xff the end")
    assert len(tail_of(log)) == TAIL_BYTES
    assert tail_of(log).endswith("the end")
    assert tail_of(tmp_path / "none") == ""
