"""Heads and methods: what is compared with what, and how sharply."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sce.definition.base import Frozen, Probability


class Projector(Frozen):
    """Linear layers on top of the trunk, with ReLU between them."""

    hidden_width: PositiveInt = 1024
    """Width of the hidden layers."""
    num_layers: Annotated[int, Field(ge=1, le=4)] = 3
    """Linear layers, the last one included."""
    width: PositiveInt = 256
    """Width of the embedding that is compared."""
    norm_hidden: bool = True
    """Batch normalisation after each layer but the last."""
    norm_last: bool = True
    """Batch normalisation without weights after the last layer."""


class Predictor(Frozen):
    """Two linear layers on the online branch only."""

    hidden_width: PositiveInt = 1024
    """Width of its hidden layer."""
    norm_last: bool = False
    """Batch normalisation without weights after the last layer."""


class Ramp(Frozen):
    """How a value comes to its own at the beginning of a training, and where it goes afterwards."""

    start: NonNegativeFloat
    """Value at the first step."""
    epochs: PositiveInt
    """Epochs over which it goes from the start to the value itself."""
    shape: Literal["linear", "cosine"] = "linear"
    """Way from one value to another: straight, or half a cosine."""
    final: NonNegativeFloat | None = None
    """Value at the last step, reached from the end of the warm-up on; none keeps it as it is."""


class Sce(Frozen):
    """Similarity Contrastive Estimation: contrast the positive, and keep the relations the target sees."""

    kind: Literal["sce"] = "sce"
    contrast: Probability = 0.5
    """Lambda: weight of the positive against the target's similarities. 1 is InfoNCE."""
    contrast_ramp: Ramp | None = None
    """Warm-up of the contrast, and its anneal to a final value; none keeps it constant, as all recipes do."""
    temperature: PositiveFloat = 0.1
    """Tau: sharpness of the online view's prediction; lower is sharper."""
    target_temperature: PositiveFloat = 0.05
    """Tau_m: sharpness of the target's similarities. It must be below the temperature."""
    target_temperature_ramp: Ramp | None = None
    """Warm-up of the target's temperature; none keeps it constant, as all recipes do."""
    positive: Literal["exact", "leak"] = "exact"
    """exact leaves the positive out of the target's similarities (paper); leak keeps it, at 0 (the papers' code)."""
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
    mutual_pass: bool = False
    """Views of one size go through the online trunk together: batch norm then mixes them."""
    shuffle_norm: bool = False
    """The momentum branch reads the batch in another order, so that its batch norm gives no positive away."""
    norm_splits: PositiveInt = 8
    """With shuffle_norm on a single device: parts of the batch that the momentum trunk normalises apart."""
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
        if self.positive == "leak" and self.use_keys:
            raise ValueError(
                "positive leak is of the queue alone: with use_keys the positive is left out exactly"
            )
        return self

    @model_validator(mode="after")
    def _ramps_stay_in_range(self) -> "Sce":
        for value in _ends(self.contrast_ramp):
            if value > 1:
                raise ValueError(f"contrast_ramp goes to {value}: the contrast lies between 0 and 1")
        for value in _ends(self.target_temperature_ramp):
            if not 0 < value < self.temperature:
                raise ValueError(
                    f"target_temperature_ramp goes to {value}: it must stay above 0 and below temperature "
                    f"{self.temperature}"
                )
        return self


def _ends(ramp: Ramp | None) -> tuple[float, ...]:
    if ramp is None:
        return ()
    return (ramp.start,) if ramp.final is None else (ramp.start, ramp.final)


class Ressl(Frozen):
    """ReSSL: the query learns the target's similarities to past keys; there is no positive."""

    kind: Literal["ressl"] = "ressl"
    temperature: PositiveFloat = 0.1
    """Sharpness of the online view's prediction; lower is sharper."""
    target_temperature: PositiveFloat = 0.04
    """Sharpness of the target's similarities. It must be below the temperature."""
    queue_size: PositiveInt = 65_536
    """Past target embeddings to compare with."""
    momentum: Probability = 0.999
    """How much of the momentum branch is kept at each step."""
    symmetric: bool = False
    """Each global view is a target in turn; otherwise only the first one is, the weakly augmented one."""
    mutual_pass: bool = False
    """Views of one size go through the online trunk together: batch norm then mixes them."""
    shuffle_norm: bool = False
    """The momentum branch reads the batch in another order, so that its batch norm gives no positive away."""
    norm_splits: PositiveInt = 8
    """With shuffle_norm on a single device: parts of the batch that the momentum trunk normalises apart."""
    projector: Projector = Projector(num_layers=2, width=128, norm_last=False)
    """Projector of both branches."""

    @model_validator(mode="after")
    def _has_a_sharper_target(self) -> "Ressl":
        if self.target_temperature >= self.temperature:
            raise ValueError(
                f"target_temperature {self.target_temperature} must be below temperature {self.temperature}: "
                "a target blurrier than the prediction degrades training"
            )
        return self

    @property
    def use_keys(self) -> bool:
        return False

    @property
    def predictor(self) -> None:
        return None


class Moco(Frozen):
    """MoCo v2: one positive against a queue of past keys."""

    kind: Literal["moco"] = "moco"
    temperature: PositiveFloat = 0.2
    """Sharpness of the similarities; lower is sharper."""
    queue_size: PositiveInt = 65_536
    """Past keys to contrast with."""
    use_keys: bool = False
    """Contrast with the other clips of the batch as well as with the queue."""
    momentum: Probability = 0.999
    """How much of the momentum branch is kept at each step."""
    symmetric: bool = False
    """Each view is a key in turn; otherwise only the first one is."""
    mutual_pass: bool = False
    """Views of one size go through the online trunk together: batch norm then mixes them."""
    shuffle_norm: bool = False
    """The momentum branch reads the batch in another order, so that its batch norm gives no positive away."""
    norm_splits: PositiveInt = 8
    """With shuffle_norm on a single device: parts of the batch that the momentum trunk normalises apart."""
    projector: Projector = Projector(num_layers=2, width=128, norm_last=False)
    """Projector of both branches."""

    @property
    def predictor(self) -> None:
        return None


class Moco3(Frozen):
    """MoCo v3: one positive against the other clips of the batch, with a predictor and no queue."""

    kind: Literal["moco3"] = "moco3"
    temperature: PositiveFloat = 1.0
    """Sharpness of the similarities; lower is sharper. The loss is scaled by twice of it."""
    momentum: Probability = 0.99
    """How much of the momentum branch is kept at each step."""
    momentum_schedule: Literal["constant", "cosine"] = "cosine"
    """Cosine raises the momentum from its value to 1 over the training."""
    mutual_pass: bool = False
    """Views of one size go through the online trunk together: batch norm then mixes them."""
    projector: Projector = Projector(hidden_width=4096)
    """Projector of both branches."""
    predictor: Predictor = Predictor(hidden_width=4096, norm_last=True)
    """Predictor of the online branch."""

    @property
    def queue_size(self) -> int:
        return 0

    @property
    def use_keys(self) -> bool:
        return True

    @property
    def symmetric(self) -> bool:
        return True

    @property
    def shuffle_norm(self) -> bool:
        return False


class SimClr(Frozen):
    """SimCLR: both views through one network, all other clips of the batch as negatives."""

    kind: Literal["simclr"] = "simclr"
    temperature: PositiveFloat = 0.1
    """Sharpness of the similarities; lower is sharper."""
    projector: Projector = Projector(num_layers=2, width=128, norm_last=False)
    """Projector of the network."""


class Supervised(Frozen):
    """Labels: a linear classifier on the trunk and the cross-entropy; what the methods without labels are held to."""

    kind: Literal["supervised"] = "supervised"
    classes: PositiveInt = 400
    """Classes of the data set. A run refuses a data set that has another number of them."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the features that a training step leaves out before the classifier."""


MomentumKind = Sce | Ressl | Moco | Moco3
"""Methods with a momentum branch: one family, whose members differ in the target alone."""
Method = Annotated[Sce | Ressl | Moco | Moco3 | SimClr | Supervised, Field(discriminator="kind")]
