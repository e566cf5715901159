"""Profiles of SLURM from a shell, against a real server; a worker's findings are written by hand."""

import threading
from collections.abc import Sequence

from edge_fixtures import Lab
from test_cli import scelab, served  # noqa: F401 - a fixture

from backend.slurm.probes import end_probe, open_probes
from backend.slurm.tables import SlurmProfile
from tests.worker.conftest import eventually

GOOD, AMISS = "n1 reads and writes the runs folder.", "n1 has SCE Lab 0.0.1: install the same there."


def profile(lab: Lab) -> None:
    with lab.sessions.begin() as db:
        db.add(SlurmProfile(name="nodes", profile={"runs_folder": "/runs"}))


def find(lab: Lab, *, good: Sequence[str], amiss: Sequence[str] = ()) -> threading.Thread:
    """What a worker does meanwhile."""

    def end() -> bool:
        with lab.sessions.begin() as db:
            rows = open_probes(db)
            for row in rows:
                end_probe(db, row.id, good=good, amiss=amiss)
            return bool(rows)

    worker = threading.Thread(target=lambda: eventually(end))
    worker.start()
    return worker


def test_a_check_prints_what_was_found_and_its_status_says_whether_all_is_good(served: Lab) -> None:  # noqa: F811 - a fixture
    profile(served)
    worker = find(served, good=[GOOD])
    assert f"good   {GOOD}" in scelab("slurm", "check", "nodes")
    worker.join()
    assert "nodes    the default  /runs        good, " in scelab("slurm", "ls")
    worker = find(served, good=[GOOD], amiss=[AMISS])
    assert f"amiss  {AMISS}" in scelab("slurm", "check", "nodes", status=1)
    worker.join()
    assert "1 amiss, " in scelab("slurm", "ls")


def test_a_check_that_takes_long_says_what_it_waits_for(served: Lab) -> None:  # noqa: F811 - a fixture
    profile(served)
    said = scelab("slurm", "check", "nodes", "--timeout", "0", status=1)
    assert "No worker has asked this SLURM yet" in said
    assert "has not ended within 0 s" in said


def test_a_profile_that_there_is_none_of_is_told_with_those_there_are(served: Lab) -> None:  # noqa: F811 - a fixture
    profile(served)
    assert "There is no SLURM profile 'node'; there are: nodes." in scelab("slurm", "check", "node", status=1)
