"""A launcher without processes, for tests of what is decided about them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from worker.launchers import Exit, Handle, Launcher, LaunchFailed, Present, Resources, Sighting


@dataclass
class FakeLauncher(Launcher):
    """Remembers what it was asked; a test says what is then seen."""

    started: list[tuple[Path, int, Resources]] = field(default_factory=list)
    alive: set[Handle] = field(default_factory=set)
    asked: list[Handle] = field(default_factory=list)
    ended: list[Handle] = field(default_factory=list)
    exits: dict[tuple[Path, int], Exit] = field(default_factory=dict)
    refuses: str | None = None
    """Sentence that every start fails with."""

    def start(self, folder: Path, *, attempt: int, resources: Resources) -> Handle:
        if self.refuses:
            raise LaunchFailed(self.refuses)
        self.started.append((folder, attempt, resources))
        handle = self.handle_of(folder, attempt)
        self.alive.add(handle)
        return handle

    def observe(self, handle: Handle) -> Sighting:
        return Sighting.ALIVE if handle in self.alive else Sighting.GONE

    def find(self, folder: Path, *, attempt: int) -> Handle | None:
        handle = self.handle_of(folder, attempt)
        return handle if handle in self.alive else None

    def ask_to_leave(self, handle: Handle) -> None:
        self.asked.append(handle)

    def end(self, handle: Handle) -> None:
        self.ended.append(handle)
        self.alive.discard(handle)

    def exit_of(self, folder: Path, *, attempt: int) -> Exit | None:
        return self.exits.get((folder, attempt))

    def present(self) -> Iterator[Present]:
        for handle in sorted(self.alive):
            folder, _, attempt = handle.rpartition("#")
            yield Present(Path(folder), int(attempt), handle, for_s=3600.0)

    @staticmethod
    def handle_of(folder: Path, attempt: int) -> Handle:
        return Handle(f"{folder}#{attempt}")
