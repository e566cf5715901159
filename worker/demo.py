"""``python -m worker.demo``: demo videos, the platform, one SCE pretraining with its evaluations, and a verdict.

Everything goes through the REST API, as from a browser or a script of your own. With ``--once`` it ends by
itself: 0 when the trained trunk is clearly better than the untrained one, 1 when not or when anything failed.
"""

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from backend.client import ENDED, Lab, Refused, TookTooLong, Unreachable
from backend.errors import SceLabError
from backend.evaluations.views import EvaluationsView, ScoredCheckpoint
from backend.runs.views import RunDetail, RunView
from backend.settings import Settings
from sce.data.demo import OtherDemo, make_demo
from sce.definition import Pretrain
from sce.definition.derived import derive
from sce.recipes import define, load_recipe
from worker.ground import CannotStart, require_free_port
from worker.stack import Stack, running_stack
from worker.up import flag_on_signals, say, sentences_of

RECIPE = "demo-sce"
# What is compared: the table's words, the kind of evaluation, its score, and whether the verdict rests on it.
SCORES = (
    ("k-NN top-1", "knn", "top1", True),
    ("Linear probe top-1", "linear", "top1", False),
    ("Retrieval R@1", "retrieval", "R@1", True),
    ("Retrieval R@5", "retrieval", "R@5", False),
)
CLEARLY_TIMES, CLEARLY_MORE = 1.3, 0.15


class DemoFailed(RuntimeError):
    """Something of the demo did not end well; the sentence says what."""


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


@dataclass(frozen=True)
class Comparison:
    """One score of the untrained and of the trained trunk, both in [0, 1]."""

    words: str
    untrained: float
    trained: float
    decides: bool

    @property
    def is_clear(self) -> bool:
        """1.3 times the untrained trunk's score, or 15 points above it."""
        return (
            self.trained >= CLEARLY_TIMES * self.untrained > 0
            or self.trained - self.untrained >= CLEARLY_MORE
        )


class Line:
    """One line of progress: rewritten in a terminal, written every ten seconds to a file."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._said_at = 0.0

    def show(self, text: str, *, is_last: bool = False) -> None:
        now = time.monotonic()
        if self._is_terminal:
            print(f"\r\x1b[2K{text}", end="\n" if is_last else "", flush=True)
        elif is_last or now - self._said_at >= 10:
            self._said_at = now
            say(text)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    interrupted = flag_on_signals()
    began = time.monotonic()
    try:
        settings = settings_of(asked)
        require_free_port(settings.host, settings.port)  # before the videos are made, which takes a while
        data_s = _make_data(settings.home / "data" / "demo")
        with running_stack(settings, say=say) as stack, Lab(url=stack.url, token=stack.token) as lab:
            say(f"SCE Lab answers at {stack.url}. Watch it here, the link works once:")
            say(f"    {stack.login_link()}")
            is_better = _run(lab, seed=asked.seed, data_s=data_s, began=began, interrupted=interrupted)
            if not asked.once:
                _stay(stack, interrupted)
    except Interrupted:
        say("\nEnding. What is training goes on; `make up` watches it again.")
        return 0 if not asked.once else 1
    except ValidationError as error:
        return _complain(sentences_of(error))
    except (OtherDemo, ModuleNotFoundError, CannotStart, SceLabError) as error:
        return _complain(error)
    except (DemoFailed, Refused, TookTooLong, Unreachable) as error:
        return _complain(error)
    except OSError as error:
        return _complain(f"{error}. Make room there, or choose another folder with SCELAB_HOME.")
    return 0 if is_better else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m worker.demo", description="The demo, from videos to verdict.")
    parser.add_argument("--once", action="store_true", help="end when it is done, with the verdict as status")
    parser.add_argument("--seed", type=int, default=42, help="seed of the pretraining and its evaluations")
    parser.add_argument("--port", type=int, help="port of the page, 0 for a free one")
    return parser.parse_args(arguments)


def settings_of(asked: argparse.Namespace) -> Settings:
    """The environment's settings; without SCELAB_HOME the demo keeps to ``demo-home`` where it was started."""
    settings = Settings()
    given: dict[str, object] = {}
    if "home" not in settings.model_fields_set:
        given["home"] = Path("demo-home").resolve()
    if "cpu_slots" not in settings.model_fields_set:
        # Scores of a checkpoint come while the training goes on.
        given["cpu_slots"] = 2
    if asked.port is not None or asked.once:
        given["port"] = asked.port or 0
    return settings.model_copy(update=given)


def _make_data(folder: Path) -> float:
    """Make what is missing of the demo videos; say how many seconds it took."""
    began, line = time.monotonic(), Line()

    def show(done: int, total: int) -> None:
        line.show(f"Demo videos: {done} of {total}", is_last=done == total)

    make_demo(folder, on_progress=show)
    return time.monotonic() - began


def _run(lab: Lab, *, seed: int, data_s: float, began: float, interrupted: threading.Event) -> bool:
    _register(lab)
    launched = lab.launch(
        RECIPE, {"seed": seed}, experiment="Demo", name=f"SCE on demo videos, seed {seed}", tags=["demo"]
    )
    run = _follow(lab, launched.id, interrupted)
    compared = compare(lab.evaluations(run.id))
    say("")
    say("\n".join(table(compared)))
    say("")
    say(f"Demo videos {data_s:.0f} s, pretraining {run.duration_s or 0:.0f} s, all {_since(began)}.")
    is_better = bool(compared) and all(one.is_clear for one in compared if one.decides)
    say(
        "The trained trunk is clearly better than the untrained one."
        if is_better
        else "The trained trunk is NOT clearly better than the untrained one: 1.3 times or 15 points are asked for."
    )
    return is_better


def _register(lab: Lab) -> None:
    known = [dataset for dataset in lab.datasets() if dataset.name == "demo"]
    dataset = known[0] if known else lab.register_dataset(name="demo", root="demo")
    detail = lab.wait_for_dataset(dataset.id)
    if detail.state != "ready":
        raise DemoFailed(f"The demo videos could not be indexed: {detail.failure}")
    say(f"Data set demo: {detail.num_items} videos in {detail.num_classes} classes.")


def num_evaluations(recipe: str) -> int:
    """How many evaluations the plan of a pretraining recipe launches in all."""
    definition = define(load_recipe(recipe).definition, {})
    assert isinstance(definition, Pretrain)
    kept = derive(definition, train_items=None).num_checkpoints or 0
    launches = {"every": kept, "first_and_last": min(kept, 2), "last": 1}
    return sum(launches[planned.when] for planned in definition.evaluations)


def _follow(lab: Lab, run_id: int, interrupted: threading.Event) -> RunDetail:
    """Show how it goes until the pretraining and its evaluations have ended. Raises ``DemoFailed``."""
    line, planned = Line(), num_evaluations(RECIPE)
    while True:
        run = lab.run(run_id)
        evaluations = lab.evaluations(run_id).runs
        for one in (run, *evaluations):
            _refuse_failed(one)
        done = sum(one.state in ENDED for one in evaluations)
        is_done = run.state in ENDED and done >= planned
        line.show(_progress(run, evaluations, done, planned), is_last=is_done)
        if is_done:
            return run
        if interrupted.wait(1.0):
            raise Interrupted


def _refuse_failed(run: RunView) -> None:
    if run.state == "failed":
        reason = run.failure.sentence if run.failure else "nobody knows why"
        raise DemoFailed(f"Run {run.id} ({run.name}) failed: {reason}")
    if run.state == "stopped":
        raise DemoFailed(f"Run {run.id} ({run.name}) was stopped")


def _progress(run: RunDetail, evaluations: list[RunView], done: int, planned: int) -> str:
    loss = run.summary.get("train/loss")
    parts = [
        f"{run.state}",
        f"epoch {run.epoch:.1f} of {run.epochs or '?'}",
        f"loss {loss:.3f}" if loss is not None else "",
        f"{run.eta_s:.0f} s left" if run.eta_s and run.state == "running" else "",
        f"evaluations {done} of {planned}",
        next((f"now {one.name}" for one in evaluations if one.state == "running"), ""),
    ]
    return "Pretraining " + ", ".join(part for part in parts if part)


def compare(evaluations: EvaluationsView) -> list[Comparison]:
    """Each score of the first checkpoint, which is untrained, beside that of the last one."""
    points = {curve.kind: sorted(curve.points, key=_epoch) for curve in evaluations.curves if curve.points}
    return [
        Comparison(words, points[kind][0].values[name], points[kind][-1].values[name], decides)
        for words, kind, name, decides in SCORES
        if kind in points and points[kind][0].epoch == 0
    ]


def _epoch(point: ScoredCheckpoint) -> float:
    return point.epoch


def table(compared: Sequence[Comparison]) -> list[str]:
    """The verdict's table, in percent."""
    lines = [f"{'on videos never trained on':<28}{'untrained':>10}{'trained':>10}"]
    for one in compared:
        lines.append(f"{one.words:<28}{one.untrained:>10.1%}{one.trained:>10.1%}")
    return lines


def _stay(stack: Stack, interrupted: threading.Event) -> None:
    say("It stays up; this link opens another browser, once. Ctrl-C ends it.")
    say(f"    {stack.login_link()}")
    interrupted.wait()


def _complain(error: Exception | str) -> int:
    print(f"\n{error}", file=sys.stderr)
    return 1


def _since(began: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    return f"{minutes} min {seconds} s"


if __name__ == "__main__":
    sys.exit(main())
