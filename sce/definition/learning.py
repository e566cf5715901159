"""Trunks, and the rules by which weights move."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from sce.definition.base import Frozen, Probability, Share

LABEL_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class R3d18(Frozen):
    """3D ResNet-18 of the SCE video paper, 512 features."""

    kind: Literal["r3d18"] = "r3d18"


class R3d50(Frozen):
    """3D ResNet-50, 'slow-only', as built by pytorchvideo, 2048 features."""

    kind: Literal["r3d50"] = "r3d50"


class Small3d(Frozen):
    """Small 3D convolutional trunk that trains on a laptop's CPU."""

    kind: Literal["small3d"] = "small3d"
    width: PositiveInt = 24
    """Channels of the first stage; features are eight times as wide."""


class R18(Frozen):
    """torchvision ResNet-18, 512 features."""

    kind: Literal["r18"] = "r18"
    small_images: bool = False
    """First convolution 3x3 with stride 1 and no pooling, for images of 32 to 64 pixels."""


class R50(Frozen):
    """torchvision ResNet-50, 2048 features."""

    kind: Literal["r50"] = "r50"
    small_images: bool = False
    """First convolution 3x3 with stride 1 and no pooling, for images of 32 to 64 pixels."""


Trunk = Annotated[R3d18 | R3d50 | Small3d | R18 | R50, Field(discriminator="kind")]
VIDEO_TRUNKS = ("r3d18", "r3d50", "small3d")


LrScaling = Literal["none", "linear", "sqrt"]


class Lars(Frozen):
    """SGD with momentum whose step is adapted to each weight's norm; biases and norms as they are."""

    kind: Literal["lars"] = "lars"
    lr: PositiveFloat = 2.4
    """Base learning rate, before scaling."""
    lr_scaling: LrScaling = "linear"
    """How the rate grows with the batch: linear is lr x batch / 256, sqrt is lr x sqrt(batch)."""
    momentum: Probability = 0.9
    """Momentum of the update."""
    weight_decay: NonNegativeFloat = 1e-6
    """Decay of weights; biases and norms are never decayed."""
    trust: PositiveFloat = 0.001
    """Trust coefficient: the update is scaled to this share of the weight's norm."""


class Sgd(Frozen):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"] = "sgd"
    lr: PositiveFloat = 0.06
    """Base learning rate, before scaling."""
    lr_scaling: LrScaling = "linear"
    """How the rate grows with the batch: linear is lr x batch / 256, sqrt is lr x sqrt(batch)."""
    momentum: Probability = 0.9
    """Momentum of the update."""
    weight_decay: NonNegativeFloat = 0.0
    """Decay of all weights."""


class AdamW(Frozen):
    """Adam with decoupled weight decay."""

    kind: Literal["adamw"] = "adamw"
    lr: PositiveFloat = 1e-3
    """Base learning rate, before scaling."""
    lr_scaling: LrScaling = "none"
    """How the rate grows with the batch: linear is lr x batch / 256, sqrt is lr x sqrt(batch)."""
    weight_decay: NonNegativeFloat = 0.01
    """Decay of weights; biases and norms are not decayed."""


Optimizer = Annotated[Lars | Sgd | AdamW, Field(discriminator="kind")]


class Cosine(Frozen):
    """Linear warm-up, then half a cosine down to the end rate."""

    kind: Literal["cosine"] = "cosine"
    warmup_epochs: NonNegativeInt = 0
    """Epochs over which the rate rises from 0."""
    end_lr: NonNegativeFloat = 0.0
    """Rate at the last step, scaled by the same rule as lr."""


class Steps(Frozen):
    """The rate is multiplied by gamma at each milestone."""

    kind: Literal["steps"] = "steps"
    milestones: tuple[PositiveInt, ...] = (60, 80)
    """Epochs after which the rate drops."""
    gamma: Share = 0.1
    """Factor of each drop."""


Schedule = Annotated[Cosine | Steps, Field(discriminator="kind")]


class Optimisation(Frozen):
    """How long, how many at a time, and by which rule the weights move."""

    epochs: PositiveInt = 200
    """Passes over the training split."""
    batch_size: PositiveInt = 512
    """Videos per optimizer step, over all devices."""
    accumulate: PositiveInt = 1
    """Forward passes per optimizer step; the batch is cut into so many parts."""
    optimizer: Optimizer = Lars()
    """Rule by which the weights move."""
    schedule: Schedule = Cosine()
    """How the learning rate changes."""
    clip_norm: PositiveFloat | None = None
    """Largest norm of the gradient, or no limit."""

    @model_validator(mode="after")
    def _parts_and_warmup_fit(self) -> "Optimisation":
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch_size {self.batch_size} cannot be cut into {self.accumulate} equal parts (accumulate)"
            )
        if isinstance(self.schedule, Cosine) and self.schedule.warmup_epochs > self.epochs:
            raise ValueError(
                f"schedule.warmup_epochs {self.schedule.warmup_epochs} is more than epochs {self.epochs}"
            )
        return self


def _as_word(precision: object) -> object:
    """An override compute.precision=32 is a number to YAML."""
    return str(precision) if isinstance(precision, int) else precision


def checked_label(label: str) -> str:
    """The label of a host. Raises ``ValueError`` when it is not of the form name=value."""
    name, equals, value = label.partition("=")
    if not equals or not all(0 < len(part) <= 64 and set(part) <= LABEL_LETTERS for part in (name, value)):
        raise ValueError(
            f"{label!r} is no label: write name=value, each of letters, digits, dots, dashes and underscores, "
            "as in gpu=a100."
        )
    return label


def _checked_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(checked_label(label) for label in labels)


class Compute(Frozen):
    """Where and how the arithmetic is done."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """auto takes GPUs where the host has them."""
    devices: PositiveInt = 1
    """Devices of a host that the run holds for itself, one process each."""
    nodes: PositiveInt = 1
    """Hosts that take part. More than one needs SLURM."""
    labels: Annotated[tuple[str, ...], AfterValidator(_checked_labels)] = Field(default=(), max_length=16)
    """Labels that its host must have, as in gpu=a100; the Hosts page shows those of each."""
    precision: Annotated[Literal["32", "mixed", "bf16-mixed", "16-mixed"], BeforeValidator(_as_word)] = "32"
    """Arithmetic of trunk and heads, the loss always in float32; mixed is bf16 where the device has it, else 16."""
    loader_workers: NonNegativeInt = 1
    """Processes per device that read and decode data."""
    compile: bool = False
    """Compile trunk, heads and loss: a slow start, then faster steps on GPUs. It needs a C++ compiler on the host."""
    deterministic: bool = False
    """Only operations whose result is the same every time; slower on GPUs."""
