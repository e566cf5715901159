"""What is kept of a training, and what is measured of it."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from sce.definition.base import FolderPath, Frozen, Sha256
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
    """Short side that a video is scaled to, and side of the square crops."""


class KnnProtocol(Frozen):
    """Weighted vote of the nearest training videos, on the trunk's normalised features."""

    kind: Literal["knn"] = "knn"
    k: PositiveInt = 20
    """Neighbours that vote."""
    temperature: PositiveFloat = 0.07
    """A neighbour's vote is exp(similarity / temperature)."""
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
    validate_every_epochs: PositiveInt = 5
    """Epochs between validations; the last epoch is always validated."""


EvalProtocol = Annotated[
    KnnProtocol | RetrievalProtocol | ExtractProtocol | LinearProtocol, Field(discriminator="kind")
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
