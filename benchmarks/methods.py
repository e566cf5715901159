"""Every method on the demo videos and on the digits, several seeds each, against the untrained trunk.

    python benchmarks/methods.py [--seeds 42 43 44] [--sets demo digits] [--home methods-home]

A platform of its own does it all as for any user: launches through the REST API, evaluations by the recipes' plan,
and the Results page's own table, one for each data set. Started again in the same home it goes on where it stopped.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from backend.client import ENDED, Lab
from backend.runs.views import RunView
from backend.settings import Settings
from sce.data.demo import make_demo
from sce.data.digits import make_digits
from worker.demo import num_evaluations
from worker.stack import running_stack
from worker.up import say

METHODS = ("sce", "moco", "simclr", "ressl")
LOOK_EVERY_S = 5.0


@dataclass(frozen=True)
class Set:
    """A data set that a laptop learns from, and how it is made."""

    name: str
    kind: str
    make: Callable[[Path], None]

    @property
    def experiment(self) -> str:
        return f"Methods on {self.name}"

    @property
    def recipes(self) -> list[str]:
        return [f"{self.name}-{method}" for method in METHODS]


SETS = {one.name: one for one in (Set("demo", "video", make_demo), Set("digits", "image", make_digits))}


def main() -> int:
    asked = _parse()
    chosen = [SETS[name] for name in asked.sets]
    for one in chosen:
        one.make(asked.home / "data" / one.name)
    settings = Settings(home=asked.home, port=0, cpu_slots=2)
    with running_stack(settings, say=say) as stack, Lab(url=stack.url, token=stack.token) as lab:
        say(f"Watch it at {stack.login_link()}")
        for one in chosen:
            _register(lab, one)
            _launch(lab, one, asked.seeds)
        trainings = [run for one in chosen for run in _trainings(lab, one)]
        broken = _wait(lab, trainings)
        for one in chosen:
            say(_table(lab, one))
    for run in broken:
        say(f"{run.name} ended as {run.state}: {run.failure.sentence if run.failure else 'nobody knows why'}")
    return 1 if broken else 0


def _parse() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    options.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    options.add_argument("--home", type=Path, default=Path("methods-home"))
    return options.parse_args()


def _register(lab: Lab, one: Set) -> None:
    known = [dataset.id for dataset in lab.datasets() if dataset.name == one.name]
    lab.wait_for_dataset(
        known[0] if known else lab.register_dataset(name=one.name, root=one.name, kind=one.kind).id
    )


def _trainings(lab: Lab, one: Set) -> list[RunView]:
    found = lab.runs(kind=["pretrain"], tag=one.name, size=500).items
    return [run for run in found if run.experiment.name == one.experiment]


def _launch(lab: Lab, one: Set, seeds: Iterable[int]) -> None:
    """One launch a method, with the seeds that are not there yet."""
    there = {(run.recipe, run.seed) for run in _trainings(lab, one)}
    for recipe in one.recipes:
        missing = [seed for seed in seeds if (recipe, seed) not in there]
        if missing:
            lab.launch(recipe, seeds=missing, experiment=one.experiment, tags=[one.name])


def _wait(lab: Lab, trainings: list[RunView]) -> list[RunView]:
    """The trainings and evaluations that did not end well, once all have ended."""
    waiting, broken, began = {run.id: run for run in trainings}, list[RunView](), time.monotonic()
    while waiting:
        for run_id, asked in list(waiting.items()):
            run, scores = lab.run(run_id), lab.evaluations(run_id).runs
            ended = [one for one in (run, *scores) if one.state in ENDED]
            planned = num_evaluations(asked.recipe or "") if run.state == "finished" else len(scores)
            if run.state in ENDED and len(ended) - 1 >= planned:
                del waiting[run_id]
                broken += [one for one in ended if one.state != "finished"]
                say(f"{time.monotonic() - began:5.0f} s: {run.name} {run.state}, {len(waiting)} to go")
        if waiting:
            time.sleep(LOOK_EVERY_S)
    return broken


def _table(lab: Lab, one: Set) -> str:
    """The Results page's table of one data set, as Markdown."""
    (experiment_id,) = {run.experiment.id for run in _trainings(lab, one)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "table.md")
        lab.export_own_results(file, format="markdown", experiment_id=experiment_id)
        return f"\n{one.experiment}\n\n{file.read_text()}"


if __name__ == "__main__":
    sys.exit(main())
