"""Checkpoints from a shell: look at a file, import it, give a trunk away, print its card."""

from pathlib import Path
from typing import Annotated

import typer

from backend.checkpoints.transfer_views import InspectionView
from backend.client_asks import CheckpointFilter, ForeignFile
from backend.console import give_up, lab_here
from backend.tabulate import as_table, bytes_words, number

checkpoints = typer.Typer(no_args_is_help=True, help="Checkpoints: list, import and export them.")

File = Annotated[str, typer.Argument(help="File in the imports folder or under a data root.")]
CheckpointId = Annotated[int, typer.Argument(help="Number of the checkpoint.")]
Trunk = Annotated[str | None, typer.Option(help="r3d50, r3d18, r50, r18; found out by default.")]
Naming = Annotated[str | None, typer.Option(help="sce, torchvision, pytorchvideo, slowfast, mmaction2...")]
Prefix = Annotated[str | None, typer.Option(help="What stands before the names; '' for released encoders.")]
Branch = Annotated[str, typer.Option(help="online or momentum.")]


@checkpoints.command("ls")
def list_checkpoints(
    run: Annotated[int | None, typer.Option(help="Only those of this run.")] = None,
) -> None:
    """List checkpoints, the newest first."""
    with lab_here() as lab:
        filters: CheckpointFilter = {} if run is None else {"run_id": run}
        rows = [
            (str(one.id), one.run.name, one.kind, number(one.epoch), bytes_words(one.bytes), one.sha256[:12])
            for one in lab.checkpoints(**filters).items
        ]
    typer.echo(as_table(("id", "run", "kind", "epoch", "size", "sha256"), rows))


@checkpoints.command("inspect")
def inspect(
    file: File, trunk: Trunk = None, naming: Naming = None, prefix: Prefix = None, branch: Branch = "online"
) -> None:
    """Show how a file's names match a trunk's; exits 1 unless every one does."""
    with lab_here() as lab:
        seen = lab.inspect(file, **_known(trunk, naming, prefix, branch))
    say_match(seen)
    if seen.sentence is not None:
        give_up(seen.sentence)


def say_match(seen: InspectionView) -> None:
    """Counts of every kind, and the names that are at fault."""
    if seen.match is None or seen.trunk is None:
        return
    match = seen.match
    where = f"behind {match.prefix}" if match.prefix else "without prefix"
    typer.echo(f"{seen.path} holds a {seen.trunk.kind} trunk by the names of {match.naming}, {where}")
    facts = {
        "matched": len(match.pairs),
        "missing": len(match.missing),
        "unexpected": len(match.unexpected),
        "of another shape": len(match.wrong_shape),
        "of a head, left out": len(match.head),
        **{f"in {part.prefix}, left out": part.tensors for part in match.elsewhere},
    }
    typer.echo(as_table((), [(name, str(count)) for name, count in facts.items()]))


@checkpoints.command("import")
def import_file(
    file: File,
    trunk: Trunk = None,
    naming: Naming = None,
    prefix: Prefix = None,
    branch: Branch = "online",
    name: Annotated[str | None, typer.Option(help="Name on the pages; by default the file's.")] = None,
    experiment: Annotated[str, typer.Option(help="Experiment to gather it under.")] = "imported",
    recipe: Annotated[str, typer.Option(help="Recipe that it was trained by, if you know.")] = "",
    origin: Annotated[str, typer.Option(help="How it was trained, in your words.")] = "",
) -> None:
    """Import a trunk that was trained elsewhere. Refused unless every name matches."""
    known = _known(trunk, naming, prefix, branch)
    with lab_here() as lab:
        row = lab.take_over(file, **known, name=name, experiment=experiment, recipe=recipe, origin=origin)
        typer.echo(f"Checkpoint {row.id} ({row.run.name}): {lab.url}/runs/{row.run.id}")


def _known(trunk: str | None, naming: str | None, prefix: str | None, branch: str) -> ForeignFile:
    return {
        "trunk": None if trunk is None else {"kind": trunk},
        "naming": naming,
        "prefix": prefix,
        "branch": branch,
    }


@checkpoints.command("export")
def export(
    checkpoint_id: CheckpointId,
    to: Annotated[Path, typer.Argument(help="File to write.")],
    layout: Annotated[
        str, typer.Option(help="safetensors, torchvision, pytorchvideo, slowfast or detectron2.")
    ] = "safetensors",
) -> None:
    """Write a checkpoint's trunk under the names that another code base reads."""
    with lab_here() as lab:
        typer.echo(f"{to}: {bytes_words(lab.export(checkpoint_id, layout, to))}")


@checkpoints.command("card")
def card(
    checkpoint_id: CheckpointId,
    to: Annotated[Path, typer.Argument(help="File to write.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON instead of Markdown.")] = False,
) -> None:
    """Write a trunk's card: what it is, how it was trained, what it scored."""
    with lab_here() as lab:
        typer.echo(f"{to}: {bytes_words(lab.card(checkpoint_id, to, as_json=as_json))}")
