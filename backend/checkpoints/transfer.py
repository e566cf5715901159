"""Trunks from elsewhere and for elsewhere. No checkpoint is ever opened here: a program of its own does it."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from backend.checkpoints.registry import register_checkpoint
from backend.checkpoints.service import contained, get, read_checkpoint
from backend.checkpoints.tables import Checkpoint
from backend.checkpoints.transfer_views import (
    ImportableFile,
    ImportFolder,
    ImportQuestion,
    ImportRequest,
    InspectionView,
)
from backend.checkpoints.views import CheckpointView
from backend.db import after_commit, now
from backend.errors import Conflict, Invalid, NotFound, TooMany
from backend.experiments import service as experiments
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.runs.asking import invalid
from backend.runs.life import FINISHED
from backend.runs.tables import Run
from backend.settings import Settings
from backend.stream.service import tell
from backend.trees import Tree, TreeView
from sce.definition.exports import SUFFIXES, Layout
from sce.recipes import recipe_names

TAKES_AT_MOST_S = 300
AT_A_TIME = 2
WAITS_S = 30.0
MAX_LISTED = 200
IMPORTED = "checkpoints/imported.ckpt"
KNOWN_SUFFIXES = (".pth", ".pt", ".ckpt", ".pyth", ".safetensors", ".bin", ".torch", ".tar")

_places = threading.BoundedSemaphore(AT_A_TIME)


@dataclass(frozen=True)
class Exported:
    """A trunk in another's layout, and the name to save it under."""

    file: Path
    name: str


def importable(settings: Settings) -> ImportFolder:
    """Files that were put into the imports folder, the newest first."""
    folder = settings.imports_dir
    found = [file for file in folder.rglob("*") if file.suffix in KNOWN_SUFFIXES and file.is_file()]
    files = [
        ImportableFile(path=file.relative_to(folder).as_posix(), bytes=file.stat().st_size)
        for file in sorted(found, key=lambda file: -file.stat().st_mtime)[:MAX_LISTED]
    ]
    return ImportFolder(folder=str(folder), roots=[str(root) for root in settings.roots], files=files)


def inspect(asked: ImportQuestion, *, settings: Settings) -> InspectionView:
    """How a file's names match a trunk's; nothing is written. Raises ``Invalid``."""
    file = resolve_file(settings, asked.path)
    said = _ask("inspect", {"file": _file(asked, file)})
    return InspectionView.model_validate({**said, "path": asked.path})


def take_over(db: Session, asked: ImportRequest, *, settings: Settings, by: User) -> CheckpointView:
    """Write the file's trunk as a checkpoint of ours, under a run that says where it came from.

    Raises ``Invalid`` unless every name matches. The session is not used before the file was read: reading
    takes seconds, and a transaction would hold up everybody's writes.
    """
    file = resolve_file(settings, asked.path)
    if asked.recipe and asked.recipe not in recipe_names():
        raise invalid({"recipe": f"There is no recipe {asked.recipe!r}."})
    folder = settings.runs_dir / f".import-{secrets.token_hex(8)}"
    try:
        said = _ask("import", _import_of(asked, file, folder / IMPORTED))
        run = _run(db, asked, said, by)
        row = register_checkpoint(db, run_id=run.id, attempt=0, event=_event(said))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    after_commit(db, ("import", run.id), _mover(folder, settings.run_folder(run.id)))
    record_deed(db, "imported", by=by, run_id=run.id, detail={"source": asked.path})
    tell(db, "run", run.id)
    return read_checkpoint(db, row.id)


def export(db: Session, checkpoint_id: int, *, layout: Layout, branch: str, settings: Settings) -> Exported:
    """Write the trunk in another's layout, into a file that the caller removes. Raises ``Conflict``."""
    row = get(db, checkpoint_id)
    file = contained(settings, row)
    if row.removed_at is not None or not file.is_file():
        raise NotFound(f"The file of checkpoint {checkpoint_id} is gone.")
    out = settings.home / "exports" / f"{secrets.token_hex(8)}{SUFFIXES[layout]}"
    asked = {"path": str(file), "sha256": row.sha256, "branch": branch, "layout": layout, "out": str(out)}
    try:
        _ask("export", asked)
    except Invalid as error:
        out.unlink(missing_ok=True)
        raise Conflict(error.detail) from error
    return Exported(out, f"{export_stem(row)}-{layout}{SUFFIXES[layout]}")


def export_stem(row: Checkpoint) -> str:
    """What a trunk's files are called outside."""
    return f"run{row.run_id}-{Path(row.path).stem.replace('=', '')}"


def resolve_file(settings: Settings, path: str) -> Path:
    """The real file behind ``path``, links followed; it lies in the imports folder or under a data root.

    Raises ``Invalid``.
    """
    bases = (settings.imports_dir, *settings.roots)
    given = Path(path)
    tried = [given.resolve()] if given.is_absolute() else [(base / given).resolve() for base in bases]
    inside = [file for file in tried if any(file.is_relative_to(base) for base in bases)]
    if not inside:
        raise invalid(
            {"path": f"It lies outside the imports folder ({bases[0]}) and the data roots: copy it there."}
        )
    for file in inside:
        if _is_file(file):
            return file
    raise invalid({"path": f"There is no file {path} in the imports folder ({bases[0]}) or a data root."})


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than the file system allows
        return False


def _ask(verb: str, asked: TreeView) -> Tree:
    """Have the program do it. Raises ``Invalid`` with its sentence, or ``TooMany``."""
    if not _places.acquire(timeout=WAITS_S):
        raise TooMany("Several checkpoints are being read already: try again in a minute.")
    try:
        done = run_program(verb, json.dumps(asked))
    except subprocess.TimeoutExpired as error:
        raise Invalid(f"Reading the file took more than {TAKES_AT_MOST_S} s: is its disk away?") from error
    finally:
        _places.release()
    said: Tree = json.loads(done.stdout) if done.returncode == 0 else {"error": _last_words(done)}
    if "error" in said:
        raise invalid({"path": said["error"]})
    return said


def run_program(verb: str, asked: str) -> subprocess.CompletedProcess[str]:
    """Raises ``subprocess.TimeoutExpired``."""
    # It reads and renames: threads would only wait for the trainings' ones.
    return subprocess.run(
        [sys.executable, "-m", "sce.transfer", verb],
        input=asked,
        capture_output=True,
        text=True,
        timeout=TAKES_AT_MOST_S,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    return f"The file cannot be read: {lines[-1] if lines else f'status {done.returncode}'}"


def _file(asked: ImportQuestion, file: Path) -> Tree:
    named = asked.model_dump(mode="json", include={"trunk", "naming", "prefix", "branch"})
    return {**named, "path": str(file), "sha256": getattr(asked, "sha256", None)}


def _import_of(asked: ImportRequest, file: Path, out: Path) -> Tree:
    said = asked.model_dump(mode="json", include={"origin", "recipe", "num_frames", "clip_s"})
    return {**said, "file": _file(asked, file), "out": str(out), "name": asked.path}


def _run(db: Session, asked: ImportRequest, said: TreeView, by: User) -> Run:
    """The run that the imported checkpoint belongs to: it is over before it began."""
    experiment = experiments.named(db, asked.experiment)
    moment, fit = now(), said["match"]
    run = Run(
        experiment_id=experiment.id,
        name=asked.name or Path(asked.path).stem[:100],
        kind="import",
        state=FINISHED,
        definition=said["definition"],
        seed=0,
        owner_id=by.id,
        progress=1.0,
        protocol={"matched": len(fit["pairs"]), "naming": fit["naming"], "prefix": fit["prefix"]},
        notes=asked.origin,
        started_at=moment,
        ended_at=moment,
    )
    db.add(run)
    db.flush()
    return run


def _event(said: TreeView) -> Tree:
    # Step 0 are untrained weights, everywhere; how long most imports were trained is not known.
    facts = {"step": said["step"] or 1, "epoch": said["epoch"], "kind": "imported", "path": IMPORTED}
    return {**facts, "bytes": said["bytes"], "sha256": said["sha256"]}


def _mover(folder: Path, to: Path) -> Callable[[], None]:
    def move() -> None:
        folder.replace(to)

    return move
