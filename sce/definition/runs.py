"""The definitions of whole runs, and what their parts ask of each other."""

from typing import Annotated, Literal

from pydantic import (
    Field,
    TypeAdapter,
    model_validator,
)

from sce.definition.base import Frozen, Seed
from sce.definition.data import Data, Views
from sce.definition.learning import (
    VIDEO_TRUNKS,
    Compute,
    Cosine,
    Optimisation,
    R3d18,
    Trunk,
)
from sce.definition.methods import Method, Moco, Ressl, Sce, Supervised
from sce.definition.protocols import (
    CheckpointFile,
    Checkpoints,
    EvalProtocol,
    Planned,
    Probe,
    TrainedProtocol,
)


class Pretrain(Frozen):
    """Learn a trunk from videos or images without labels."""

    kind: Literal["pretrain"] = "pretrain"
    data: Data
    """What is learned from."""
    views: Views = Views()
    """What is compared."""
    trunk: Trunk = R3d18()
    """Network that is learned."""
    method: Method = Sce()
    """How it is learned."""
    optimisation: Optimisation = Optimisation(schedule=Cosine(warmup_epochs=35))
    """How its weights move."""
    compute: Compute = Compute()
    """Where it is computed."""
    checkpoints: Checkpoints = Checkpoints()
    """What is kept of it."""
    probe: Probe | None = None
    """Classifier that learns from the labels beside it, to be watched; none leaves the labels alone."""
    evaluations: tuple[Planned, ...] = Field(default=(), max_length=16)
    """What is measured of its checkpoints, by itself."""
    seed: Seed = 42
    """Seed of weights, order, crops and colours."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Pretrain":
        is_video = self.data.kind == "video"
        if is_video != (self.trunk.kind in VIDEO_TRUNKS):
            raise ValueError(
                f"trunk {self.trunk.kind} does not read {self.data.kind} data: choose {_trunks_for(is_video)}"
            )
        if self.views.time_difference_p and not is_video:
            raise ValueError("views.time_difference_p needs video: set it to 0 for images")
        _refuse_uneven_devices(self.optimisation, self.compute)
        _refuse_odd_method(self)
        return self


class Evaluation(Frozen):
    """Measure a checkpoint's trunk. An evaluation is a run like any other."""

    kind: Literal["evaluation"] = "evaluation"
    checkpoint: CheckpointFile
    """What is measured."""
    data: Data
    """What it is measured on."""
    protocol: EvalProtocol
    """How it is measured."""
    compute: Compute = Compute()
    """Where it is computed."""
    seed: Seed = 42
    """Seed of a classifier's weights, order and crops."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Evaluation":
        if isinstance(self.protocol, TrainedProtocol):
            _refuse_uneven_devices(self.protocol.optimisation, self.compute)
        return self


Definition = Annotated[Pretrain | Evaluation, Field(discriminator="kind")]
definition_adapter: TypeAdapter[Pretrain | Evaluation] = TypeAdapter(Definition)

RunKind = Literal[
    "pretrain", "linear", "finetune", "test", "knn", "retrieval", "extract", "svm", "transfer", "import"
]


def kind_of(definition: Pretrain | Evaluation) -> RunKind:
    """What the run is called: ``pretrain``, or the protocol of an evaluation."""
    return "pretrain" if isinstance(definition, Pretrain) else definition.protocol.kind


def _trunks_for(is_video: bool) -> str:
    return ", ".join(VIDEO_TRUNKS) if is_video else "r18, r50"


def _refuse_uneven_devices(optimisation: Optimisation, compute: Compute) -> None:
    shares = compute.devices * compute.nodes * optimisation.accumulate
    if optimisation.batch_size % shares:
        raise ValueError(
            f"optimisation.batch_size {optimisation.batch_size} cannot be shared evenly by "
            f"{compute.devices} devices x {compute.nodes} nodes x {optimisation.accumulate} accumulated parts"
        )


def _refuse_odd_method(definition: Pretrain) -> None:
    """What a method asks of the views, of the batch and of the length of the training."""
    method, views = definition.method, definition.views.views
    if isinstance(method, Supervised) and len(views) != 1:
        raise ValueError(f"supervised learns from 1 view, views.views has {len(views)}")
    if isinstance(method, Supervised) and definition.probe is not None:
        raise ValueError("supervised trains a classifier already: leave probe out")
    if isinstance(method, Moco) and len(views) != 2:
        raise ValueError(f"moco compares 2 views, views.views has {len(views)}")
    if not isinstance(method, Supervised) and len(views) < 2:
        raise ValueError(f"{method.kind} compares views: views.views needs 2 or more, it has {len(views)}")
    if isinstance(method, Sce | Ressl | Moco) and method.shuffle_norm:
        _refuse_uneven_norm_splits(method, definition.optimisation, definition.compute)
    if isinstance(method, Sce):
        _refuse_long_ramps(method, definition.optimisation)


def _refuse_uneven_norm_splits(method: Sce | Ressl | Moco, learning: Optimisation, compute: Compute) -> None:
    part = learning.batch_size // learning.accumulate
    is_alone = compute.devices * compute.nodes == 1
    if is_alone and part % method.norm_splits:
        raise ValueError(
            f"method.shuffle_norm on one device cuts {part} clips into method.norm_splits {method.norm_splits} "
            "parts: choose a number that divides them"
        )


def _refuse_long_ramps(method: Sce, learning: Optimisation) -> None:
    for name, ramp in (
        ("contrast_ramp", method.contrast_ramp),
        ("target_temperature_ramp", method.target_temperature_ramp),
    ):
        if ramp is not None and ramp.epochs > learning.epochs:
            raise ValueError(
                f"method.{name}.epochs {ramp.epochs} is more than optimisation.epochs {learning.epochs}"
            )
