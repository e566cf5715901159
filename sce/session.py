"""What the parts of one training attempt share."""

from dataclasses import dataclass, field

from sce.definition import Pretrain
from sce.rundir import NoteEvent, RunDir, StopReason


@dataclass
class Session:
    """One attempt: what it is asked, how long it is, and whether somebody wants it to leave."""

    run: RunDir
    definition: Pretrain
    attempt: int
    steps_per_epoch: int
    is_writer: bool
    asked: list[StopReason] = field(default_factory=list)
    """Why signals asked to leave."""
    left: str | None = None
    """Why the training left before its end."""

    @property
    def epochs(self) -> int:
        return self.definition.optimisation.epochs

    @property
    def accumulate(self) -> int:
        return self.definition.optimisation.accumulate

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.epochs

    def note(self, text: str) -> None:
        if self.is_writer:
            event: NoteEvent = {"event": "note", "level": "warning", "text": text}
            self.run.append(event, attempt=self.attempt)
