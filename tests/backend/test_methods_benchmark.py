"""The benchmark of all methods: what it launches, what it waits for, and the table that it prints."""

from pathlib import Path

import pytest
from makers import Lab, checkpoint
from starlette.testclient import TestClient
from test_results import keep, move, scored

from backend.client import Lab as Client
from benchmarks import methods

DIGITS = methods.SETS["digits"]


@pytest.fixture
def client(rest: TestClient, record: Lab) -> Client:
    (record.settings.roots[0] / "digits").mkdir(parents=True)
    client = Client(url="http://testserver", token="")
    client.close()
    client._http = rest
    return client


def test_a_launch_a_method_with_all_its_seeds(client: Client) -> None:
    methods._launch(client, DIGITS, [42, 43])
    found = sorted((run.recipe, run.seed) for run in methods._trainings(client, DIGITS))
    assert found == sorted((f"digits-{name}", seed) for name in methods.METHODS for seed in (42, 43))


def test_started_again_it_launches_only_what_is_missing(client: Client) -> None:
    methods._launch(client, DIGITS, [42])
    methods._launch(client, DIGITS, [42, 43])
    assert sorted(run.seed for run in methods._trainings(client, DIGITS)) == [42] * 4 + [43] * 4


def test_what_failed_is_waited_for_no_longer_and_told(
    client: Client, record: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods, "LOOK_EVERY_S", 0.0)
    methods._launch(client, DIGITS, [42])
    for run in methods._trainings(client, DIGITS):
        move(record, run.id, "failed" if run.recipe == "digits-sce" else "stopped")
    broken = methods._wait(client, methods._trainings(client, DIGITS))
    assert sorted(run.state for run in broken) == ["failed", "stopped", "stopped", "stopped"]


def test_a_training_is_waited_for_until_its_planned_evaluations_have_ended(
    client: Client, record: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods._launch(client, DIGITS, [42])
    run = methods._trainings(client, DIGITS)[0]
    keep(record, run.id, checkpoint(0, kind="initial"), checkpoint(50, epoch=10))
    move(record, run.id, "finished")
    scores = iter([None, {"top1": 0.2}, {"top1": 0.3}, {"top1": 0.4}, {"top1": 0.5}])
    data = {"kind": "image", "root": "digits"}
    monkeypatch.setattr(methods.time, "sleep", lambda _: scored(record, run.id, next(scores), data=data))
    assert [one.state for one in methods._wait(client, [run])] == ["failed"]
    assert next(scores) == {"top1": 0.5}


def test_the_table_is_the_pages_own(client: Client, record: Lab) -> None:
    methods._launch(client, DIGITS, [42])
    text = methods._table(client, DIGITS)
    assert text.startswith("\nMethods on digits\n\n## Our runs")


def test_a_script_takes_the_table_away_in_the_format_it_asks_for(client: Client, tmp_path: Path) -> None:
    assert client.own_results().rows == []
    file = tmp_path / "table.csv"
    assert client.export_own_results(file, format="csv", experiment_id=1) == file.stat().st_size
    assert file.read_text() == "method,experiment,trunk,epochs,seeds\n"
