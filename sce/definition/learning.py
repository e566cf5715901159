"""Trunks, heads, methods and the rules by which weights move."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sce.definition.base import Frozen, Probability, Share


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


class Projector(Frozen):
    """Linear layers on top of the trunk, each but the last followed by batch normalisation and ReLU."""

    hidden_width: PositiveInt = 1024
    """Width of the hidden layers."""
    num_layers: Annotated[int, Field(ge=1, le=4)] = 3
    """Linear layers, the last one included."""
    width: PositiveInt = 256
    """Width of the embedding that is compared."""
    norm_last: bool = True
    """Batch normalisation without weights after the last layer."""


class Predictor(Frozen):
    """Two linear layers on the online branch only."""

    hidden_width: PositiveInt = 1024
    """Width of its hidden layer."""


class Sce(Frozen):
    """Similarity Contrastive Estimation: contrast the positive, and keep the relations the target sees."""

    kind: Literal["sce"] = "sce"
    contrast: Probability = 0.5
    """Lambda: weight of the positive against the target's similarities. 1 is InfoNCE."""
    temperature: PositiveFloat = 0.1
    """Tau: sharpness of the online view's prediction; lower is sharper."""
    target_temperature: PositiveFloat = 0.05
    """Tau_m: sharpness of the target's similarities. It must be below the temperature."""
    queue_size: NonNegativeInt = 65_536
    """Past target embeddings to compare with. 0 needs use_keys."""
    use_keys: bool = False
    """Compare with the other clips of the batch as well as with the queue."""
    momentum: Probability = 0.99
    """How much of the momentum branch is kept at each step."""
    momentum_schedule: Literal["constant", "cosine"] = "cosine"
    """Cosine raises the momentum from its value to 1 over the training."""
    symmetric: bool = True
    """Every global view is a target in turn; otherwise only the first one is."""
    projector: Projector = Projector()
    """Projector of both branches."""
    predictor: Predictor | None = Predictor()
    """Predictor of the online branch, or none."""

    @model_validator(mode="after")
    def _has_a_sharper_target_and_something_to_compare(self) -> "Sce":
        if self.target_temperature >= self.temperature:
            raise ValueError(
                f"target_temperature {self.target_temperature} must be below temperature {self.temperature}: "
                "a target blurrier than the prediction degrades training"
            )
        if self.queue_size == 0 and not self.use_keys:
            raise ValueError(
                "with queue_size 0 and use_keys off there is nothing to compare with: turn use_keys on"
            )
        return self


class SimClr(Frozen):
    """SimCLR: both views through one network, all other clips of the batch as negatives."""

    kind: Literal["simclr"] = "simclr"
    temperature: PositiveFloat = 0.1
    """Sharpness of the similarities; lower is sharper."""
    projector: Projector = Projector(num_layers=2, width=128, norm_last=False)
    """Projector of the network."""


class Moco(Frozen):
    """MoCo v2: one positive against a queue of past keys."""

    kind: Literal["moco"] = "moco"
    temperature: PositiveFloat = 0.2
    """Sharpness of the similarities; lower is sharper."""
    queue_size: PositiveInt = 65_536
    """Past keys to contrast with."""
    momentum: Probability = 0.999
    """How much of the momentum branch is kept at each step."""
    symmetric: bool = False
    """Each view is a key in turn; otherwise only the first one is."""
    projector: Projector = Projector(num_layers=2, width=128, norm_last=False)
    """Projector of both branches."""


Method = Annotated[Sce | SimClr | Moco, Field(discriminator="kind")]


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


class Compute(Frozen):
    """Where and how the arithmetic is done."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """auto takes GPUs where the host has them."""
    devices: PositiveInt = 1
    """Devices of a host that the run holds for itself, one process each."""
    nodes: PositiveInt = 1
    """Hosts that take part. More than one needs SLURM."""
    precision: Literal["32", "bf16-mixed", "16-mixed"] = "32"
    """Arithmetic of trunk and heads; the loss is always in float32."""
    loader_workers: NonNegativeInt = 1
    """Processes per device that read and decode data."""
    compile: bool = False
    """Compile the trunk: a slow start, then faster steps on GPUs."""
    deterministic: bool = False
    """Only operations whose result is the same every time; slower on GPUs."""
