"""``python -m worker.prepare_one NUMBER``: the process that prepares one data set.

It imports nothing at its top: the decoding processes that it starts import this module anew.
"""

import os
import sys


def main() -> None:
    from worker.preparing import run

    os.nice(5)  # training goes first
    run(int(sys.argv[1]))


if __name__ == "__main__":
    main()
