"""The transfer program's body in this process: torch takes many seconds to load into one of its own."""

import json
import subprocess

from sce.checkpoints import UnusableCheckpoint
from sce.transfer import answer


def run_here(verb: str, asked: str) -> subprocess.CompletedProcess[str]:
    try:
        said = answer(verb, asked)
    except UnusableCheckpoint as error:
        said = {"error": str(error)}
    return subprocess.CompletedProcess([], 0, json.dumps(said), "")
