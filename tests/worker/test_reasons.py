"""Every way a training is known to die without a word, and what its page then says."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.sce.tiny import asked, make_videos, tiny
from worker.causes import TAIL_LINES, cause_of, tail_of
from worker.launchers import Exit
from worker.launchers.local import command_of, heading

TOGETHER = {"accelerator": "cpu", "devices": 2, "loader_workers": 0}


def failed(code: int = 1, *, oom_kills: int = 0) -> Exit:
    return Exit(code=code, signal=None, oom_kills=oom_kills)


def killed(number: int, *, oom_kills: int = 0) -> Exit:
    return Exit(code=None, signal=number, oom_kills=oom_kills)


@pytest.mark.parametrize(
    ("log", "kind", "words"),
    [
        ("OSError: [Errno 122] Disk quota exceeded", "infrastructure", "disk was full"),
        ("OSError: [Errno 28] No space left on device: '/dev/shm/torch_1'", "infrastructure", "/dev/shm more room"),
        ("DataLoader worker (pid 7) is killed by signal: Bus error.", "infrastructure", "loader_workers to 0"),
        ("torch.OutOfMemoryError: Tried to allocate 2 GiB", "out_of_memory", "GPU's memory"),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory.", "out_of_memory", "GPU's memory"),
        ("RuntimeError: CUDA error: out of memory", "out_of_memory", "GPU's memory"),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "out_of_memory", "smaller batch"),
        ("OSError: [Errno 12] Cannot allocate memory", "out_of_memory", "host's memory"),
        ("MemoryError", "out_of_memory", "host's memory"),
        ("RuntimeError: CUDA error: device-side assert triggered", "infrastructure", "GPUs or the connection"),
        ("CUDA error: an illegal memory access was encountered", "infrastructure", "GPUs or the connection"),
        ("ncclSystemError: System call failed", "infrastructure", "GPUs or the connection"),
        ("No module named 'torchvision.models'", "infrastructure", "torchvision.models is not installed"),
    ],
)  # fmt: skip
def test_a_sign_in_the_log_has_its_kind_and_remedy(log: str, kind: str, words: str) -> None:
    cause = cause_of(failed(), f"step 3\n{log}\n")
    assert cause.kind == kind
    assert words in cause.sentence


def test_the_sign_may_lie_anywhere_in_the_tail() -> None:
    log = "CUDA out of memory.\n" + "[rank1] leaving\n" * 50
    assert cause_of(failed(), log).kind == "out_of_memory"


@pytest.mark.parametrize("log", ["Out of memory is fun to read about", "bus error", "space left on device"])
def test_words_that_merely_look_alike_are_no_sign(log: str) -> None:
    assert cause_of(failed(), log).kind == "lost"


@pytest.mark.parametrize("code", [1, 2, 137, 255])
def test_an_exit_status_is_named_when_nothing_else_is_known(code: int) -> None:
    cause = cause_of(failed(code), "")
    assert cause.sentence == f"It ended without a word with exit status {code}. It printed nothing."


def test_an_exit_that_nobody_saw_names_no_status() -> None:
    assert cause_of(None, "").sentence == "It ended without a word. It printed nothing."


def test_a_rank_that_memory_killed_is_told_from_torchruns_own_status() -> None:
    """torchrun itself ends with status 1 when the kernel ended one of its ranks."""
    cause = cause_of(failed(1, oom_kills=1), "exitcode: -9 (pid: 77) of binary: python")
    assert cause.kind == "out_of_memory"
    assert "fewer loader workers" in cause.sentence


REPORT = """RuntimeError: gloo/transport/tcp/pair.cc: Connection closed by peer
Failures:
[1]:
  rank      : 0 (local_rank: 0)
  exitcode  : 1 (pid: 76)
Root Cause (first observed failure):
[0]:
  time      : 2026-11-29_20:58:39
  host      : localhost
  rank      : 1 (local_rank: 1)
  exitcode  : {status} (pid: 77)
"""


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (-9, "lost", "Rank 1 was killed by signal 9 (SIGKILL)"),
        (-15, "lost", "Rank 1 was ended from outside by signal 15 (SIGTERM)"),
        (-11, "infrastructure", "Rank 1 crashed with signal 11 (SIGSEGV)"),
        (1, "lost", "ended without a word with exit status 1"),
    ],
)
def test_the_rank_that_failed_first_is_named(status: int, kind: str, words: str) -> None:
    cause = cause_of(failed(), REPORT.format(status=status))
    assert cause.kind == kind
    assert words in cause.sentence


def test_a_killed_rank_counts_before_what_the_others_then_printed() -> None:
    log = "NCCL error: remote process exited\n" + REPORT.format(status=-9)
    assert "Rank 1 was killed" in cause_of(failed(), log).sentence
    assert cause_of(failed(oom_kills=1), log).kind == "out_of_memory"


@pytest.mark.slow
def test_of_two_real_processes_the_killed_one_is_named(tmp_path: Path) -> None:
    """The survivor leaves the word to torchrun, which saw how the other one ended."""
    run = asked(
        tmp_path / "run",
        tiny(
            make_videos(tmp_path / "videos"), compute=TOGETHER, optimisation={"epochs": 900, "batch_size": 4}
        ),
    )
    command = command_of(("-m", "sce.train"), run.path, attempt=1, processes=2)
    with run.log_file.open("wb") as log:
        torchrun = psutil.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        while not any(line.event["event"] == "metrics" for line in run.read()):
            assert torchrun.poll() is None, run.log_file.read_text()
            time.sleep(0.1)
        ranks = [child for child in torchrun.children() if child.environ().get("RANK") == "1"]
        ranks[0].kill()
        status = torchrun.wait(timeout=120)
    finally:
        if torchrun.poll() is None:
            torchrun.kill()
    assert [line.event for line in run.read() if line.event["event"] == "end"] == []
    cause = cause_of(failed(status), tail_of(run.log_file))
    assert cause.kind == "lost"
    assert cause.sentence.startswith("Rank 1 was killed by signal 9 (SIGKILL)")


def test_a_sign_in_the_log_counts_before_the_kernels_count() -> None:
    cause = cause_of(failed(1, oom_kills=1), "OSError: [Errno 28] No space left on device")
    assert "disk was full" in cause.sentence


def test_a_good_exit_beside_a_neighbours_death_is_not_called_out_of_memory() -> None:
    assert cause_of(failed(0, oom_kills=3), "").kind == "lost"


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (signal.SIGBUS, "infrastructure", "crashed with signal 7 (SIGBUS)"),
        (signal.SIGILL, "infrastructure", "crashed with signal 4 (SIGILL)"),
        (signal.SIGABRT, "infrastructure", "crashed with signal 6 (SIGABRT)"),
        (signal.SIGFPE, "infrastructure", "crashed with signal 8 (SIGFPE)"),
        (signal.SIGINT, "lost", "ended from outside by signal 2 (SIGINT)"),
        (signal.SIGHUP, "lost", "ended from outside by signal 1 (SIGHUP)"),
        (signal.SIGRTMIN + 3, "lost", f"signal {signal.SIGRTMIN + 3}."),
    ],
)
def test_a_signal_is_named_and_classified(number: int, kind: str, words: str) -> None:
    cause = cause_of(killed(number), "step 12")
    assert cause.kind == kind
    assert words in cause.sentence


def test_only_a_kill_is_blamed_on_memory() -> None:
    assert cause_of(killed(signal.SIGTERM, oom_kills=1), "").kind == "lost"
    assert cause_of(killed(signal.SIGKILL, oom_kills=1), "").kind == "out_of_memory"


@pytest.mark.parametrize("exit", [None, failed(), killed(signal.SIGKILL)])
def test_a_restart_of_the_host_explains_everything(exit: Exit | None) -> None:
    assert cause_of(exit, "CUDA out of memory", host_restarted=True).kind == "infrastructure"


def test_a_sentence_holds_the_last_lines_and_no_more() -> None:
    sentence = cause_of(failed(), "\n".join(f"line {n}" for n in range(20))).sentence
    assert sentence.endswith("Its log ends: line 17 | line 18 | line 19")
    assert sentence.count("|") == TAIL_LINES - 1


def test_a_very_long_line_does_not_fill_the_page() -> None:
    assert len(cause_of(failed(), "x" * 10_000).sentence) < 600


def test_braces_in_a_log_are_printed_as_they_are() -> None:
    assert "{0} {name}" in cause_of(failed(), "KeyError: {0} {name}").sentence


def test_what_an_earlier_attempt_died_of_is_no_cause_of_this_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"{heading(1, 'here')}\nCUDA out of memory\n{heading(2, 'here')}\nstep 3\n")
    assert tail_of(log) == "step 3\n"
    assert cause_of(None, tail_of(log)).kind == "lost"


def test_a_log_of_other_letters_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes("Größe\n".encode("latin-1"))
    assert tail_of(tmp_path / "log").startswith("Gr")
    (tmp_path / "empty").touch()
    assert tail_of(tmp_path / "empty") == ""
