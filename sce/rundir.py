"""The run folder: the one contract between a trainer and whoever watches it.

    RUN/definition.json        what was asked (written before the start, never changed after)
    RUN/attempt                number of the newest attempt; a trainer with a lower one leaves
    RUN/journal.jsonl          what happened, one line an event, append-only
    RUN/checkpoints/           what came out: whole files only, each journaled with size and sha256
    RUN/features/, results/    what came out of evaluations
    RUN/output.log             whatever the processes printed
    RUN/stop                   "stop" or "preempt": leave, please

Every journal line is a JSON object with ``event``, ``time`` (Unix seconds) and ``attempt``.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

from pydantic import ValidationError

from sce.definition import Evaluation, Pretrain, definition_adapter

StopReason = Literal["stop", "preempt"]
EndStatus = Literal["finished", "stopped", "preempted", "failed"]
FailureKind = Literal["user_error", "out_of_memory", "timeout", "infrastructure", "lost"]
CheckpointKind = Literal["initial", "periodic", "last", "best", "final"]
"""``best`` and ``final`` are classifiers: of the best validation, and of the last epoch."""


class StartEvent(TypedDict):
    """First line of an attempt. ``steps`` and ``epochs`` are the whole run's, ``step`` is where it begins."""

    event: Literal["start"]
    step: int
    steps: int
    epochs: int
    resumed_from: str | None
    host: str
    pid: int
    world_size: int
    device: str
    versions: dict[str, str]


class MetricsEvent(TypedDict):
    """Values at an optimizer step; ``epoch`` is fractional: epochs done at that step."""

    event: Literal["metrics"]
    step: int
    epoch: float
    values: dict[str, float]


class ProgressEvent(TypedDict):
    """How far a phase has come, at most once a second: ``done`` of ``total`` units (steps, videos)."""

    event: Literal["progress"]
    phase: str
    done: int
    total: int
    eta_s: float | None


class CheckpointEvent(TypedDict):
    """A whole checkpoint lies at ``path``, relative to the run folder. ``kept`` ones may be evaluated."""

    event: Literal["checkpoint"]
    step: int
    epoch: float
    path: str
    bytes: int
    sha256: str
    kind: CheckpointKind


class RemovedEvent(TypedDict):
    """A checkpoint that was journaled is no longer there: a newer state took its place."""

    event: Literal["removed"]
    path: str


class ResultEvent(TypedDict):
    """An evaluation's scores in [0, 1] and the protocol that gave them; ``files`` relative to the folder."""

    event: Literal["result"]
    values: dict[str, float]
    protocol: dict[str, Any]
    files: list[str]


class NoteEvent(TypedDict):
    """Something a reader of the run should know; shown on its page."""

    event: Literal["note"]
    level: Literal["info", "warning"]
    text: str


class EndEvent(TypedDict):
    """Last line of an attempt. ``kind`` and ``sentence`` say why, when it failed."""

    event: Literal["end"]
    status: EndStatus
    kind: FailureKind | None
    sentence: str | None


Event = (
    StartEvent
    | MetricsEvent
    | ProgressEvent
    | CheckpointEvent
    | RemovedEvent
    | ResultEvent
    | NoteEvent
    | EndEvent
)


@dataclass(frozen=True)
class JournalLine:
    """One whole line: the event as written, and the byte offset just after it."""

    event: dict[str, Any]
    end_offset: int


class RunDir:
    """One run's folder, and the only code that knows the names in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def definition_file(self) -> Path:
        return self.path / "definition.json"

    @property
    def journal_file(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def log_file(self) -> Path:
        return self.path / "output.log"

    @property
    def stop_file(self) -> Path:
        return self.path / "stop"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def features(self) -> Path:
        return self.path / "features"

    @property
    def results(self) -> Path:
        return self.path / "results"

    def write_definition(self, definition: Pretrain | Evaluation) -> None:
        """Say what is asked, once; but a run may go on over another number of devices.

        Raises ``FileExistsError`` if something else was asked before.
        """
        text = definition_adapter.dump_json(definition, indent=1).decode() + "\n"
        if self._asks_for(definition):
            return
        if self.definition_file.exists() and not self._asks_for(definition, on_any_devices=True):
            raise FileExistsError(f"{self.definition_file} asks for something else: take a new run folder")
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.definition_file, text)

    def _asks_for(self, definition: Pretrain | Evaluation, *, on_any_devices: bool = False) -> bool:
        """An older version may have written it: what is new since has its default in both."""
        try:
            there = self.definition()
        except (FileNotFoundError, ValidationError):
            return False
        if not on_any_devices:
            return there == definition
        spread = {"devices": definition.compute.devices, "nodes": definition.compute.nodes}
        return there.model_copy(update={"compute": there.compute.model_copy(update=spread)}) == definition

    def definition(self) -> Pretrain | Evaluation:
        """What is asked. Raises ``FileNotFoundError`` or pydantic's ``ValidationError``."""
        return definition_adapter.validate_json(self.definition_file.read_bytes())

    # -- attempts

    def attempt(self) -> int:
        """Number of the newest attempt, 0 before the first."""
        file = self.path / "attempt"
        return int(file.read_text()) if file.exists() else 0

    def begin_attempt(self, number: int) -> None:
        """Make ``number`` the newest attempt; trainers of older ones leave when they notice.

        Not when a newer one began already: a worker that slept gives the folder back to no older attempt.
        """
        if number > self.attempt():
            write_whole(self.path / "attempt", str(number))

    # -- the stop file

    def request_stop(self, reason: StopReason = "stop") -> None:
        write_whole(self.stop_file, reason)

    def stop_requested(self) -> StopReason | None:
        """Why the trainer should leave, or None while it may go on."""
        if not self.stop_file.exists():
            return None
        return "preempt" if self.stop_file.read_text().strip() == "preempt" else "stop"

    def clear_stop(self) -> None:
        self.stop_file.unlink(missing_ok=True)

    # -- the journal

    def append(self, event: Event, *, attempt: int) -> None:
        """Write one line, whole, in one write; a line torn by a kill is closed first."""
        line = json.dumps({"attempt": attempt, "time": round(time.time(), 3), **event}, allow_nan=True)
        with self.journal_file.open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = "\n" + line
            file.write(line.encode() + b"\n")

    def read(self, offset: int = 0) -> Iterator[JournalLine]:
        """Whole lines after ``offset``. A line still being written is left for the next call.

        A line that a kill tore and a later attempt closed is given as ``{"event": "torn"}``.
        """
        if not self.journal_file.exists():
            return
        with self.journal_file.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                yield JournalLine(_parse(line), offset)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {"event": "torn"}
    return event if isinstance(event, dict) else {"event": "torn"}


def write_whole(file: Path, text: str) -> None:
    """Write a small file so that a reader sees the old text or the new, never a part."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
