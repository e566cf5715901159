"""A trunk that was trained elsewhere: where its file came from, and how its names were read."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from sce.definition.base import FolderPath, Frozen, Sha256
from sce.definition.data import ImageData, VideoData, Views
from sce.definition.learning import VIDEO_TRUNKS, Trunk
from sce.definition.protocols import Branch, Naming
from sce.definition.runs import Pretrain

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Import(Frozen):
    """A trunk taken over from a file. What its own training did is known only if the file says it."""

    kind: Literal["import"] = "import"
    source: FolderPath
    """File that it was read from."""
    source_sha256: Sha256
    """Digest of that file."""
    trunk: Trunk
    """Network that the weights belong to."""
    naming: Naming
    """Whose names the file gives to the trunk's weights."""
    prefix: str = Field(default="", max_length=256)
    """What stood before those names."""
    branch: Branch = "online"
    """Which of a checkpoint's trunks was taken."""
    num_frames: PositiveInt = 8
    """Frames of a clip that it learned from (video only), as whoever imported it said."""
    clip_s: PositiveFloat = 2.56
    """Duration of a clip that it learned from, in seconds (video only)."""
    origin: str = Field(default="", max_length=500)
    """How it was trained, in the words of whoever imported it."""
    recipe: str = Field(default="", max_length=64)
    """Recipe that it was trained by, as whoever imported it said."""
    pretrain: Pretrain | None = None
    """How it was trained, if the file is a checkpoint of SCE Lab or a recipe was named."""


def learned_as(taken: Import) -> Pretrain:
    """The training that evaluations hold it against: its own, or the data and colours it is said to know."""
    if taken.pretrain is not None:
        return taken.pretrain
    return foreign_pretrain(taken.trunk, num_frames=taken.num_frames, clip_s=taken.clip_s)


def foreign_pretrain(trunk: Trunk, *, num_frames: int, clip_s: float) -> Pretrain:
    """What stands in for the training of a foreign trunk: what it reads, and its colours' mean and deviation."""
    if trunk.kind in VIDEO_TRUNKS:
        data = VideoData(root="elsewhere", num_frames=num_frames, clip_s=clip_s)
        return Pretrain(data=data, trunk=trunk)
    views = Views(mean=IMAGENET_MEAN, std=IMAGENET_STD)
    return Pretrain(data=ImageData(root="elsewhere"), views=views, trunk=trunk)
