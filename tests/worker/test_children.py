"""Parts of a stack that die: how soon they come back, and what is said of it."""

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from worker import children
from worker.children import Child, Program, StartFailed, back_off_s


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Corpse:
    """A process that has ended already."""

    returncode: int = 1
    pid: int = 7

    def poll(self) -> int:
        return self.returncode


@dataclass
class Dying:
    """A program whose every process is dead at once; ``refuses`` says why it cannot even start."""

    status: int = 1
    refuses: str | None = None
    starts: int = field(default=0)

    def start(self, log_file: Path) -> subprocess.Popen[bytes]:
        self.starts += 1
        if self.refuses and self.starts > 1:
            raise StartFailed(self.refuses)
        return Corpse(self.status)  # type: ignore[return-value]  # as much of a process as is looked at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(children, "time", clock)
    return clock


def child_of(program: Dying, folder: Path) -> tuple[Child, list[str]]:
    child = Child("broker", program, folder / "logs" / "broker.log")
    child.start()
    return child, []


def pauses(child: Child, clock: Clock, *, deaths: int) -> list[float]:
    """Seconds from each death to the start after it."""
    found = []
    for _ in range(deaths):
        child.keep_alive(lambda _: None)
        found.append(child.not_before - clock.now)
        clock.now = child.not_before
        child.keep_alive(lambda _: None)
    return found


def test_pauses_double_up_to_ten_seconds(clock: Clock, tmp_path: Path) -> None:
    child, _ = child_of(Dying(), tmp_path)
    assert pauses(child, clock, deaths=8) == pytest.approx([0.5, 1, 2, 4, 8, 10, 10, 10])


def test_a_part_that_cannot_even_be_started_waits_longer_and_longer_too(clock: Clock, tmp_path: Path) -> None:
    child, _ = child_of(Dying(refuses="the program is gone"), tmp_path)
    assert pauses(child, clock, deaths=10)[-3:] == pytest.approx([10, 10, 10])


def test_a_part_that_lived_a_minute_starts_with_a_clean_slate(clock: Clock, tmp_path: Path) -> None:
    child, _ = child_of(Dying(), tmp_path)
    pauses(child, clock, deaths=5)
    clock.now += 61
    assert pauses(child, clock, deaths=1) == pytest.approx([0.5])


def test_it_is_not_started_before_its_time(clock: Clock, tmp_path: Path) -> None:
    program = Dying()
    child, said = child_of(program, tmp_path)
    for _ in range(5):
        child.keep_alive(said.append)
    assert program.starts == 1
    assert len(said) == 1
    clock.now += 0.5
    child.keep_alive(said.append)
    assert program.starts == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (3, "with status 3"),
        (0, "with status 0"),
        (-signal.SIGKILL, "by SIGKILL"),
        (-signal.SIGSEGV, "by SIGSEGV"),
        (-(signal.SIGRTMIN + 3), f"by signal {signal.SIGRTMIN + 3}"),
    ],
)
def test_how_it_ended_is_said(status: int, words: str, clock: Clock, tmp_path: Path) -> None:
    child, said = child_of(Dying(status), tmp_path)
    child.keep_alive(said.append)
    assert said == [f"The broker ended {words}; it is started again in 0.5 s."]


def test_why_it_cannot_be_started_is_said(clock: Clock, tmp_path: Path) -> None:
    child, said = child_of(Dying(refuses="the port is taken"), tmp_path)
    child.keep_alive(said.append)
    clock.now += 1
    child.keep_alive(said.append)
    assert said[-1] == "The broker could not be started again: the port is taken"


def test_a_part_that_was_never_started_is_not_kept_alive(tmp_path: Path) -> None:
    program = Dying()
    Child("broker", program, tmp_path / "log").keep_alive(lambda _: None)
    assert program.starts == 0


def test_back_off_never_overflows() -> None:
    assert back_off_s(10**6) == 10.0


def test_last_words_are_the_last_line_and_where_the_rest_is(tmp_path: Path) -> None:
    child = Child("api", Dying(), tmp_path / "api.log")
    assert child.last_words() == f"it said nothing in {tmp_path / 'api.log'}"
    child.log_file.write_bytes(b"one\n\xff two\n\n")
    assert child.last_words().endswith(f"two (all of it in {child.log_file})")


def test_a_log_grown_too_long_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "MAX_LOG_BYTES", 3)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "broker.log").write_text("long")
    child_of(Dying(), tmp_path)
    assert (tmp_path / "logs" / "broker.old.log").read_text() == "long"
    assert not (tmp_path / "logs" / "broker.log").exists()


def test_a_program_prints_into_its_log_and_sees_its_environment_alone(tmp_path: Path) -> None:
    script = "import os; print(os.environ.get('GIVEN'), os.environ.get('HOME'))"
    process = Program([sys.executable, "-c", script], {"GIVEN": "yes"}).start(tmp_path / "log")
    assert process.wait(timeout=20) == 0
    assert (tmp_path / "log").read_text() == "yes None\n"


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Program(["/no/such/program"], {}).start(tmp_path / "log")
