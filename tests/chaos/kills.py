"""What is killed, how, and what must be true again afterwards. A new part gets a ``Case`` here.

Parts of the platform die while one training goes on: it must not notice. Processes of a training die while
the platform watches: it must go on by itself, and end with the weights of one that nobody killed.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial

import psutil
import torch

from tests.chaos.lab import (
    ENDED,
    Chaos,
    are_same,
    final_weights,
    journaled,
    orphans,
    trained_twice,
)
from worker.launchers.processes import command_line

LONGEST_S, PATIENCE_S = 180.0, 900.0
EPOCHS = 30
"""Of a training whose own processes are killed."""
MANY_EPOCHS = 4_900
"""Longer than all kills take, and few enough for every step to be journaled."""


@dataclass
class Row:
    """One line of the table. Its goal: all right, under 60 s, 0, 0, 0."""

    part: str
    kills: int = 0
    right: int = 0
    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    twice: int = 0
    orphans: int = 0
    wrong: list[str] = field(default_factory=list)
    """What did not end as it should, in words."""

    def is_whole(self) -> bool:
        return self.right == self.kills > 0 and not (self.lost or self.twice or self.orphans)

    def is_good(self) -> bool:
        return self.is_whole() and max(self.seconds) < 60

    def cells(self) -> tuple[str, ...]:
        ended = f"{self.right} of {self.kills}"
        worst, middle = max(self.seconds, default=0.0), sorted(self.seconds)[len(self.seconds) // 2]
        times = f"{middle:.1f} (worst {worst:.1f})"
        return (self.part, ended, times, str(self.lost), str(self.twice), str(self.orphans))


def seconds_until(is_true: Callable[[], bool], *, at_most: float = LONGEST_S) -> float | None:
    began = time.monotonic()
    while time.monotonic() - began < at_most:
        if is_true():
            return time.monotonic() - began
        time.sleep(0.1)
    return None


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    assert seconds_until(is_true, at_most=PATIENCE_S) is not None, f"waited {PATIENCE_S:g} s for {what}"


# -- parts of the platform


def kill_part(lab: Chaos, row: Row, kill: Callable[[], None], *, times: int, dice: random.Random) -> Row:
    """Kill a part again and again while one training goes on, from its launch."""
    run_id = lab.launch(row.part, epochs=MANY_EPOCHS)
    for _ in range(times):
        time.sleep(dice.uniform(0.2, 4.0))
        seen = max(journaled(lab.folder(run_id)), default=0)
        kill()
        row.kills += 1
        took = seconds_until(partial(is_well_again, lab, run_id, seen))
        row.right += took is not None
        row.seconds.append(LONGEST_S if took is None else took)
        if took is None:
            row.wrong.append(f"kill {row.kills}: {lab.run(run_id)['state']}, {lab.is_well()=}")
    wait_until(lambda: len(journaled(lab.folder(run_id))) > 0, "a first step")
    lab.ask("POST", f"/runs/{run_id}/stop")
    return close(lab, row, run_id, "stopped")


def is_well_again(lab: Chaos, run_id: int, seen: int) -> bool:
    """Everything answers, the training came further than ``seen``, and the record holds each of its steps."""
    if not lab.is_well():
        return False
    steps = journaled(lab.folder(run_id))
    if max(steps, default=0) <= seen or lab.run(run_id)["state"] != "running":
        return False
    return steps <= lab.recorded(run_id)


def close(lab: Chaos, row: Row, run_id: int, state: str) -> Row:
    """Wait for the end, and count what was lost, done twice and left behind."""
    wait_until(lambda: lab.run(run_id)["state"] in ENDED, f"run {run_id} to end")
    run, folder = lab.run(run_id), lab.folder(run_id)
    if run["state"] != state:
        row.right -= 1
        row.wrong.append(f"run {run_id} is {run['state']}: {run['failure']}")
    steps = journaled(folder)
    row.lost += len(set(range(1, max(steps, default=0) + 1)) - lab.recorded(run_id))
    row.twice += trained_twice(folder)
    row.orphans += orphans(lab)
    return row


def kill_child(lab: Chaos, name: str) -> Callable[[], None]:
    """Of the platform itself, which starts it again."""

    def kill() -> None:
        wait_until(lambda: psutil.pid_exists(lab.stack.pids()[name]), f"the {name} to be back")
        os.kill(lab.stack.pids()[name], signal.SIGKILL)

    return kill


# -- processes of a training


def kill_trainer(
    lab: Chaos,
    row: Row,
    victims: Callable[[Chaos, int], list[int]],
    *,
    devices: int,
    epochs: int,
    times: int,
    dice: random.Random,
) -> Row:
    """Kill processes of trainings at random moments, from their start; nobody but the platform helps them."""
    while row.kills < times:
        run_id = lab.launch(row.part, epochs=epochs, devices=devices)
        while row.kills < times and not has_ended(lab, run_id):
            kill_once(lab, row, run_id, victims, dice)
        close(lab, row, run_id, "finished")
        expected = reference(lab, devices, epochs)
        if not are_same(final_weights(lab.folder(run_id)), expected):
            row.right -= 1
            row.wrong.append(f"run {run_id} ended with other weights than one that nobody killed")
    return row


def kill_once(
    lab: Chaos, row: Row, run_id: int, victims: Callable[[Chaos, int], list[int]], dice: random.Random
) -> None:
    attempt = lab.run(run_id)["attempt"]
    wait_until(lambda: bool(victims(lab, run_id)) or has_ended(lab, run_id), "processes to kill")
    time.sleep(dice.uniform(0.0, 3.0) if dice.random() < 0.3 else 0.0)
    wait_until(lambda: has_stepped(lab, run_id) or has_ended(lab, run_id) or dice.random() < 0.002, "a step")
    time.sleep(dice.uniform(0.0, 1.5))
    pids = victims(lab, run_id)
    if has_ended(lab, run_id) or not pids:
        return
    attempt = lab.folder(run_id).attempt()
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    row.kills += 1
    took = seconds_until(lambda: has_ended(lab, run_id) or goes_on(lab, run_id, attempt))
    row.right += took is not None
    row.seconds.append(LONGEST_S if took is None else took)
    if took is None:
        row.wrong.append(f"kill {row.kills}: run {run_id} did not go on: {lab.run(run_id)['failure']}")


def has_ended(lab: Chaos, run_id: int) -> bool:
    run = lab.run(run_id)
    return run["state"] in ("finished", "stopped")


def has_stepped(lab: Chaos, run_id: int) -> bool:
    """The newest attempt has journaled a step."""
    folder = lab.folder(run_id)
    newest = folder.attempt()
    return any(line.event["event"] == "metrics" and line.event["attempt"] == newest for line in folder.read())


def goes_on(lab: Chaos, run_id: int, after: int) -> bool:
    """A newer attempt trains, and the record says so."""
    folder = lab.folder(run_id)
    return folder.attempt() > after and has_stepped(lab, run_id) and lab.run(run_id)["state"] == "running"


def rank(number: int) -> Callable[[Chaos, int], list[int]]:
    """The process of that rank, which torchrun started."""

    def find(lab: Chaos, run_id: int) -> list[int]:
        found = []
        for process in lab.processes(run_id):
            try:
                if "sce.train" in command_line(process) and process.environ().get("RANK") == str(number):
                    found.append(process.pid)
            except (OSError, LookupError):
                continue
        return found[:1]

    return find


def alone(lab: Chaos, run_id: int) -> list[int]:
    """The one process of a training on one device; not the attendant, which sees how it ends."""
    found = [
        process for process in lab.processes(run_id) if "attend.py" not in " ".join(command_line(process))
    ]
    return [process.pid for process in found if "sce.train" in command_line(process)]


def everything(lab: Chaos, run_id: int) -> list[int]:
    """Every process of the attempt: attendant, torchrun, ranks."""
    return [process.pid for process in lab.processes(run_id)]


@cache
def _references() -> dict[tuple[int, int], dict[str, torch.Tensor]]:
    return {}


def reference(lab: Chaos, devices: int, epochs: int) -> dict[str, torch.Tensor]:
    """The weights of the same training that nobody killed, trained once."""
    known = _references()
    if (devices, epochs) not in known:
        run_id = lab.launch(f"undisturbed on {devices}", epochs=epochs, devices=devices)
        wait_until(lambda: has_ended(lab, run_id), "the undisturbed run")
        known[devices, epochs] = final_weights(lab.folder(run_id))
    return known[devices, epochs]
