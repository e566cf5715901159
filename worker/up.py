"""``python -m worker.up``: the whole platform on this machine, by one command; ends with Ctrl-C."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from backend.errors import SceLabError
from backend.settings import Settings
from sce.definition.problems import problems_of
from worker.ground import CannotStart
from worker.stack import Stack, running_stack


def main(arguments: Sequence[str] | None = None) -> int:
    """0 after it was asked to end, 1 with a sentence when it cannot start."""
    try:
        settings = settings_from(arguments)
        asked_to_end = flag_on_signals()
        with running_stack(settings, say=say) as stack:
            greet(stack)
            asked_to_end.wait()
            say_goodbye(stack)
    except ValidationError as error:
        print(sentences_of(error), file=sys.stderr)
        return 1
    except (CannotStart, SceLabError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def settings_from(arguments: Sequence[str] | None) -> Settings:
    """The environment's settings, with what the command line says instead."""
    parser = argparse.ArgumentParser("scelab up", description="API, worker and broker on this machine.")
    parser.add_argument("--home", help="folder of everything that is written (SCELAB_HOME)")
    parser.add_argument("--port", type=int, help="port of the page, 0 for a free one (SCELAB_PORT)")
    parser.add_argument("--host", help="address that the page is served on (SCELAB_HOST)")
    parser.add_argument("--data-root", action="append", dest="data_roots", help="folder that holds data sets")
    given: dict[str, Any] = {
        name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None
    }
    return Settings(**given)


def sentences_of(error: ValidationError) -> str:
    """A line for each setting that cannot be, with the variable that it is read from."""
    problems = problems_of(error, {})
    return "\n".join(
        f"SCELAB_{problem.field.upper()}: {problem.message}" if problem.field else problem.message
        for problem in problems
    )


def flag_on_signals() -> threading.Event:
    """Set by Ctrl-C or TERM. The handlers only raise the flag."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    return asked


def greet(stack: Stack) -> None:
    say(f"SCE Lab answers at {stack.url}. Open it once with this link:")
    say(f"    {stack.login_link()}")
    say("Another one: scelab login-link. Ctrl-C ends it; what is training goes on.")


def say_goodbye(stack: Stack) -> None:
    running = stack.num_running()
    say("")
    if running:
        runs = "1 run goes" if running == 1 else f"{running} runs go"
        say(f"Ending. {runs} on training; `scelab up` will watch again.")
    else:
        say("Ending. Nothing is training.")


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
