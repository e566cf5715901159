"""``python -m worker.index_one DATASET_ID``: the process that indexes one data set.

It imports nothing at its top: the decoding processes that it starts import this module anew.
"""

import os
import sys


def main() -> None:
    from worker.indexing import run

    os.nice(5)  # training goes first
    run(int(sys.argv[1]))


if __name__ == "__main__":
    main()
