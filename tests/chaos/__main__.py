"""``python -m tests.chaos``: kill every part again and again, and print what became of the trainings."""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

from tests.chaos.kills import EPOCHS, Row, alone, everything, kill_child, kill_part, kill_trainer, rank
from tests.chaos.lab import Chaos, chaos_lab
from tests.chaos.servers import (
    CONTROLLER_BACK_AFTER_S,
    Controller,
    Node,
    Postgres,
    Redis,
    Server,
    die_and_come_back,
)
from tests.worker.slurm.cluster import running_cluster

HEAD = ("killed", "ended as it should", "seconds until true", "points lost", "trained twice", "orphans")
NO_BEAT = (
    "There is no row for beat: no such process exists. The worker's own clocks do periodic work, since each host "
    "must watch its own processes, also while the broker is away. They die and come back with the worker."
)


@dataclass(frozen=True)
class Case:
    """One part. ``home`` names the platform it is killed in; ``run`` kills it so often and fills its row."""

    part: str
    home: str
    run: Callable[[Chaos, Row, int, random.Random], Row]


def part(name: str, kill: Callable[[Chaos], Callable[[], None]], home: str = "embedded") -> Case:
    return Case(
        name, home, lambda lab, row, times, dice: kill_part(lab, row, kill(lab), times=times, dice=dice)
    )


def trainer(name: str, victims: Callable[[Chaos, int], list[int]], *, devices: int, epochs: int) -> Case:
    return Case(
        name,
        "embedded",
        lambda lab, row, times, dice: kill_trainer(
            lab, row, victims, devices=devices, epochs=epochs, times=times, dice=dice
        ),
    )


def cases(servers: dict[str, Server], *, epochs: int) -> list[Case]:
    """Every part that can be killed, and how long the trainings are whose own processes die."""
    return [
        part("API", lambda lab: kill_child(lab, "api")),
        part("worker, with its clocks", lambda lab: kill_child(lab, "worker")),
        part("embedded broker", lambda lab: kill_child(lab, "broker")),
        part("Redis", lambda _: partial(die_and_come_back, servers["redis"]), "servers"),
        part("PostgreSQL", lambda _: partial(die_and_come_back, servers["postgres"]), "servers"),
        trainer("trainer", alone, devices=1, epochs=epochs),
        trainer("trainer, rank 0 of 2", rank(0), devices=2, epochs=epochs),
        trainer("trainer, rank 1 of 2", rank(1), devices=2, epochs=epochs),
        trainer("the whole process group", everything, devices=2, epochs=epochs),
        part(
            "slurmctld",
            lambda _: partial(die_and_come_back, servers["slurmctld"], CONTROLLER_BACK_AFTER_S),
            "slurm",
        ),
        part("slurmd", lambda _: partial(die_and_come_back, servers["slurmd"]), "slurm"),
    ]


@contextmanager
def platform(home: str, servers: dict[str, Server]) -> Iterator[Chaos]:
    """The platform of that name on a new folder."""
    with tempfile.TemporaryDirectory(prefix="scelab-chaos-", ignore_cleanup_errors=True) as folder:
        if home == "embedded":
            with chaos_lab(Path(folder)) as lab:
                yield lab
            return
        if home == "slurm":
            with on_slurm(Path(folder), servers) as lab:
                yield lab
            return
        database, broker = Postgres(), Redis()
        servers |= {"postgres": database, "redis": broker}
        for server in (database, broker):
            server.start()
        try:
            with chaos_lab(Path(folder), database_url=database.url, broker_url=broker.url) as lab:
                yield lab
        finally:
            broker.stop()
            database.stop()


@contextmanager
def on_slurm(folder: Path, servers: dict[str, Server]) -> Iterator[Chaos]:
    """A platform whose runs are submitted to a real SLURM."""
    with running_cluster() as cluster, patch.dict(os.environ, SLURM_CONF=str(cluster.conf)):
        servers |= {"slurmctld": Controller(cluster), "slurmd": Node(cluster)}
        with chaos_lab(folder, cluster=cluster) as lab:
            yield lab


def table(rows: Sequence[Row]) -> str:
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def measure(*, kills: int, only: Sequence[str] = (), seed: int = 0, epochs: int = EPOCHS) -> list[Row]:
    """A row for each part whose name holds one of the words; all of them without any."""
    servers: dict[str, Server] = {}
    wanted = [
        case for case in cases(servers, epochs=epochs) if not only or any(word in case.part for word in only)
    ]
    rows = []
    for home in dict.fromkeys(case.home for case in wanted):
        with platform(home, servers) as lab:
            for case in (case for case in wanted if case.home == home):
                began = time.monotonic()
                rows.append(case.run(lab, Row(case.part), kills, random.Random(f"{seed} {case.part}")))
                print(
                    f"{case.part}: {rows[-1].cells()[1:]} in {time.monotonic() - began:.0f} s",
                    file=sys.stderr,
                )
                for sentence in rows[-1].wrong:
                    print(f"  {sentence}", file=sys.stderr)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="how often each part is killed")
    parser.add_argument(
        "--only", action="append", default=[], help="parts whose name holds this; may be repeated"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    asked = parser.parse_args()
    rows = measure(kills=asked.kills, only=asked.only, seed=asked.seed)
    print(f"{table(rows)}\n\n{NO_BEAT}")
    return 0 if all(row.is_good() for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
