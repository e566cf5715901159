"""From a request to a queued run: looked at without writing, or launched."""

import secrets
import shutil
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.datasets import lookups as datasets
from backend.datasets import service as dataset_service
from backend.datasets.tables import Dataset
from backend.experiments import service as experiments
from backend.experiments.tables import Experiment
from backend.nudge import nudge
from backend.people.tables import User
from backend.runs import naming
from backend.runs.asking import Asked, invalid, understand
from backend.runs.checks import Findings, check
from backend.runs.differences import differences_to_recipe
from backend.runs.estimates import estimate
from backend.runs.life import DRAFT, QUEUED, move
from backend.runs.reading import run_views
from backend.runs.tables import Run
from backend.runs.views import LaunchedView, LaunchRequest, PreviewView
from backend.settings import Settings
from backend.slurm import reading as slurm
from backend.slurm.profile import Profile, most_in_array
from backend.slurm.tables import SlurmProfile
from sce.definition import Data, Evaluation, Pretrain, TrainedProtocol, kind_of
from sce.definition.derived import Derived, derive
from sce.recipes import expanded

MAX_TAG = 64


def preview(db: Session, asked: LaunchRequest, *, settings: Settings) -> PreviewView:
    """What a launch would do. Nothing is written. Raises ``Invalid``, naming the fields."""
    wanted, found, profile = _examined(db, asked, settings)
    derived = derive(wanted.definition, train_items=found.train_items)
    expected = estimate(db, wanted.definition, derived)
    disk_bytes = _disk_bytes(derived)
    whole = wanted.definition.model_dump(mode="json")
    return PreviewView(
        definition=whole,
        kind=kind_of(wanted.definition),
        yaml=as_yaml(whole),
        derived=derived,
        train_items=found.train_items,
        estimated_s=expected.seconds,
        estimate_basis=expected.basis,
        disk_bytes=disk_bytes,
        changes=differences_to_recipe(expanded(wanted.recipe.definition), whole) if wanted.recipe else [],
        warnings=[*found.warnings, *_disk_warnings(disk_bytes, settings)],
        sbatch=_sbatch(db, profile, wanted, runs=max(len(asked.seeds), 1)) if profile else None,
    )


def launch(db: Session, asked: LaunchRequest, *, settings: Settings, by: User | None) -> LaunchedView:
    """Write a run for each seed and queue it, or keep it as a draft. Raises ``Invalid``."""
    wanted, found, profile = _examined(db, asked, settings)
    experiment = experiments.named(db, asked.experiment)
    dataset = found.dataset or _registered(db, wanted.definition.data, settings, by)
    _register_planned(db, wanted, settings, by)
    runs = _write(db, asked, wanted, experiment, dataset, by)
    derived = derive(wanted.definition, train_items=found.train_items)
    expected = estimate(db, wanted.definition, derived)
    for run in runs:
        run.profile_id = profile.id if profile else None
        run.expected_s = expected.seconds
        if not asked.is_draft:
            move(db, run, QUEUED, by=by, verb="launched")
            nudge(db, "worker.start_runs")
    warnings = [*found.warnings, *_disk_warnings(_disk_bytes(derived), settings)]
    return LaunchedView(id=runs[0].id, runs=run_views(db, runs), derived=derived, warnings=warnings)


def as_yaml(definition: dict[str, Any]) -> str:
    """The definition as people write it; reading it gives the same definition."""
    text: str = yaml.safe_dump(definition, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return text


def _examined(
    db: Session, asked: LaunchRequest, settings: Settings
) -> tuple[Asked, Findings, SlurmProfile | None]:
    _check_request(db, asked)
    profile = slurm.named(db, asked.slurm)
    wanted = understand(db, asked, settings=settings)
    found = check(db, wanted, profile=profile)
    if found.faults:
        raise invalid(found.faults)
    return wanted, found, profile


def _sbatch(db: Session, row: SlurmProfile, wanted: Asked, *, runs: int) -> str:
    compute, profile = wanted.definition.compute, Profile.model_validate(row.profile)
    site = slurm.sites_by_login(db).get(profile.login)
    return slurm.example_text(
        profile,
        devices=compute.devices,
        nodes=compute.nodes,
        accelerator=compute.accelerator,
        runs=min(runs, most_in_array(profile, site.max_array if site else None)),
    )


def _check_request(db: Session, asked: LaunchRequest) -> None:
    faults = {}
    if len(set(asked.seeds)) != len(asked.seeds):
        faults["seeds"] = "Each seed may be given once."
    if any(not tag.strip() or len(tag) > MAX_TAG for tag in asked.tags):
        faults["tags"] = f"A tag has 1 to {MAX_TAG} characters."
    if asked.cloned_from_id is not None and db.get(Run, asked.cloned_from_id) is None:
        faults["cloned_from_id"] = f"There is no run {asked.cloned_from_id}."
    if faults:
        raise invalid(faults)


def _write(
    db: Session,
    asked: LaunchRequest,
    wanted: Asked,
    experiment: Experiment,
    dataset: Dataset,
    by: User | None,
) -> list[Run]:
    seeds = asked.seeds or [wanted.definition.seed]
    names = naming.choose_names(
        naming.taken_names(db, experiment.id),
        wanted.definition,
        asked=asked.name,
        seeds=seeds,
        dataset=dataset.name,
        parent=wanted.parent.name if wanted.parent else None,
        checkpoint=wanted.checkpoint,
    )
    group = secrets.token_hex(6) if len(seeds) > 1 else None
    runs = [
        _row(asked, wanted, seed, name=name, experiment_id=experiment.id, dataset_id=dataset.id)
        for seed, name in zip(seeds, names, strict=True)
    ]
    for run in runs:
        run.seed_group = group
        run.owner_id = by.id if by else None
    db.add_all(runs)
    db.flush()
    return runs


def _row(
    asked: LaunchRequest, wanted: Asked, seed: int, *, name: str, experiment_id: int, dataset_id: int
) -> Run:
    definition = wanted.definition.model_copy(update={"seed": seed})
    return Run(
        experiment_id=experiment_id,
        name=name,
        kind=kind_of(definition),
        state=DRAFT,
        definition=definition.model_dump(mode="json"),
        recipe=wanted.recipe.name if wanted.recipe else None,
        seed=seed,
        priority=asked.priority,
        devices=definition.compute.devices,
        parent_id=wanted.parent.id if wanted.parent else None,
        checkpoint_id=wanted.checkpoint.id if wanted.checkpoint else None,
        cloned_from_id=asked.cloned_from_id,
        dataset_id=dataset_id,
        epochs=_epochs(definition),
        tags=[tag.strip() for tag in asked.tags],
        notes=asked.notes,
    )


def _epochs(definition: Pretrain | Evaluation) -> int | None:
    if isinstance(definition, Pretrain):
        return definition.optimisation.epochs
    protocol = definition.protocol
    return protocol.optimisation.epochs if isinstance(protocol, TrainedProtocol) else None


def _registered(db: Session, data: Data, settings: Settings, by: User | None) -> Dataset:
    """The data set of a folder; one that is new is registered under its own name, and indexed."""
    known = datasets.by_root(db, data.root)
    if known is not None:
        return known
    taken = db.scalars(select(Dataset.name)).all()
    name = free_name(PurePath(data.root).name, taken)
    return dataset_service.register(db, settings, name=name, root=data.root, kind=data.kind, by=by)


def free_name(stem: str, taken: Sequence[str]) -> str:
    stem = stem[:120] or "data"
    numbers = range(2, len(taken) + 3)
    return stem if stem not in taken else next(f"{stem} {n}" for n in numbers if f"{stem} {n}" not in taken)


def _register_planned(db: Session, wanted: Asked, settings: Settings, by: User | None) -> None:
    if isinstance(wanted.definition, Evaluation):
        return
    for planned in wanted.definition.evaluations:
        if planned.data is not None:
            _registered(db, planned.data, settings, by)


def _disk_bytes(derived: Derived) -> int | None:
    if derived.num_checkpoints is None or derived.checkpoint_bytes is None:
        return None
    return derived.num_checkpoints * derived.checkpoint_bytes


def _disk_warnings(disk_bytes: int | None, settings: Settings) -> list[str]:
    """Warnings about the disk that checkpoints go to."""
    there = next(folder for folder in (settings.runs_dir, *settings.runs_dir.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    least = settings.min_free_disk_gb * 1e9
    if free < least:
        return [f"The runs disk has {free / 1e9:.1f} GB left, and no run starts below {least / 1e9:.1f} GB."]
    if disk_bytes is not None and disk_bytes > free - least:
        return [
            f"Its checkpoints take {disk_bytes / 1e9:.1f} GB; the runs disk has {free / 1e9:.1f} GB left."
        ]
    return []
