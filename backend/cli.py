"""The command line: everything a script or a hurried person asks of SCE Lab."""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from backend.backup import back_up
from backend.cli_checkpoints import checkpoints
from backend.cli_queue import show_queue
from backend.cli_resume import resume
from backend.cli_slurm import profiles
from backend.client import ENDED, Lab
from backend.client_asks import LaunchMore, RunFilter
from backend.console import give_up, lab_here, settings_here
from backend.errors import SceLabError
from backend.runs.views import LaunchedView, LogView, RunDetail, RunView
from backend.tabulate import age, as_table, bytes_words, duration_words, number
from sce.recipes import parse_override

app = typer.Typer(no_args_is_help=True, help="SCE Lab: launch, watch and evaluate self-supervised learning.")
app.add_typer(checkpoints, name="checkpoint")
app.add_typer(profiles, name="slurm")
data = typer.Typer(no_args_is_help=True, help="Data sets: make, index and list them.")
tokens = typer.Typer(no_args_is_help=True, help="API tokens.")
app.add_typer(data, name="data")
app.add_typer(tokens, name="tokens")

Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="What to change, as in optimisation.epochs=20 method.temperature=0.1"),
]
Measured = Annotated[int | None, typer.Option(help="For an evaluation: the checkpoint's number.")]
RunId = Annotated[int, typer.Argument(help="Number of the run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what the server said, as JSON.")]


def become(module: str, arguments: Sequence[str]) -> NoReturn:
    """Go on as another program of ours; it takes the signals and gives the exit status."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - our own module, as a list


# -- the platform


@app.command()
def up(
    home: Annotated[Path | None, typer.Option(help="Folder of everything that is written.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the page; 0 takes a free one.")] = None,
    host: Annotated[str | None, typer.Option(help="Address that the page is served on.")] = None,
    data_root: Annotated[list[Path] | None, typer.Option(help="Folder that data sets may lie under.")] = None,
) -> None:
    """Start API, worker and broker on this machine, and print the link to log in with."""
    given = {"--home": home, "--port": port, "--host": host}
    arguments = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    become("worker.up", arguments + [part for root in data_root or [] for part in ("--data-root", str(root))])


@app.command()
def login_link() -> None:
    """Print a link that opens one browser session, once."""
    with lab_here() as lab:
        typer.echo(lab.login_link())


@app.command("backup")
def backup_record(file: Annotated[Path, typer.Argument(help="A new file to write.")]) -> None:
    """Write the record as it is at one moment; SCE Lab may go on meanwhile."""
    try:
        written = back_up(settings_here(), file)
    except SceLabError as error:
        give_up(str(error))
    typer.echo(f"{written} holds the record ({bytes_words(written.stat().st_size)}).")


@app.command("restore")
def restore_record(file: Annotated[Path, typer.Argument(help="What `scelab backup` wrote.")]) -> None:
    """Put a backup in the record's place; what was there is kept beside it. SCE Lab must not run."""
    become("worker.restore", [str(file)])


# -- launching


@app.command()
def recipes() -> None:
    """List what can be launched."""
    with lab_here() as lab:
        rows = [(recipe.name, recipe.kind, recipe.title, recipe.source) for recipe in lab.recipes()]
    typer.echo(as_table(("recipe", "kind", "title", "source"), rows))


@app.command()
def preview(recipe: str, overrides: Overrides = None, checkpoint: Measured = None) -> None:
    """Show the whole definition that a launch would run, and what follows from it."""
    with lab_here() as lab:
        view = lab.preview(recipe, parse_overrides(overrides), checkpoint_id=checkpoint)
    typer.echo(view.yaml.rstrip())
    typer.echo("\n" + json.dumps({"derived": view.derived.model_dump(mode="json")}, indent=1))
    for warning in view.warnings:
        typer.echo(f"Warning: {warning}", err=True)


@app.command()
def launch(
    recipe: str,
    overrides: Overrides = None,
    experiment: Annotated[str, typer.Option(help="Experiment to gather the run under.")] = "default",
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="One run for each seed; may be repeated.")] = None,
    checkpoint: Measured = None,
    tag: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    priority: Annotated[int, typer.Option(help="Higher starts first.")] = 0,
    slurm: Annotated[str | None, typer.Option(help="SLURM profile to submit it by.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Keep it as a draft.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end; exits 1 if it was no good one.")
    ] = False,
) -> None:
    """Launch a run, or one for each seed."""
    more: LaunchMore = {
        "experiment": experiment,
        "name": name,
        "seeds": seed or [],
        "checkpoint_id": checkpoint,
        "tags": tag or [],
        "priority": priority,
        "slurm": slurm,
        "is_draft": draft,
    }
    with lab_here() as lab:
        launched = lab.launch(recipe, parse_overrides(overrides), **more)
        say_launched(lab, launched)
        went_well = [wait_for(lab, run.id) for run in launched.runs] if wait else []
        if not all(went_well):
            raise typer.Exit(1)


def parse_overrides(texts: Sequence[str] | None) -> dict[str, object]:
    """Raises ``BadOverride``."""
    return dict(parse_override(text) for text in texts or [])


def say_launched(lab: Lab, launched: LaunchedView) -> None:
    for run in launched.runs:
        typer.echo(f"Run {run.id} ({run.name}) is {run.state}: {lab.url}/runs/{run.id}")
    for warning in launched.warnings:
        typer.echo(f"Warning: {warning}", err=True)


def wait_for(lab: Lab, run_id: int) -> bool:
    """Say each change of state until the run ended; whether it ended well."""
    said = ""

    def say(run: RunDetail) -> None:
        nonlocal said
        if run.state != said:
            typer.echo(f"Run {run.id} is {run.state}")
        said = run.state

    run = lab.wait(run_id, on_look=say)
    reason = f": {run.failure.sentence}" if run.failure else ""
    scores = ", ".join(f"{key} {number(value)}" for key, value in run.summary.items())
    typer.echo(f"Run {run.id} {run.state}{reason or (f': {scores}' if scores else '')}")
    return run.state == "finished"


# -- runs


@app.command("ls")
def list_runs(
    state: Annotated[list[str] | None, typer.Option(help="Only these states; may be repeated.")] = None,
    q: Annotated[str | None, typer.Option(help="Search names, tags, recipes and numbers.")] = None,
    size: Annotated[int, typer.Option(help="How many.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    filters: RunFilter = {"size": size, "state": state or []}
    if q is not None:
        filters["q"] = q
    with lab_here() as lab:
        page = lab.runs(**filters)
    if as_json:
        typer.echo(page.model_dump_json(indent=1))
        return
    typer.echo(
        as_table(("run", "name", "kind", "state", "done", "took"), [run_row(run) for run in page.items])
    )
    if page.total > len(page.items):
        typer.echo(f"{len(page.items)} of {page.total} runs: --size shows more.")


app.command("queue")(show_queue)
app.command("resume")(resume)


def run_row(run: RunView) -> tuple[str, ...]:
    took = duration_words(run.duration_s) if run.duration_s is not None else ""
    return (str(run.id), run.name, run.kind, run.state, f"{run.progress:.0%}", took)


@app.command()
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run: state, progress, scores, checkpoints."""
    with lab_here() as lab:
        run = lab.run(run_id)
    if as_json:
        typer.echo(run.model_dump_json(indent=1))
        return
    facts = {
        "run": f"{run.id} {run.name}",
        "kind": f"{run.kind}, {run.method or run.recipe or ''}".rstrip(", "),
        "state": f"{run.state} since {age(run.state_since)}",
        "why": run.failure.sentence if run.failure else run.waits_for or "",
        "done": f"{run.progress:.0%}, step {run.step} of {run.steps or '?'}",
        "checkpoints": f"{run.num_checkpoints}, {bytes_words(run.checkpoint_bytes)}",
        "may": ", ".join(run.may),
    }
    facts |= {key: number(value) for key, value in run.summary.items()}
    typer.echo(as_table((), [(name, value) for name, value in facts.items() if value]))


@app.command()
def logs(
    run_id: RunId,
    num_lines: Annotated[int, typer.Option("-n", help="Lines from the end.")] = 50,
    search: Annotated[
        str | None, typer.Option(help="Print the lines that contain this, with their numbers.")
    ] = None,
    follow: Annotated[bool, typer.Option("-f", help="Go on until the run ends.")] = False,
) -> None:
    """Print a run's output."""
    with lab_here() as lab:
        if search is not None:
            print_hits(lab, run_id, search)
            return
        view = lab.logs(run_id, num_lines=num_lines)
        print_lines(view)
        if follow:
            follow_log(lab, run_id, view)


def print_lines(view: LogView) -> None:
    for line in view.lines:
        typer.echo(line)


def print_hits(lab: Lab, run_id: int, search: str) -> None:
    for hit in lab.logs(run_id, search=search, num_lines=1).hits:
        for line in lab.logs(run_id, first_line=hit, num_lines=1).lines:
            typer.echo(f"{hit}: {line}")


def follow_log(lab: Lab, run_id: int, view: LogView) -> None:
    """Print what comes; a last line that is not whole yet is left for the next look."""
    shown, has_ended = view.first_line + len(view.lines), False
    while not has_ended:
        has_ended = lab.run(run_id).state in ENDED
        view = lab.logs(run_id, first_line=shown, num_lines=5000)
        print_lines(view)
        shown += len(view.lines)
        if not view.lines and not has_ended:
            time.sleep(1)


@app.command()
def stop(run_id: RunId) -> None:
    """Ask a run to save its state and leave."""
    with lab_here() as lab:
        typer.echo(f"Run {run_id} is {lab.stop(run_id).state}")


@app.command("test")
def score_again(
    run_id: RunId, which: Annotated[str, typer.Option(help="best, last or both.")] = "best"
) -> None:
    """Score the classifiers of a linear probe or a fine-tuning, on its own data and views."""
    with lab_here() as lab:
        say_launched(lab, lab.test(run_id, which=which))


@app.command()
def metrics(run_id: RunId) -> None:
    """Show the metrics of a run: last, smallest and largest values."""
    with lab_here() as lab:
        rows = [
            (one.key, str(one.last_step), number(one.last), number(one.min), number(one.max))
            for one in lab.series(run_id)
        ]
    typer.echo(as_table(("metric", "step", "last", "min", "max"), rows))


# -- data sets

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@data.command("index", context_settings=PASS_ON, add_help_option=False)
def index_folder(context: typer.Context) -> None:
    """Index a folder: every video is opened once. `scelab data index ROOT`"""
    become("sce.data.index", context.args)


@data.command("prepare", context_settings=PASS_ON, add_help_option=False)
def prepare_set(context: typer.Context) -> None:
    """Check, convert and index what was downloaded by hand. `scelab data prepare NAME SRC DST`"""
    become("sce.data.prepare", context.args)


@data.command("demo", context_settings=PASS_ON, add_help_option=False)
def make_demo(context: typer.Context) -> None:
    """Make the demo videos from real photographs. `scelab data demo ROOT`"""
    become("sce.data.demo", context.args)


@data.command("digits", context_settings=PASS_ON, add_help_option=False)
def make_digits(context: typer.Context) -> None:
    """Make an image folder of real handwritten digits. `scelab data digits ROOT`"""
    become("sce.data.digits", context.args)


@data.command("add")
def add_dataset(
    root: Annotated[str, typer.Argument(help="Folder under a data root.")],
    name: Annotated[str | None, typer.Option(help="Name; by default the folder's.")] = None,
    kind: Annotated[str, typer.Option(help="video or image.")] = "video",
) -> None:
    """Register a folder with the running server, which indexes it."""
    with lab_here() as lab:
        found = lab.register_dataset(name=name or Path(root).name, root=root, kind=kind)
        typer.echo(f"Data set {found.id} ({found.name}) is {found.state}: {lab.url}/datasets/{found.id}")


@data.command("ls")
def list_datasets() -> None:
    """List the registered data sets."""
    with lab_here() as lab:
        rows = [
            (
                str(one.id),
                one.name,
                one.kind,
                one.state,
                str(one.num_items),
                str(one.num_unreadable),
                one.root,
            )
            for one in lab.datasets()
        ]
    typer.echo(as_table(("id", "name", "kind", "state", "items", "unreadable", "root"), rows))


# -- tokens


@tokens.command("ls")
def list_tokens() -> None:
    """List your API tokens."""
    with lab_here() as lab:
        rows = [
            (str(one.id), one.name, one.scope, f"...{one.hint}", age(one.last_used_at))
            for one in lab.tokens()
        ]
    typer.echo(as_table(("id", "name", "scope", "token", "last used"), rows))


@tokens.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    scope: Annotated[str, typer.Option(help="read or write.")] = "write",
    days: Annotated[int, typer.Option(help="Days until it expires.")] = 90,
) -> None:
    """Make an API token and print it, this once."""
    with lab_here() as lab:
        typer.echo(lab.create_token(name, scope=scope, expires_in_days=days).token)


@tokens.command("revoke")
def revoke_token(token_id: int) -> None:
    """Make an API token useless."""
    with lab_here() as lab:
        lab.revoke_token(token_id)


if __name__ == "__main__":
    app()
