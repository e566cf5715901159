"""What a job is called: its number, or for a run of an array the array's number and its task. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

NAME = re.compile(r"(\d+)(?:_(?:(\d+)|\[([^\]]+)\]))?")


@dataclass(frozen=True, order=True)
class JobId:
    """As SLURM writes it: 12345, or 12345_3 for a task of an array."""

    number: int
    task: int | None = None

    @classmethod
    def parse(cls, text: str) -> "JobId":
        """Raises ``ValueError`` for what is no single job."""
        found = NAME.fullmatch(text)
        if found is None or found[3] is not None:
            raise ValueError(f"{text!r} names no single job")
        return cls(int(found[1]), int(found[2]) if found[2] else None)

    def __str__(self) -> str:
        return f"{self.number}" if self.task is None else f"{self.number}_{self.task}"


@dataclass(frozen=True)
class ArrayPlace:
    """Where an attempt stands in an array, known before the array has a number: ``TOKEN_INDEX``."""

    token: str
    """By this the array is found again when its number was lost."""
    index: int

    @classmethod
    def parse(cls, text: str) -> "ArrayPlace":
        token, _, index = text.rpartition("_")
        return cls(token, int(index))

    def __str__(self) -> str:
        return f"{self.token}_{self.index}"


def jobs_named(text: str) -> list[JobId]:
    """Every job that a name stands for: SLURM writes waiting tasks together, as in 12345_[0-2,5%2]."""
    found = NAME.fullmatch(text)
    if found is None:
        return []
    if found[3] is None:
        return [JobId.parse(text)]
    return [JobId(int(found[1]), task) for task in tasks_named(found[3])]


def tasks_named(text: str) -> Iterator[int]:
    """Tasks as in 0-2,5 or 0-8:4, with or without how many may run at a time."""
    for part in text.partition("%")[0].split(","):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1, int(step or 1))


def tasks_written(tasks: list[int], *, limit: int = 0) -> str:
    """The same for ``sbatch --array``; ``limit`` is how many may run at a time, 0 for all."""
    whole = tasks == list(range(tasks[0], tasks[-1] + 1)) and len(tasks) > 1
    span = f"{tasks[0]}-{tasks[-1]}" if whole else ",".join(map(str, tasks))
    return f"{span}%{limit}" if limit else span
