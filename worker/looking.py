"""Views for the augmentation inspector: made one after the other by a program of its own, under a quota."""

import json
import logging
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backend.inspections.service import ANSWER, ASKED, FAILED, waiting
from backend.settings import Settings
from worker.place import Workplace

log = logging.getLogger(__name__)

PATIENCE_S = 120.0
"""The program imports torch first, which takes seconds on a busy machine."""
SHARE = 0.1
"""Part of the previews' quota that views may take."""


@dataclass
class ViewMaker:
    """Answers every question in the views folder."""

    place: Workplace
    closing: bool = False
    _process: "subprocess.Popen[str] | None" = None

    def work(self) -> None:
        """Raises ``OSError`` when nothing can be written: it is made later."""
        settings = self.place.settings
        for folder in waiting(settings):
            if self.closing:
                return
            self._make(folder)
        hold_quota(settings)

    def close(self) -> None:
        self.closing = True
        if self._process is not None:
            self._process.kill()

    def _make(self, folder: Path) -> None:
        question = json.loads((folder / ASKED).read_text())
        definition = folder / "definition.json"
        definition.write_text(json.dumps(question["definition"]))
        command = [sys.executable, "-m", "sce.inspect", str(definition), question["item"]]
        command += ["--seed", str(question["seed"]), "--epoch", str(question["epoch"]), "--out", str(folder)]
        failure = self._failure_of(command)
        if failure and not self.closing:
            (folder / FAILED).write_text(failure)

    def _failure_of(self, command: list[str]) -> str:
        """Empty when the views were made, else why not."""
        nice = ["nice", "-n", "5"] if shutil.which("nice") else []  # training goes first
        with subprocess.Popen([*nice, *command], stderr=subprocess.PIPE, text=True) as process:
            self._process = process
            try:
                _, said = process.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return f"It took longer than {PATIENCE_S:.0f} s: the machine is busy, or the file is broken."
            finally:
                self._process = None
        if process.returncode == 0:
            return ""
        log.info("no views: %s", said)
        lines = [line for line in said.splitlines() if line.strip()]
        return lines[-1] if lines else f"The program broke down (exit status {process.returncode})."


def hold_quota(settings: Settings) -> int:
    """Remove the oldest answers until the others fit; say how many went."""
    folders = sorted((file.parent for file in settings.views_dir.glob(f"*/{ASKED}")), key=_made_at)
    sizes = {folder: sum(file.stat().st_size for file in folder.iterdir()) for folder in folders}
    used, removed = sum(sizes.values()), 0
    for folder in folders:
        if used <= SHARE * settings.preview_quota_gb * 1e9:
            break
        if (folder / ANSWER).exists() or (folder / FAILED).exists():
            shutil.rmtree(folder, ignore_errors=True)
            used, removed = used - sizes[folder], removed + 1
    return removed


def _made_at(folder: Path) -> float:
    return folder.stat().st_mtime
