"""What the present state of the laboratory says of a definition: faults by field, and warnings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from backend.compute.leases import HostRoom, rooms
from backend.datasets.lookups import by_root, num_shorter, split_sizes
from backend.datasets.tables import Dataset
from backend.runs.asking import Asked
from backend.slurm.reading import sites_by_login
from backend.slurm.tables import SlurmProfile
from backend.slurm.words import site_sentence
from sce.definition import (
    VIDEO_TRUNKS,
    Compute,
    Data,
    EvalProtocol,
    Evaluation,
    KnnProtocol,
    Pretrain,
    RetrievalProtocol,
    TrainedProtocol,
)


@dataclass
class Findings:
    """What was found. ``faults`` stop a launch; ``warnings`` are told."""

    faults: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    dataset: Dataset | None = None
    train_items: int | None = None


def check(db: Session, asked: Asked, *, profile: SlurmProfile | None = None) -> Findings:
    """Hold the definition against data sets, hosts or the SLURM profile, and checkpoint."""
    found, definition = Findings(), asked.definition
    found.dataset, sizes = _check_data(db, definition.data, "data", found)
    found.train_items = sizes.get(definition.data.train_split)
    if isinstance(definition, Pretrain):
        _check_batch(definition.optimisation.batch_size, "optimisation", found.train_items, found)
        _check_plan(db, definition, sizes, found)
    else:
        _check_protocol(definition.protocol, "protocol", found.train_items, found)
        _check_trunk(asked, definition, found)
    if profile is None:
        check_compute(definition.compute, rooms(db), found)
    else:
        _check_site(db, definition, profile, found)
    return found


def _check_data(
    db: Session, data: Data, where: str, found: Findings
) -> tuple[Dataset | None, dict[str, int]]:
    dataset = by_root(db, data.root)
    if dataset is None:
        found.warnings.append(
            f"{data.root} is not indexed yet: the run waits until every file in it was opened once."
        )
        return None, {}
    if dataset.kind != data.kind:
        found.faults[f"{where}.kind"] = f"Data set {dataset.name} holds {dataset.kind} data, not {data.kind}."
    if dataset.state == "failed":
        found.faults[f"{where}.root"] = f"It could not be indexed: {dataset.failure}"
    elif dataset.state != "ready":
        found.warnings.append(f"Data set {dataset.name} is being indexed: the run waits for it.")
    if dataset.state != "ready":
        return dataset, {}
    sizes = split_sizes(db, dataset.id)
    for name in ("train_split", "val_split"):
        _check_split(name, getattr(data, name), where, sizes, found)
    _check_division(data, found)
    _check_lengths(db, dataset, data, where, sizes, found)
    return dataset, sizes


def _check_lengths(
    db: Session, dataset: Dataset, data: Data, where: str, sizes: Mapping[str, int], found: Findings
) -> None:
    """A clip that is longer than its video is no fault: the frames that there are fill it."""
    split = data.train_split
    shorter = num_shorter(db, dataset.id, split, data.clip_s) if data.kind == "video" else 0
    if shorter:
        found.warnings.append(
            f"{shorter:,} of the {sizes.get(split, 0):,} videos of {split} are shorter than the clip of "
            f"{data.clip_s:g} s, and repeat their frames: choose a shorter {where}.clip_s to spare that."
        )


def _check_split(name: str, split: str, where: str, sizes: Mapping[str, int], found: Findings) -> None:
    if split in sizes:
        return
    there = ", ".join(sorted(sizes)) or "none that can be read"
    sentence = f"There is no split {split!r}; there are: {there}."
    if name == "train_split":
        found.faults[f"{where}.{name}"] = sentence
    else:
        found.warnings.append(f"{where}.{name}: {sentence} Nothing can be scored on it.")


def _check_division(data: Data, found: Findings) -> None:
    """train-2 and test-1 are parts of two divisions of one set: the second may be learned from in the first."""
    numbers = [re.search(r"[_-]?0*(\d+)$", name) for name in (data.train_split, data.val_split)]
    if numbers[0] and numbers[1] and numbers[0][1] != numbers[1][1]:
        found.warnings.append(
            f"{data.train_split} and {data.val_split} are not of the same division: what is scored may have "
            "been trained on. Give both the same number."
        )


def _check_batch(batch_size: int, where: str, train_items: int | None, found: Findings) -> None:
    if train_items is not None and batch_size > train_items:
        found.faults[f"{where}.batch_size"] = (
            f"The batch of {batch_size} is larger than the training split, which has {train_items} items: "
            f"choose {train_items} or less."
        )


def _check_plan(db: Session, definition: Pretrain, sizes: Mapping[str, int], found: Findings) -> None:
    for number, planned in enumerate(definition.evaluations):
        where = f"evaluations.{number}"
        own = definition.data
        its = sizes if planned.data is None else _check_data(db, planned.data, f"{where}.data", found)[1]
        data = planned.data or own
        if (data.kind == "video") != (definition.trunk.kind in VIDEO_TRUNKS):
            found.faults[f"{where}.data.kind"] = (
                f"Trunk {definition.trunk.kind} does not read {data.kind} data."
            )
        _check_protocol(planned.protocol, f"{where}.protocol", its.get(data.train_split), found)


def _check_protocol(protocol: EvalProtocol, where: str, train_items: int | None, found: Findings) -> None:
    if isinstance(protocol, TrainedProtocol):
        _check_batch(protocol.optimisation.batch_size, f"{where}.optimisation", train_items, found)
    if train_items is None:
        return
    if isinstance(protocol, KnnProtocol):
        for field, k in (("k", protocol.k), ("more_k", max(protocol.more_k, default=0))):
            if k > train_items:
                found.faults[f"{where}.{field}"] = f"The training split has only {train_items} items."
    if isinstance(protocol, RetrievalProtocol) and max(protocol.ranks, default=0) > train_items:
        found.faults[f"{where}.ranks"] = f"The training split has only {train_items} items to rank."


def _check_trunk(asked: Asked, definition: Evaluation, found: Findings) -> None:
    trunk = _trunk_kind(asked.parent.definition) if asked.parent else None
    if trunk is not None and (definition.data.kind == "video") != (trunk in VIDEO_TRUNKS):
        found.faults["data.kind"] = (
            f"The checkpoint's trunk, {trunk}, does not read {definition.data.kind} data."
        )


def _trunk_kind(definition: Mapping[str, Any]) -> str | None:
    trunk = definition.get("trunk")
    return trunk["kind"] if isinstance(trunk, Mapping) else None


def _check_site(
    db: Session, definition: Pretrain | Evaluation, profile: SlurmProfile, found: Findings
) -> None:
    if definition.compute.labels:
        found.faults["compute.labels"] = (
            "Labels choose among this lab's hosts: leave them out, and choose SLURM's nodes in the profile."
        )
    if definition.compute.accelerator == "gpu" and not profile.profile["gres"]:
        found.faults["compute.accelerator"] = f"Profile {profile.name} asks for no GPUs: choose auto or cpu."
    silence = site_sentence(sites_by_login(db).get(profile.profile["login"]))
    if silence:
        found.warnings.append(silence)


def check_compute(compute: Compute, hosts: Sequence[HostRoom], found: Findings) -> None:
    """Hold what it computes on against the hosts that there are."""
    if compute.nodes > 1:
        found.faults["compute.nodes"] = "More than one node needs SLURM: choose 1, or a SLURM profile."
    if not any(host.is_online for host in hosts):
        found.warnings.append("No worker is online: the run waits in the queue until one is.")
    if not hosts:
        return
    labelled = _with_labels(compute, hosts, found)
    if not labelled:
        return
    most = max(host.total[host.kind_for(compute.accelerator)] for host in labelled)
    of_those = f" with {' and '.join(compute.labels)}" if compute.labels else ""
    if most == 0 and compute.accelerator == "gpu":
        found.faults["compute.accelerator"] = f"No host{of_those} has a GPU: choose auto or cpu."
    elif compute.devices > most:
        found.faults["compute.devices"] = (
            f"No host{of_those} has {compute.devices} devices for accelerator {compute.accelerator}; "
            f"the largest has {most}."
        )


def _with_labels(compute: Compute, hosts: Sequence[HostRoom], found: Findings) -> list[HostRoom]:
    """The hosts that have every label. A fault names the first one that none has, and those there are."""
    known = set().union(*(host.labels for host in hosts))
    missing = next((label for label in compute.labels if label not in known), None)
    labelled = [host for host in hosts if host.labels.issuperset(compute.labels)]
    if missing is not None:
        there = ", ".join(sorted(known)) or "none: set SCELAB_LABELS where a worker starts"
        found.faults["compute.labels"] = f"No host has label {missing}. There are: {there}."
    elif not labelled:
        found.faults["compute.labels"] = f"No single host has {' and '.join(compute.labels)}: leave one out."
    return labelled
