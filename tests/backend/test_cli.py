"""The command line against a real server on a free port, in the words it prints."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import uvicorn
from edge_fixtures import Lab, running_lab, settings_in
from safetensors.torch import load_file
from transfer_here import run_here
from typer.testing import CliRunner

from backend.checkpoints import transfer
from backend.cli import app
from backend.client import Lab as Client
from backend.client import Refused, TookTooLong, Unreachable
from backend.connection import MissingToken, NotRunning, read_connection
from backend.datasets.service import index_failed
from backend.db import now
from backend.metrics.points import NewPoint
from backend.metrics.store import add_points
from backend.runs.tables import Run
from backend.settings import Settings
from backend.tabulate import age, as_table, bytes_words, duration_words, number
from sce.definition import Small3d
from sce.trunks import build_trunk

RUNNER = CliRunner()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab that listens on a free port, with its address where the command line looks for it."""
    with running_lab(settings_in(tmp_path)) as lab:
        (lab.settings.roots[1] / "digits").mkdir()
        server = uvicorn.Server(uvicorn.Config(lab.app, port=0, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        connect(lab.settings.home, f"http://127.0.0.1:{port}", lab.token())
        monkeypatch.setenv("SCELAB_HOME", str(lab.settings.home))
        yield lab
        server.should_exit = True
        thread.join()


def connect(home: Path, url: str, token: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "connection.json").write_text(json.dumps({"url": url, "token": token, "pid": 1}))


def scelab(*arguments: str, status: int = 0) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == status, (result.output, result.exception)
    return result.output


def launch(lab: Lab, *more: str) -> int:
    scelab("launch", "digits-sce-r18", "--name", "first", *more)
    with lab.sessions.begin() as db:
        return max(run.id for run in db.query(Run))


# -- launching and looking


def test_every_recipe_is_listed(served: Lab) -> None:
    assert "digits-sce-r18" in scelab("recipes")


def test_a_launch_says_where_to_look(served: Lab) -> None:
    output = scelab("launch", "digits-sce-r18", "optimisation.epochs=3", "--experiment", "cli", "--tag", "t")
    assert "is queued: http://127.0.0.1:" in output
    with served.sessions.begin() as db:
        run = db.query(Run).one()
        assert (run.definition["optimisation"]["epochs"], run.tags) == (3, ["t"])


def test_one_run_is_launched_for_each_seed(served: Lab) -> None:
    scelab("launch", "digits-sce-r18", "--seed", "1", "--seed", "2")
    with served.sessions.begin() as db:
        assert sorted(run.seed for run in db.query(Run)) == [1, 2]


def test_an_unknown_key_is_told_with_the_nearest(served: Lab) -> None:
    output = scelab("launch", "digits-sce-r18", "optimisation.epoch=3", status=1)
    assert "epochs" in output


def test_an_override_that_is_none_is_told_how(served: Lab) -> None:
    assert "key.sub=value" in scelab("launch", "digits-sce-r18", "epochs", status=1)


def test_a_preview_shows_the_whole_definition_and_writes_nothing(served: Lab) -> None:
    output = scelab("preview", "digits-sce-r18", "optimisation.epochs=7")
    assert "epochs: 7" in output
    assert '"derived"' in output
    with served.sessions.begin() as db:
        assert db.query(Run).count() == 0


def test_runs_are_listed_and_shown(served: Lab) -> None:
    run_id = launch(served)
    assert "first" in scelab("ls")
    assert json.loads(scelab("ls", "--json"))["total"] == 1
    shown = scelab("show", str(run_id))
    assert "queued since" in shown
    assert json.loads(scelab("show", str(run_id), "--json"))["name"] == "first"


def test_a_run_that_is_none_is_told_in_a_sentence(served: Lab) -> None:
    assert "There is no run 99." in scelab("show", "99", status=1)


def test_a_queued_run_is_stopped_and_goes_on(served: Lab) -> None:
    run_id = launch(served)
    assert "stopped" in scelab("stop", str(run_id))
    assert "queued" in scelab("resume", str(run_id))


def test_waiting_ends_with_the_run_and_says_how(served: Lab) -> None:
    run_id = launch(served)
    with served.sessions.begin() as db:
        db.query(Run).update({"state": "failed", "failure_kind": "lost", "failure_sentence": "It is gone."})
    with Client.here(Settings()) as lab:
        run = lab.wait(run_id)
    assert run.failure is not None
    assert run.failure.sentence == "It is gone."


def test_waiting_has_an_end(served: Lab) -> None:
    run_id = launch(served)
    with Client.here(Settings()) as lab, pytest.raises(TookTooLong, match="first"):
        lab.wait(run_id, timeout_s=0.05, every_s=0.01)


def test_metrics_of_a_run_that_has_none_are_an_empty_table(served: Lab) -> None:
    assert scelab("metrics", str(launch(served))).split() == ["metric", "step", "last", "min", "max"]


# -- logs


def write_log(lab: Lab, run_id: int, text: str) -> None:
    folder = lab.settings.run_folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "output.log").write_text(text)


def test_the_end_of_a_log_is_printed(served: Lab) -> None:
    run_id = launch(served)
    write_log(served, run_id, "one\ntwo\nthree\n")
    assert scelab("logs", str(run_id), "-n", "2") == "two\nthree\n"


def test_a_log_is_searched(served: Lab) -> None:
    run_id = launch(served)
    write_log(served, run_id, "fine\nError: a\nfine\nerror: b\n")
    assert scelab("logs", str(run_id), "--search", "error") == "1: Error: a\n3: error: b\n"


def test_following_a_log_ends_with_the_run(served: Lab) -> None:
    run_id = launch(served)
    write_log(served, run_id, "one\n")
    scelab("stop", str(run_id))
    assert scelab("logs", str(run_id), "-f") == "one\n"


# -- data sets, tokens, links


def test_a_folder_is_registered_and_listed(served: Lab) -> None:
    (served.settings.roots[1] / "clips").mkdir()
    assert "is waiting" in scelab("data", "add", "clips")
    assert "clips" in scelab("data", "ls")


def test_a_folder_outside_the_data_roots_is_told_at_its_field(served: Lab) -> None:
    output = scelab("data", "add", "/etc", status=1)
    assert "SCELAB_DATA_ROOTS" in output
    assert "  root: " in output


def test_a_trunk_is_looked_at_imported_and_given_away(
    served: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "run_program", run_here)
    served.settings.imports_dir.mkdir(parents=True)
    served.settings.runs_dir.mkdir(parents=True, exist_ok=True)
    state = build_trunk(Small3d(width=2)).state_dict()
    torch.save(
        {f"backbone.{key}": value for key, value in state.items()}, served.settings.imports_dir / "a.pth"
    )
    seen = scelab("checkpoint", "inspect", "a.pth")
    assert "holds a small3d trunk by the names of sce, behind backbone." in seen
    assert re.search(r"matched +24\b", seen)
    assert "'backbone.' (24)" in scelab("checkpoint", "inspect", "a.pth", "--trunk", "r50", status=1)
    assert "Checkpoint 1 (theirs): http://" in scelab("checkpoint", "import", "a.pth", "--name", "theirs")
    assert "theirs" in scelab("checkpoint", "ls")
    scelab("checkpoint", "export", "1", str(tmp_path / "out.safetensors"))
    assert load_file(tmp_path / "out.safetensors").keys() == state.keys()
    scelab("checkpoint", "card", "1", str(tmp_path / "card.md"))
    assert (tmp_path / "card.md").read_text().startswith("# theirs")
    wrong = scelab("checkpoint", "export", "1", str(tmp_path / "x"), "--layout", "torchvision", status=1)
    assert "choose safetensors" in wrong


def test_a_token_is_made_used_and_revoked(served: Lab) -> None:
    token = scelab("tokens", "create", "notebook", "--scope", "read").strip()
    assert served.as_(token).get("/api/v1/session").status_code == 200
    newest = served.as_(token).get("/api/v1/tokens").json()[0]
    assert f"...{newest['hint']}" in scelab("tokens", "ls")
    scelab("tokens", "revoke", str(newest["id"]))
    assert served.as_(token).get("/api/v1/session").status_code == 401


def test_the_login_link_opens_the_pages(served: Lab) -> None:
    path = scelab("login-link").strip().partition("/login")[2]
    assert served.client.get(f"/login{path}", follow_redirects=False).headers["Location"] == "/"


# -- no server


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCELAB_HOME", str(tmp_path))
    assert "scelab up" in scelab("ls", status=1)


def test_a_server_that_went_away_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(tmp_path, "http://127.0.0.1:1", "scl_x")
    monkeypatch.setenv("SCELAB_HOME", str(tmp_path))
    assert "Nobody answers at http://127.0.0.1:1" in scelab("ls", status=1)


def test_settings_that_are_wrong_are_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCELAB_PORT", "many")
    assert "port: " in scelab("ls", status=1)


def test_an_answer_that_is_not_ours_is_told_so(served: Lab) -> None:
    with (
        Client(url=read_connection(Settings()).url + "/nowhere", token="scl_x") as lab,
        pytest.raises(Refused),
    ):
        lab.recipes()
    with Client(url="http://127.0.0.1:1", token="scl_x") as lab, pytest.raises(Unreachable):
        lab.recipes()


def test_the_local_token_goes_to_no_other_server(tmp_path: Path) -> None:
    connect(tmp_path, "http://127.0.0.1:8265", "scl_secret")
    with pytest.raises(MissingToken, match="SCELAB_TOKEN"):
        read_connection(Settings(home=tmp_path, url="http://elsewhere"))


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    found = read_connection(Settings(home=tmp_path, url="http://there", token="scl_t"))
    assert (found.url, found.token) == ("http://there", "scl_t")


def test_a_torn_connection_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "connection.json").write_text('{"url": ')
    with pytest.raises(NotRunning):
        read_connection(Settings(home=tmp_path))


def test_an_unknown_command_does_not_hide_behind_a_traceback() -> None:
    assert "No such command" in scelab("lunch", status=2)


def test_the_arguments_of_a_generator_reach_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", "data", "digits", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert "usage: scelab data digits" in done.stdout


# -- words


def test_a_table_is_as_wide_as_its_cells() -> None:
    assert (
        as_table(("a", "b"), [("long cell", "1"), ("x", "22")]) == "a          b\nlong cell  1\nx          22"
    )
    assert as_table((), []) == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.4, "4 s"), (123, "2 min 3 s"), (3900, "1 h 5 min"), (86_400 * 2, "2 d 0 h")]
)
def test_durations_are_said_in_two_units(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


def test_numbers_bytes_and_ages_are_said_shortly() -> None:
    assert (number(0.123456), number(None)) == ("0.1235", "")
    assert (bytes_words(999), bytes_words(1_500_000)) == ("999 B", "1.5 MB")
    assert (age(None), age(now() - timedelta(minutes=2))) == ("never", "2 min 0 s ago")


# -- the client in Python


@pytest.fixture
def client(served: Lab) -> Iterator[Client]:
    with Client.here(Settings()) as client:
        yield client


def test_a_script_launches_looks_and_stops(client: Client) -> None:
    preview = client.preview("digits-sce-r18", {"optimisation.epochs": 3}, experiment="scripts")
    launched = client.launch("digits-sce-r18", {"optimisation.epochs": 3}, experiment="scripts", seeds=[1, 2])
    assert launched.derived == preview.derived
    assert [run.seed for run in launched.runs] == [1, 2]
    assert client.runs(state=["queued"], q="digits").total == 2
    assert client.stop(launched.id).state == "stopped"
    assert client.retry(launched.id).state == "queued"
    assert client.run(launched.id).experiment.name == "scripts"


def test_a_script_reads_what_came_out(served: Lab, client: Client) -> None:
    run_id = client.launch("digits-sce-r18").id
    points = [NewPoint("loss", step, 0.0, float(step), 1.0 / (step + 1), 1) for step in range(100)]
    with served.sessions.begin() as db:
        add_points(db, run_id=run_id, points=points)
    (summary,) = client.series(run_id)
    assert (summary.key, summary.num_points, summary.max, summary.last) == ("loss", 100, 1.0, 0.01)
    (curve,) = client.metrics([run_id], ["loss"], width=10).series
    assert (max(value or 0 for value in curve.max), sum(curve.count)) == (1.0, 100)
    assert client.checkpoints(run_id=run_id).items == []
    assert client.evaluations(run_id).runs == []


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda lab: lab.run(99), "There is no run 99."),
        (lambda lab: lab.retrieval(99), "There is no run 99."),
        (lambda lab: lab.evaluate(99, protocol={"kind": "knn"}), "There is no checkpoint 99."),
        (lambda lab: lab.dataset(99), "There is no data set 99."),
        (lambda lab: lab.revoke_token(99), "There is no token 99."),
        (lambda lab: lab.launch("digits"), "recipe"),
    ],
)
def test_a_refusal_is_an_exception_that_carries_the_sentence(
    client: Client, ask: Callable[[Client], object], words: str
) -> None:
    with pytest.raises(Refused, match=words) as error:
        ask(client)
    assert error.value.problem.status in {404, 422}


def test_the_fault_of_a_single_field_is_said_once(client: Client) -> None:
    with pytest.raises(Refused) as error:
        client.preview("knn")
    assert str(error.value).count("Choose what is measured") == 1


def test_a_script_waits_for_a_data_set_and_not_for_ever(client: Client) -> None:
    registered = client.register_dataset(name="digits", root="digits", kind="image")
    assert [found.id for found in client.datasets()] == [registered.id]
    with pytest.raises(TookTooLong, match="Indexing digits did not end within 0 s"):
        client.wait_for_dataset(registered.id, timeout_s=0)


def test_a_data_set_that_could_not_be_indexed_is_waited_for_no_longer(served: Lab, client: Client) -> None:
    registered = client.register_dataset(name="digits", root="digits", kind="image")
    with served.sessions.begin() as db:
        index_failed(db, dataset_id=registered.id, sentence="It holds no images.")
    assert client.wait_for_dataset(registered.id).failure == "It holds no images."


def test_a_revoked_token_is_refused_with_the_way_to_another(served: Lab, client: Client) -> None:
    made = client.create_token("other", scope="write", expires_in_days=1)
    with Client(url=client.url, token=made.token) as other:
        assert "other" in [token.name for token in other.tokens()]
        client.revoke_token(made.id)
        with pytest.raises(Refused, match="Settings page"):
            other.tokens()
