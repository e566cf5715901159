"""SLURM's commands: an answer, a refusal in its words, or nobody there, which says nothing of any job."""

import os
from pathlib import Path

import pytest

from backend.slurm.commands import Refused, Slurm, SlurmAway, own_words


def command(folder: Path, name: str, body: str) -> dict[str, str]:
    """An environment in which a command of that name does this."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/bash\n{body}\n")
    file.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_an_answer_is_its_text_and_what_is_sent_goes_in(tmp_path: Path) -> None:
    env = command(tmp_path / "bin", "sbatch-here", "cat")
    assert Slurm(env=env).ask("sbatch-here", text="a script\n") == "a script\n"


def test_a_refusal_is_in_its_own_words(tmp_path: Path) -> None:
    body = "echo 'sbatch: error: invalid partition specified: x' >&2; exit 1"
    with pytest.raises(Refused, match=r"^invalid partition specified: x$"):
        Slurm(env=command(tmp_path / "bin", "sbatch-here", body)).ask("sbatch-here")


@pytest.mark.parametrize(
    "words",
    [
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
        "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
        "squeue: fatal: Could not establish a configuration source",
        "squeue: error: Munge encode failed: Failed to access socket",
    ],
)
def test_nobody_there_is_no_refusal(tmp_path: Path, words: str) -> None:
    body = f"echo '{words}' >&2; exit 1"
    with pytest.raises(SlurmAway):
        Slurm(env=command(tmp_path / "bin", "squeue-here", body)).ask("squeue-here")


def test_a_command_that_hangs_is_nobody_there(tmp_path: Path) -> None:
    env = command(tmp_path / "bin", "squeue-here", "exec sleep 20")
    with pytest.raises(SlurmAway, match="no answer within"):
        Slurm(env=env).ask("squeue-here", within_s=0.2)


def test_a_command_that_is_not_installed_is_nobody_there() -> None:
    with pytest.raises(SlurmAway, match="cannot be run on this host"):
        Slurm().ask("no-such-command-of-slurm")


def test_over_ssh_each_word_arrives_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ssh hands one line to a shell: a word with a space or a sign of the shell stays one word."""
    command(tmp_path / "bin", "ssh", 'echo "$@" >&2; exec bash -c "${@: -1}"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    site = Slurm(login="ada@login1")
    assert site.is_here
    assert site.ask("printf", "%s\n", "a b", "$(id)", "%A|%T") == "a b\n$(id)\n%A|%T\n"


def test_a_login_host_that_is_away_is_nobody_there(tmp_path: Path) -> None:
    env = command(
        tmp_path / "bin", "ssh", "echo 'ssh: connect to host login1 port 22: refused' >&2; exit 255"
    )
    with pytest.raises(SlurmAway, match="connect to host login1"):
        Slurm(login="login1", env=env).ask("squeue")


def test_words_are_said_once_and_without_the_commands_name() -> None:
    text = "sbatch: error: no\nsbatch: error: no\nallocation failure: Invalid partition name specified\n"
    assert own_words(text) == "no Invalid partition name specified"
    assert own_words(" \n") == "it gave no reason"
