"""Stays beside an attempt's main process and notes how it ended: ``attend.py EXIT_FILE COMMAND...``.

The worker may be gone when a trainer dies, and then nobody else would know the exit status. Standard
library only, started by path, so that it costs a few MB and no import of ours.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

CGROUPS = Path("/sys/fs/cgroup")


def main(exit_file: Path, command: list[str]) -> int:
    oom_kills = count_oom_kills()
    child = subprocess.Popen(command)

    def pass_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, pass_on)
    status = child.wait()
    note(exit_file, status, count_oom_kills() - oom_kills)
    return abs(status)


def note(exit_file: Path, status: int, oom_kills: int) -> None:
    code, number = (None, -status) if status < 0 else (status, None)
    temporary = exit_file.with_name(f".{exit_file.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps({"code": code, "signal": number, "oom_kills": oom_kills}))
    temporary.replace(exit_file)


def count_oom_kills() -> int:
    """Processes of our control group that the kernel ended for want of memory; 0 where it does not say."""
    try:
        group = Path("/proc/self/cgroup").read_text().strip().splitlines()[-1].partition("::")[2]
        events = (CGROUPS / group.lstrip("/") / "memory.events").read_text()
    except (OSError, IndexError):
        return 0
    counts = dict(line.split() for line in events.splitlines())
    return int(counts.get("oom_kill", 0))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
