"""A small trainer for tests: a real process that writes a real journal, and misbehaves as its seed says.

trainer.py RUN_DIR --attempt N
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sce.rundir import EndStatus, RunDir

FINISHES, WAITS, IGNORES_THE_STOP, RUNS_OUT_OF_MEMORY, KILLS_ITSELF, IS_SLOW, LEAVES_A_CHILD, HAS_A_HELPER = (
    range(1, 9)
)
SLOW_STEPS = 60


class Trainer:
    def __init__(self, run: RunDir, attempt: int) -> None:
        self.run, self.attempt = run, attempt

    def start(self, steps: int) -> None:
        self.run.append(
            {
                "event": "start",
                "step": 0,
                "steps": steps,
                "epochs": 1,
                "resumed_from": None,
                "host": "here",
                "pid": os.getpid(),
                "world_size": 1,
                "device": "cpu",
                "versions": {"trainer": "of the tests"},
            },
            attempt=self.attempt,
        )

    def step(self, step: int) -> None:
        values = {"train/loss": 1.0 / step}
        self.run.append(
            {"event": "metrics", "step": step, "epoch": 0.0, "values": values}, attempt=self.attempt
        )

    def end(self, status: EndStatus) -> None:
        self.run.append(
            {"event": "end", "status": status, "kind": None, "sentence": None}, attempt=self.attempt
        )

    def train(self, steps: int, *, pause_s: float = 0.0) -> None:
        self.start(steps)
        for step in range(1, steps + 1):
            self.step(step)
            time.sleep(pause_s)
            if asked := self.run.stop_requested():
                return self.end("preempted" if asked == "preempt" else "stopped")
        return self.end("finished")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--attempt", type=int, required=True)
    asked = parser.parse_args()
    run = RunDir(asked.folder)
    seed, trainer = run.definition().seed, Trainer(run, asked.attempt)
    print("hello from the trainer", flush=True)
    if seed == WAITS:
        trainer.train(100_000, pause_s=0.05)
    elif seed == IGNORES_THE_STOP:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        trainer.start(1)
        time.sleep(600)
    elif seed == RUNS_OUT_OF_MEMORY:
        sys.exit("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")
    elif seed == KILLS_ITSELF:
        trainer.start(1)
        os.kill(os.getpid(), signal.SIGKILL)
    elif seed == IS_SLOW:
        trainer.train(SLOW_STEPS, pause_s=0.1)
    elif seed == LEAVES_A_CHILD:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        trainer.train(3)
    elif seed == HAS_A_HELPER:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        trainer.train(100_000, pause_s=0.05)
    else:
        trainer.train(3)


if __name__ == "__main__":
    main()
