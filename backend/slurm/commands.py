"""SLURM's commands, run as lists without a shell; over ssh where the site wants it. Text, never JSON.

Three ends: its answer, ``Refused`` with SLURM's own words, or ``SlurmAway`` when nobody answers, which says
nothing of any job.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

AWAY = re.compile(
    r"Unable to contact slurm controller|Connection (refused|timed out|reset)|Socket timed out"
    r"|Zero Bytes were transmitted|Unable to connect|controller in standby|Communication connection failure"
    r"|Could not (establish|resolve)|Unable to resolve|Protocol authentication error|Invalid authentication"
    r"|munge|Permission denied \(|No route to host|Network is unreachable|Host key verification",
    re.IGNORECASE,
)
PREFIX = re.compile(
    r"^((sbatch|squeue|scontrol|scancel|sinfo|sacct): )?((error|fatal|allocation failure): )?(slurm_\w+ error: )?"
)


class SlurmAway(Exception):
    """Nobody answers: the controller is down, or the way to it."""


class Refused(Exception):
    """SLURM answered and would not do it; its own words."""


@dataclass(frozen=True)
class Slurm:
    """The commands of one site."""

    login: str = ""
    """Host that they are run on through ssh; empty runs them here."""
    env: Mapping[str, str] | None = field(default=None, repr=False)
    """Environment of the commands, and of the jobs that they submit; None is this process's own."""

    @property
    def is_here(self) -> bool:
        """Whether the commands can be run at all from this host."""
        return shutil.which("ssh" if self.login else "sbatch") is not None

    def ask(self, *command: str, text: str | None = None, within_s: float = 15.0) -> str:
        """Raises ``SlurmAway`` or ``Refused``."""
        try:
            done = subprocess.run(
                self._whole(command),
                input=text,
                capture_output=True,
                text=True,
                errors="replace",
                env=dict(self.env) if self.env is not None else None,
                timeout=within_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SlurmAway(f"{command[0]} gave no answer within {within_s:.0f} s") from error
        except OSError as error:
            raise SlurmAway(f"{command[0]} cannot be run on this host") from error
        if done.returncode == 0:
            return done.stdout
        words = own_words(done.stderr or done.stdout)
        is_ssh = bool(self.login) and done.returncode == 255
        raise SlurmAway(words) if is_ssh or AWAY.search(words) else Refused(words)

    def _whole(self, command: tuple[str, ...]) -> list[str]:
        if not self.login:
            return list(command)
        # ssh hands one line to the shell over there.
        return [
            "ssh",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=10",
            self.login,
            "--",
            shlex.join(command),
        ]


def own_words(text: str) -> str:
    """What a command said, without its name before each line."""
    lines = [PREFIX.sub("", line.strip()) for line in text.splitlines() if line.strip()]
    return " ".join(dict.fromkeys(lines))[:500] or "it gave no reason"
