"""The short form of the kill table: one kill of each of some parts, and every goal is met."""

import pytest

from tests.chaos.__main__ import HEAD, measure, table
from tests.chaos.kills import Row

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]
SHORT_EPOCHS = 15


def test_whatever_is_killed_the_trainings_end_as_if_nothing_had_been() -> None:
    rows = killed_once("API", "worker", "embedded broker", "trainer, rank 1")
    parts = ["API", "worker, with its clocks", "embedded broker", "trainer, rank 1 of 2"]
    assert [row.part for row in rows] == parts


def test_a_run_of_slurm_goes_on_when_a_daemon_of_it_is_killed() -> None:
    rows = killed_once("slurmctld", "slurmd")
    assert [row.part for row in rows] == ["slurmctld", "slurmd"]


def killed_once(*parts: str) -> list[Row]:
    """Their rows of the table, each of which meets every goal."""
    rows = measure(kills=1, only=parts, epochs=SHORT_EPOCHS)
    for row in rows:
        assert row.is_good(), f"{table(rows)}\n{row.wrong}"
    assert table(rows).count("\n") == 1 + len(rows)
    assert table(rows).startswith(f"| {' | '.join(HEAD)} |")
    return rows
