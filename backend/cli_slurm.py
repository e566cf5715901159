"""SLURM profiles from a shell: list them, and let a job look whether their nodes have what runs need."""

import time
from typing import Annotated

import typer

from backend.client import Lab
from backend.console import give_up, lab_here
from backend.slurm.views import ProbeView, ProfileView
from backend.tabulate import age, as_table

profiles = typer.Typer(no_args_is_help=True, help="SLURM profiles: list and check them.")


@profiles.command("ls")
def list_profiles() -> None:
    """List the profiles that a run may be submitted by."""
    with lab_here() as lab:
        rows = [
            (one.name, one.profile.partition or "the default", one.profile.runs_folder, _result(one.probe))
            for one in lab.slurm_profiles()
        ]
    typer.echo(as_table(("profile", "partition", "runs folder", "last check"), rows))


@profiles.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Name of the profile.")],
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds to wait for its job.")] = 600,
) -> None:
    """Let a tiny job look at a compute node; exits 1 when something is amiss there."""
    with lab_here() as lab:
        asked = lab.check_profile(_named(lab, name).id)
        probe = _until_ended(lab, asked, timeout_s)
    for sentence in probe.good:
        typer.echo(f"good   {sentence}")
    for sentence in probe.amiss:
        typer.echo(f"amiss  {sentence}")
    if probe.amiss:
        raise typer.Exit(1)


def _named(lab: Lab, name: str) -> ProfileView:
    offered = lab.slurm_profiles()
    found = next((one for one in offered if one.name == name), None)
    if found is None:
        there = ", ".join(one.name for one in offered) or "none yet, an administrator makes them on Hosts"
        give_up(f"There is no SLURM profile {name!r}; there are: {there}.")
    return found


def _until_ended(lab: Lab, asked: ProfileView, timeout_s: float) -> ProbeView:
    gives_up_at, said = time.monotonic() + timeout_s, None
    while True:
        probe = _named(lab, asked.name).probe
        assert probe is not None, "it was asked for"
        if probe.ended_at is not None:
            return probe
        if probe.waits_for != said:
            said = probe.waits_for
            typer.echo(said, err=True)
        if time.monotonic() > gives_up_at:
            give_up(
                f"The check has not ended within {timeout_s:g} s. {said} It goes on: look at Hosts later."
            )
        time.sleep(0.5)


def _result(probe: ProbeView | None) -> str:
    if probe is None:
        return "never"
    if probe.ended_at is None:
        return "under way"
    return (
        f"{len(probe.amiss)} amiss, {age(probe.ended_at)}" if probe.amiss else f"good, {age(probe.ended_at)}"
    )
