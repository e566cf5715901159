"""Let a run go on from a shell: as it was, or over other devices, once it is said what that changes."""

from typing import Annotated

import typer

from backend.client import Lab
from backend.console import lab_here
from backend.runs.views import RunDetail

Devices = Annotated[int | None, typer.Option(help="Devices on each node that it goes on over.")]
Nodes = Annotated[int | None, typer.Option(help="Nodes of SLURM that it goes on over.")]


def resume(
    run_id: Annotated[int, typer.Argument(help="Number of the run.")],
    devices: Devices = None,
    nodes: Nodes = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the devices change.")] = False,
) -> None:
    """Go on with a stopped or failed run from its newest checkpoint, over other devices if asked.

    `scelab resume 12 --devices 2` says what that changes, and asks before it is done.
    """
    with lab_here() as lab:
        run = lab.run(run_id)
        if devices is not None or nodes is not None:
            _spread(lab, run, devices or run.devices, nodes, yes=yes)
        gone_on = lab.retry(run_id) if "retry" in run.may else lab.resume(run_id)
        typer.echo(f"Run {run_id} is {gone_on.state}")


def _spread(lab: Lab, run: RunDetail, devices: int, nodes: int | None, *, yes: bool) -> None:
    changes = lab.other_devices(run.id, devices, nodes=nodes).changes
    for sentence in changes or ["Nothing changes: it goes on as it was."]:
        typer.echo(sentence)
    if changes and not yes:
        typer.confirm(f"Go on with {run.name} over {_words(devices, nodes)}?", abort=True, err=True)
    lab.choose_devices(run.id, devices, nodes=nodes)


def _words(devices: int, nodes: int | None) -> str:
    said = f"{devices} device{'s' if devices > 1 else ''}"
    return said if nodes is None else f"{said} on each of {nodes} node{'s' if nodes > 1 else ''}"
