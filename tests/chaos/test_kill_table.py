"""The short form of the kill table: one kill of each of some parts, and every goal is met but that of time.

Other tests have the processors meanwhile: ``make chaos`` is what measures seconds."""

import pytest

from tests.chaos.__main__ import HEAD, measure, table
from tests.chaos.kills import Row

pytestmark = pytest.mark.slow
SHORT_EPOCHS = 15


@pytest.mark.xdist_group("stack")
def test_whatever_is_killed_the_trainings_end_as_if_nothing_had_been() -> None:
    rows = killed_once("API", "worker", "embedded broker", "trainer, rank 1")
    parts = ["API", "worker, with its clocks", "embedded broker", "trainer, rank 1 of 2"]
    assert [row.part for row in rows] == parts


@pytest.mark.xdist_group("slurm")
def test_a_run_of_slurm_goes_on_when_a_daemon_of_it_is_killed() -> None:
    rows = killed_once("slurmctld", "slurmd")
    assert [row.part for row in rows] == ["slurmctld", "slurmd"]


def killed_once(*parts: str) -> list[Row]:
    """Their rows of the table, of trainings that went on within three minutes and are whole."""
    rows = measure(kills=1, only=parts, epochs=SHORT_EPOCHS)
    for row in rows:
        assert row.is_whole(), f"{table(rows)}\n{row.wrong}"
    assert table(rows).count("\n") == 1 + len(rows)
    assert table(rows).startswith(f"| {' | '.join(HEAD)} |")
    return rows
