"""What a training sees of one item: its views as tensors, and in words what was drawn for each.

C = 3 colours - T frames - H, W pixels - S side of a view. Nothing is drawn here: plans and chances are the reader's.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sce.data.clips import Box
from sce.data.index import load_index
from sce.data.readers import Source, TrainReader, ViewPlan
from sce.data.sampler import Draw
from sce.data.views import Augment, Draws, draw
from sce.definition import Evaluation, Pretrain, Views

_JITTERS = ("brightness", "contrast", "saturation", "hue")


class NothingToLookAt(ValueError):
    """No views can be shown; the sentence says why."""


@dataclass(frozen=True)
class Operation:
    """One change of a view: whether it was drawn, how likely that was, and what it does, in words."""

    name: str
    is_applied: bool
    probability: float
    words: str
    values: dict[str, float]


@dataclass(frozen=True)
class Seen:
    """One view: the frames it is cut from, and the tensor that a trunk is fed."""

    plan: ViewPlan
    box: Box
    source_THWC: NDArray[np.uint8]
    fed_CTHW: Tensor
    """float32, normalised."""
    shown_THWC: NDArray[np.uint8]
    """The same in bytes, for an eye."""
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Look:
    """Where a training reads views, and how it changes them."""

    reader: TrainReader
    shape: Views

    def position(self, item: str) -> int:
        """Place of an item, given by that number or by its path. Raises ``NothingToLookAt``."""
        items = self.reader.source.items
        if item.isascii() and item.isdigit() and int(item) < len(items):
            return int(item)
        found = next((place for place, one in enumerate(items) if one.path == item), None)
        if found is None:
            raise NothingToLookAt(
                f"{item} is no readable item of the training split {self.reader.source.split!r}: "
                f"name a path of it, or a number below {len(items)}."
            )
        return found

    def views(self, *, epoch: int, position: int) -> Iterator[Seen]:
        """The very views of an epoch. Raises ``UnreadableVideo``."""
        item = self.reader.source.items[position]
        plans = self.reader.plans(item, Draw(epoch, position))
        for plan, frames in zip(plans, self.reader.pictures(item, plans), strict=True):
            augment = Augment(plan.view, self.shape.mean, self.shape.std)
            clip_CTHW = self.reader.picture_to_view(plan, frames)
            fed_CTHW = augment(clip_CTHW[None], plan.chances[None])[0]
            box = plan.box(height=frames.shape[1], width=frames.shape[2])
            yield Seen(
                plan=plan,
                box=box,
                source_THWC=_in_colour(frames),
                fed_CTHW=fed_CTHW,
                shown_THWC=_in_bytes(fed_CTHW, augment),
                operations=tuple(_operations(plan, box, self.reader.time_difference_p)),
            )


def look(definition: Pretrain | Evaluation, *, seed: int | None = None) -> Look:
    """Raises ``NothingToLookAt`` for an evaluation that trains on no views."""
    shape, seed = _shape(definition), definition.seed if seed is None else seed
    data = definition.data
    items = load_index(Path(data.root)).items(data.train_split)
    source = Source(Path(data.root), data, data.train_split, items)
    return Look(TrainReader(source, shape.views, seed, shape.time_difference_p), shape)


def _shape(definition: Pretrain | Evaluation) -> Views:
    if isinstance(definition, Pretrain):
        return definition.views
    view = getattr(definition.protocol, "train_view", None)
    if view is None:
        raise NothingToLookAt(
            f"The protocol {definition.protocol.kind} trains nothing: it has no augmented views to look at."
        )
    # A classifier sees one view. For an eye its normalisation is undone, whatever it is.
    return Views.model_construct(views=(view,))


def _in_colour(frames_THWC: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.uint8]:
    """Frames of one channel become grey ones of three."""
    if frames_THWC.shape[-1] == 3 and frames_THWC.dtype == np.uint8:
        return frames_THWC.astype(np.uint8, copy=False)
    bytes_THWC = np.clip(np.rint(frames_THWC), 0, 255).astype(np.uint8)
    return np.repeat(bytes_THWC, 3 // bytes_THWC.shape[-1], axis=-1)


def _in_bytes(fed_CTHW: Tensor, augment: Augment) -> NDArray[np.uint8]:
    """Normalisation undone, (T, S, S, C)."""
    x = fed_CTHW * augment.std_C111 + augment.mean_C111
    shown: NDArray[np.uint8] = x.mul(255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0).numpy()
    return shown


def _operations(plan: ViewPlan, box: Box, difference_p: float) -> Iterator[Operation]:
    """Every change of a view in the order in which it is made."""
    view, draws = plan.view, draw(plan.view, plan.chances[None])
    if difference_p:
        words = "Grey difference of consecutive frames"
        yield Operation("time difference", plan.is_difference, difference_p, words, {})
    yield _crop(box, view.size)
    yield _jitter(draws, view.jitter.p)
    yield Operation("grey", bool(draws.greyed), view.grey_p, "All colour is taken away", {})
    sigma, kernel = float(draws.sigma_B[0]), view.blur_kernel
    words = f"Gaussian of {sigma:.2f} px, kernel of {kernel} px"
    yield Operation("blur", bool(draws.blurred), view.blur_p, words, {"sigma": sigma, "kernel": kernel})
    words = "Bright values, from one half up, are inverted"
    yield Operation("solarize", bool(draws.solarized), view.solarize_p, words, {})
    yield Operation("flip", bool(draws.flipped), view.flip_p, "Left and right are exchanged", {})


def _crop(box: Box, size: int) -> Operation:
    words = (
        f"{box.width} x {box.height} px from ({box.left}, {box.top}), "
        f"stretched from {box.width / box.height:.2f} : 1 to {size} x {size}"
    )
    return Operation("crop", True, 1.0, words, {name: float(value) for name, value in box._asdict().items()})


def _jitter(draws: Draws, probability: float) -> Operation:
    factors = {name: float(value) for name, value in zip(_JITTERS, draws.factors_B4[0], strict=True)}
    order = [_JITTERS[kind] for kind in draws.orders_B4[0].tolist()]
    said = {name: f"{name} x {factor:.2f}" for name, factor in factors.items()}
    said["hue"] = f"hue turned by {factors['hue'] * 360:+.0f}°"
    words = ", then ".join(said[name] for name in order)
    return Operation("colour jitter", bool(draws.jittered), probability, words.capitalize(), factors)


def described(seen: Seen, *, fps: float) -> dict[str, object]:
    """A view as JSON: frames, times, box and operations. Of a difference, the first frame of each pair."""
    frames = seen.plan.clips[0]
    _, height, width, _ = seen.source_THWC.shape
    return {
        "size": seen.plan.view.size,
        "start_s": seen.plan.start_s,
        "frames": list(frames),
        "times_s": [math.floor(frame / fps * 1e4 + 0.5) / 1e4 for frame in frames],
        "source_width": width,
        "source_height": height,
        "box": seen.box._asdict(),
        "operations": [asdict(operation) for operation in seen.operations],
    }
