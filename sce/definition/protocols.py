"""What is kept of a training, and what is measured of it."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sce.definition.base import FolderPath, Frozen, Sha256, SplitName
from sce.definition.data import Data, Jitter, View
from sce.definition.learning import Cosine, Optimisation, Sgd, Trunk

Branch = Literal["online", "momentum"]
Naming = Literal["sce", "pytorchvideo", "slowfast", "mmaction2", "torchvision", "detectron2"]
"""Whose names a file gives to a trunk's weights."""


class Checkpoints(Frozen):
    """Which checkpoints a training leaves."""

    every_epochs: PositiveInt = 10
    """Epochs between checkpoints that are kept and evaluated."""
    initial: bool = True
    """Keep one of the untrained weights as well: the baseline that every score is held against."""
    last_every_min: PositiveFloat = 15.0
    """Minutes between saves of the newest state, from which an interrupted run resumes."""


class EvalClips(Frozen):
    """The views of a video whose features or probabilities are averaged."""

    clips: PositiveInt = 10
    """Clips per video, spread evenly from its start to its end."""
    crops: Literal[1, 3] = 3
    """1 is the centre crop; 3 are start, centre and end of the longer side."""
    size: PositiveInt = 256
    """Side of the square crops, and short side that a video is scaled to."""
    short_side: PositiveInt | None = None
    """Short side that a video is scaled to if it is more than the crops' own, as in 256 for crops of 224."""

    @model_validator(mode="after")
    def _crop_fits(self) -> "EvalClips":
        if self.short_side is not None and self.short_side < self.size:
            raise ValueError(
                f"short_side {self.short_side} is less than size {self.size}: no crop of that size fits; "
                "raise it, or leave it out"
            )
        return self


class Probe(Frozen):
    """A linear classifier that learns beside a pretraining, to watch it: the trunk never feels it."""

    lr: PositiveFloat = 1e-4
    """Rate of its Adam, the same at every step."""
    validate_every_epochs: PositiveInt | None = 1
    """Epochs between its scores on the scored split; none leaves them out, which is faster."""
    views: EvalClips = EvalClips(clips=1, crops=1)
    """Views of a scored video whose probabilities are averaged."""


class KnnProtocol(Frozen):
    """Weighted vote of the nearest training videos, on the trunk's normalised features."""

    kind: Literal["knn"] = "knn"
    k: PositiveInt = 20
    """Neighbours that vote."""
    temperature: PositiveFloat = 0.07
    """A neighbour's vote is exp(similarity / temperature)."""
    more_k: tuple[PositiveInt, ...] = Field(default=(), max_length=16)
    """Other numbers of neighbours to score in the same pass, each at every temperature."""
    more_temperatures: tuple[PositiveFloat, ...] = Field(default=(), max_length=16)
    """Other temperatures to score in the same pass, each with every k."""
    views: EvalClips = EvalClips(clips=1, crops=1)
    """Views of a video that are averaged."""


class RetrievalProtocol(Frozen):
    """Each video of the scored split asks for its nearest neighbours in the training split."""

    kind: Literal["retrieval"] = "retrieval"
    ranks: tuple[PositiveInt, ...] = (1, 5, 10, 15, 20, 25)
    """Ranks k at which R@k is reported."""
    centre: Literal["own", "bank", "none"] = "own"
    """Mean subtracted before the comparison: each side's own, the bank's on both, or none."""
    normalise: bool = True
    """Compare directions only: features are scaled to unit length."""
    views: EvalClips = EvalClips()
    """Views of a video that are averaged."""


class ExtractProtocol(Frozen):
    """Trunk features of both splits, averaged over views and kept as files."""

    kind: Literal["extract"] = "extract"
    views: EvalClips = EvalClips()
    """Views of a video that are averaged."""


Validation = Literal["none", "one_view", "all_views"]


class LinearProtocol(Frozen):
    """A linear classifier trained on the frozen trunk."""

    kind: Literal["linear"] = "linear"
    optimisation: Optimisation = Optimisation(
        epochs=60, batch_size=512, optimizer=Sgd(lr=2.0), schedule=Cosine(warmup_epochs=8)
    )
    """How the classifier is trained."""
    train_view: View = View(
        size=224, scale=(0.5, 1.0), jitter=Jitter(p=0.0), grey_p=0.0, blur_p=0.0, solarize_p=0.0
    )
    """Augmentation of a training clip."""
    views: EvalClips = EvalClips()
    """Views of a scored video whose probabilities are averaged."""
    validation: Validation = "all_views"
    """What is looked at between epochs: nothing, one centre view, or all the views. Less is faster."""
    validate_every_epochs: PositiveInt = 5
    """Epochs between validations; the last epoch is always validated."""
    final_test: bool = True
    """Score the last and the best classifier on all the views at the end. Off leaves it to a test run."""


class FinetuneProtocol(Frozen):
    """Trunk and a linear classifier trained together, from the checkpoint on."""

    kind: Literal["finetune"] = "finetune"
    optimisation: Optimisation = Optimisation(
        epochs=200, batch_size=64, optimizer=Sgd(lr=0.1), schedule=Cosine()
    )
    """How trunk and classifier are trained."""
    head_lr: PositiveFloat | None = None
    """Base learning rate of the classifier, scaled and scheduled like the trunk's; none for the trunk's own."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.8
    """Share of the features that is left out at random in front of the classifier while it is trained."""
    freeze_trunk_epochs: NonNegativeInt = 0
    """First epochs in which only the classifier is trained."""
    freeze_norms: bool = False
    """Batch normalisation keeps its statistics and weights of the checkpoint."""
    train_view: View = View(
        size=224,
        scale=(0.5, 1.0),
        jitter=Jitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, p=0.8),
        grey_p=0.2,
        blur_p=0.0,
    )
    """Augmentation of a training clip."""
    views: EvalClips = EvalClips()
    """Views of a scored video whose probabilities are averaged."""
    validation: Validation = "all_views"
    """What is looked at between epochs: nothing, one centre view, or all the views. Less is faster."""
    validate_every_epochs: PositiveInt = 5
    """Epochs between validations; the last epoch is always validated."""
    final_test: bool = True
    """Score the last and the best classifier on all the views at the end. Off leaves it to a test run."""

    @model_validator(mode="after")
    def _trunk_is_trained_at_all(self) -> "FinetuneProtocol":
        if self.freeze_trunk_epochs >= self.optimisation.epochs:
            raise ValueError(
                f"freeze_trunk_epochs {self.freeze_trunk_epochs} leaves none of the {self.optimisation.epochs} "
                "epochs to train the trunk in: lower it, or choose the protocol linear"
            )
        return self


class TestProtocol(Frozen):
    """Score the classifiers that a linear probe or a fine-tuning left, without training anything."""

    __test__ = False  # pytest would take the class for a test

    kind: Literal["test"] = "test"
    which: Literal["best", "last", "both"] = "best"
    """The classifier of the best validation, of the last epoch, or both in one pass."""
    views: EvalClips = EvalClips()
    """Views of a scored video whose probabilities are averaged."""


class SvmProtocol(Frozen):
    """Linear support vector machines on the frozen features of a few images of each class, and of all."""

    kind: Literal["svm"] = "svm"
    shots: tuple[PositiveInt, ...] = Field(default=(16, 32, 64), max_length=8)
    """Training items of each class; each number gives a score."""
    draws: PositiveInt = 5
    """Random draws of those items whose scores are averaged."""
    full: bool = True
    """Score the whole training split as well."""
    cost: PositiveFloat = 0.5
    """Weight of a misclassified item against the margin (LIBLINEAR's C)."""
    views: EvalClips = EvalClips(clips=1, crops=1)
    """Views of a video that are averaged."""


class TransferProtocol(Frozen):
    """Logistic regression on frozen features by L-BFGS, its l2 penalty chosen on a part of the training split."""

    kind: Literal["transfer"] = "transfer"
    metric: Literal["top1", "mean_per_class", "mAP"] = "top1"
    """Score that is quoted and that the penalty is chosen by: mean_per_class for classes of unlike size; mAP, the
    mean of the classes' average precisions at 11 points of recall, where a picture may show several classes."""
    smallest_l2: PositiveFloat = 1e-6
    """Smallest penalty that is tried."""
    largest_l2: PositiveFloat = 1e5
    """Largest penalty that is tried."""
    num_l2: Annotated[int, Field(ge=1, le=100)] = 45
    """Penalties that are tried, evenly spaced in their logarithm."""
    validation_split: SplitName | None = None
    """Split that the penalty is chosen on, and that joins the training split in the final fit; without one a share
    of the training split is held out."""
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of each class of the training split that the penalty is chosen on; the final fit takes all of it."""
    max_iterations: PositiveInt = 1000
    """Most steps of L-BFGS."""
    views: EvalClips = EvalClips(clips=1, crops=1)
    """Views of a video that are averaged."""

    @model_validator(mode="after")
    def _range_rises(self) -> "TransferProtocol":
        if self.smallest_l2 > self.largest_l2:
            raise ValueError("smallest_l2 must not be above largest_l2")
        return self


TrainedProtocol = LinearProtocol | FinetuneProtocol
EvalProtocol = Annotated[
    KnnProtocol
    | RetrievalProtocol
    | ExtractProtocol
    | LinearProtocol
    | FinetuneProtocol
    | TestProtocol
    | SvmProtocol
    | TransferProtocol,
    Field(discriminator="kind"),
]


class Planned(Frozen):
    """An evaluation that follows a pretraining's checkpoints by itself."""

    when: Literal["every", "first_and_last", "last"] = "every"
    """Which kept checkpoints are evaluated; the first one is the untrained trunk."""
    protocol: EvalProtocol = KnnProtocol()
    """What is evaluated, and how."""
    data: Data | None = None
    """Data set to evaluate on, or none for the pretraining's own."""


class CheckpointFile(Frozen):
    """A checkpoint on disk, named so that it cannot be mistaken for another."""

    path: FolderPath
    """File, absolute or relative to the runs folder."""
    sha256: Sha256 | None = None
    """Digest of the file. The run refuses a file with another one."""
    branch: Branch = "online"
    """Which trunk is taken; the papers evaluate the online one."""
    trunk: Trunk | None = None
    """Network inside a file that was made elsewhere; none for a checkpoint of SCE Lab, which says it itself."""
    naming: Naming | None = None
    """Whose names a file from elsewhere gives to the weights; none to find it out."""
    prefix: str | None = Field(default=None, max_length=256)
    """What stands before those names, empty for released encoders; none to find it out."""
