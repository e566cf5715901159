"""The queue from a shell: what holds devices, what waits and why, and to move a run in it."""

from typing import Annotated

import typer

from backend.console import lab_here
from backend.runs.views import HoldingRun, WaitingRun
from backend.tabulate import age, as_table

RunId = Annotated[int | None, typer.Option(help="Number of a queued run to move there first.")]


def show_queue(
    top: RunId = None,
    bottom: RunId = None,
    size: Annotated[int, typer.Option(help="How many of those that wait.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what holds devices, what waits for them, in order, and why. `scelab queue --top 12` moves a run."""
    with lab_here() as lab:
        for run_id, end in ((top, "top"), (bottom, "bottom")):
            if run_id is not None:
                lab.move(run_id, to=end)
        view = lab.queue(size=size)
    if as_json:
        typer.echo(view.model_dump_json(indent=1))
        return
    if view.holding:
        rows = [_holding_row(one) for one in view.holding]
        typer.echo(as_table(("run", "name", "who", "state", "devices", "on"), rows))
    if not view.waiting:
        typer.echo("Nothing waits.")
        return
    rows = [_waiting_row(one) for one in view.waiting]
    typer.echo(as_table(("#", "run", "name", "who", "priority", "needs", "waits", "because"), rows))
    if view.num_waiting > len(view.waiting):
        typer.echo(f"{len(view.waiting)} of {view.num_waiting} that wait: --size shows more.")


def _holding_row(one: HoldingRun) -> tuple[str, ...]:
    run = one.run
    return str(run.id), run.name, run.owner or "", run.state, str(run.devices), run.slurm or one.host


def _waiting_row(one: WaitingRun) -> tuple[str, ...]:
    run = one.run
    place = "" if one.place is None else str(one.place)
    known = (place, str(run.id), run.name, run.owner or "", str(run.priority), one.needs)
    return (*known, age(run.state_since), run.waits_for or "")
