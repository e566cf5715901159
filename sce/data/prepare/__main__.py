"""``python -m sce.data.prepare NAME SRC DST``: the command line of a preparation."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sce.sets import UnknownSet, all_sets, find_set, instructions

MOST_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.name is None:
        print("\n".join(f"{one.name:14} {one.title}" for one in all_sets()))
        return 0
    try:
        one = find_set(asked.name)
    except UnknownSet as error:
        parser.error(str(error))
    if asked.source is None:
        print(instructions(one))
        return 0
    if asked.frames and asked.short_side is None:
        asked.short_side = one.short_side
    return _prepare(asked)


def _prepare(asked: argparse.Namespace) -> int:
    # The decoders are loaded only now: asking what to download should not take seconds.
    from sce.data.prepare.wish import REPORT, CannotPrepare, Convert, How, Wish
    from sce.data.prepare.work import prepare

    how: How = "frames" if asked.frames else "encode" if asked.short_side or asked.fps else "link"
    convert = Convert(how, asked.short_side, asked.fps)
    wish = Wish(asked.name, asked.source, asked.target or asked.source, convert, asked.processes)
    try:
        report = prepare(wish, _Teller())
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is lost: the same command goes on from here.", file=sys.stderr)
        return 130
    except (CannotPrepare, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for warning in report.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    for bad in report.bad[:MOST_SHOWN]:
        print(f"{bad.split}: {bad.path}: {bad.reason}", file=sys.stderr)
    if report.bad:
        print(f"{len(report.bad):,} files cannot be used; all are in {wish.target / REPORT}", file=sys.stderr)
    splits = ", ".join(f"{split} {count:,}" for split, count in report.splits.items())
    print(f"{wish.target}: {report.num_classes} classes; {splits}")
    return 0


class _Teller:
    """Progress on a terminal's one line, or now and then a line of a log."""

    def __init__(self) -> None:
        from sce.data.prepare.progress import Pace

        self._is_terminal = sys.stderr.isatty()
        self._pace = Pace(0.2 if self._is_terminal else 10.0)

    def __call__(self, stage: str, done: int, total: int, bad: int) -> None:
        from sce.data.prepare.progress import line_of

        if self._pace.says(stage, done, total):
            line = line_of(stage, done, total, bad, self._pace.eta_s(done, total))
            end = "\n" if not self._is_terminal or done == total else ""
            print(f"\r\x1b[K{line}" if self._is_terminal else line, end=end, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scelab data prepare",
        description="Check a data set that was downloaded by hand, convert it if wished, list and index it. "
        "Without arguments: the sets that are known. With a name alone: what to download, and where it goes. "
        "Nothing is ever downloaded, and nothing in SRC is changed.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("source", nargs="?", type=Path, metavar="SRC", help="folder of what was downloaded")
    parser.add_argument(
        "target", nargs="?", type=Path, metavar="DST", help="new folder; without it SRC is indexed"
    )
    parser.add_argument("--short-side", type=_positive, help="encode anew with this short side, in pixels")
    parser.add_argument(
        "--fps", type=_positive_rate, help="encode anew, or cut frames, at this constant rate"
    )
    parser.add_argument("--frames", action="store_true", help="cut into pictures instead of encoding")
    parser.add_argument("--processes", type=_positive, default=2, help="files at a time")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _positive_rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate between 0 and 1,000 frames per second")
    return rate


if __name__ == "__main__":
    sys.exit(main())
