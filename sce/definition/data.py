"""What is learned from, and the views that are made of it."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from sce.definition.base import FolderPath, Frozen, Probability, Share, SplitName


class VideoData(Frozen):
    """Encoded videos, read as clips."""

    kind: Literal["video"] = "video"
    root: FolderPath
    """Folder of the data set: absolute, or relative to the data root. It must lie under a data root."""
    train_split: SplitName = "train"
    """Split that is trained on, or that fills the bank of a retrieval or a k-NN."""
    val_split: SplitName = "val"
    """Split that is scored. It is never trained on."""
    num_frames: PositiveInt = 8
    """Frames in a clip, spread evenly over its duration."""
    clip_s: PositiveFloat = 2.56
    """Duration of a clip in seconds."""


class ImageData(Frozen):
    """Images in one folder per class; an image is a video of one frame."""

    kind: Literal["image"] = "image"
    root: FolderPath
    """Folder of the data set: absolute, or relative to the data root. It must lie under a data root."""
    train_split: SplitName = "train"
    """Split that is trained on, or that fills the bank of a retrieval or a k-NN."""
    val_split: SplitName = "val"
    """Split that is scored. It is never trained on."""

    @property
    def num_frames(self) -> int:
        return 1

    @property
    def clip_s(self) -> float:
        return 1.0


Data = Annotated[VideoData | ImageData, Field(discriminator="kind")]


class Jitter(Frozen):
    """Colour jitter; the four changes are applied in a random order."""

    brightness: NonNegativeFloat = 0.8
    """Brightness factor is drawn from [1 - this, 1 + this]."""
    contrast: NonNegativeFloat = 0.8
    """Contrast factor is drawn from [1 - this, 1 + this]."""
    saturation: NonNegativeFloat = 0.4
    """Saturation factor is drawn from [1 - this, 1 + this]."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    """Hue is turned by up to this share of the colour circle, either way."""
    p: Probability = 0.8
    """Probability that a clip is jittered at all."""


class ResizedCrop(Frozen):
    """A random part of the picture, by the view's scale and ratio, stretched to the square."""

    kind: Literal["resized"] = "resized"


class ShortSideCrop(Frozen):
    """The picture is scaled until its short side measures a random number of pixels, then a random square is cut."""

    kind: Literal["short_side"] = "short_side"
    short_side: tuple[PositiveInt, PositiveInt] = (256, 320)
    """Smallest and largest short side, both included; not below the view's size."""

    @model_validator(mode="after")
    def _range_rises(self) -> "ShortSideCrop":
        if self.short_side[0] > self.short_side[1]:
            raise ValueError("short_side must go from its smaller to its larger value")
        return self


class PaddedCrop(Frozen):
    """The picture is scaled to the view's size, framed in black, and a random square is cut of it."""

    kind: Literal["padded"] = "padded"
    padding: PositiveInt = 4
    """Black pixels on every side."""


Crop = Annotated[ResizedCrop | ShortSideCrop | PaddedCrop, Field(discriminator="kind")]


class View(Frozen):
    """How one view is made from a clip: a random crop, then colour changes, one draw for all its frames."""

    size: PositiveInt = 224
    """Side of the square crop, in pixels."""
    crop: Crop = ResizedCrop()
    """How the square is taken from the picture."""
    scale: tuple[Share, Share] = (0.2, 0.766)
    """Smallest and largest share of the picture's area that a resized crop covers."""
    ratio: tuple[PositiveFloat, PositiveFloat] = (0.75, 1.3333)
    """Narrowest and widest aspect ratio of a resized crop before it is made square."""
    jitter: Jitter = Jitter()
    """Colour jitter of this view."""
    grey_p: Probability = 0.2
    """Probability that the view loses its colour."""
    blur_p: Probability = 1.0
    """Probability of a Gaussian blur, sigma drawn from [0.1, 2.0]."""
    blur_kernel: Annotated[int, Field(ge=3)] = 23
    """Side of the blur's kernel in pixels, an odd number; its half must be below the view's size."""
    solarize_p: Probability = 0.0
    """Probability that bright pixels are inverted."""
    flip_p: Probability = 0.5
    """Probability of a left-right flip. Set 0 where left and right are different classes."""

    @model_validator(mode="after")
    def _ranges_rise(self) -> "View":
        if self.scale[0] > self.scale[1]:
            raise ValueError("scale must go from its smaller to its larger value")
        if self.ratio[0] > self.ratio[1]:
            raise ValueError("ratio must go from its smaller to its larger value")
        if isinstance(self.crop, ShortSideCrop) and self.crop.short_side[0] < self.size:
            raise ValueError(
                f"crop.short_side begins at {self.crop.short_side[0]}, below size {self.size}: no square of that "
                "size fits; raise it to the size or more"
            )
        return self

    @model_validator(mode="after")
    def _kernel_fits(self) -> "View":
        if self.blur_kernel % 2 == 0:
            raise ValueError(f"blur_kernel {self.blur_kernel} has no middle pixel: choose an odd number")
        if self.blur_p and self.blur_kernel // 2 >= self.size:
            raise ValueError(
                f"blur_kernel {self.blur_kernel} reaches past a whole picture of size {self.size}: "
                f"lower it to {2 * self.size - 1} or less, or set blur_p to 0"
            )
        return self


class Views(Frozen):
    """The views of one video that pretraining compares. Only the first two, the global crops, are ever targets."""

    views: tuple[View, ...] = Field(
        default=(View(), View(blur_p=0.1, solarize_p=0.2)), min_length=1, max_length=12
    )
    """One entry a view; global crops first, then any smaller local crops."""
    time_difference_p: Probability = 0.0
    """Probability that a clip is replaced by the grey difference of its consecutive frames (video only)."""
    mean: tuple[float, float, float] = (0.45, 0.45, 0.45)
    """Mean subtracted from each colour channel, after scaling to [0, 1]."""
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (0.225, 0.225, 0.225)
    """Deviation that each colour channel is divided by."""
