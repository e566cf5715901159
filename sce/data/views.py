"""Colour changes of clips, batched on whatever device they lie on.

B clips - C = 3 colours - T frames - H, W pixels - N clips chosen for one change - U chances of a clip. What is random
comes with the clips, drawn by whoever read them: the same item of the same epoch and seed gives the same views on
every device, in every batch, and to whoever looks at it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sce.data.clips import CHANCES
from sce.data.module import ClipBatch
from sce.definition import View

_SIGMA = (0.1, 2.0)
_LUMA = (0.299, 0.587, 0.114)
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE = range(4)


class Normalise(nn.Module):
    """uint8 (..., 3, T, H, W) -> float32: scaled to [0, 1], less the mean, over the deviation."""

    mean_C111: Tensor
    std_C111: Tensor

    def __init__(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        super().__init__()
        self.register_buffer("mean_C111", torch.tensor(mean).view(3, 1, 1, 1), persistent=False)
        self.register_buffer("std_C111", torch.tensor(std).view(3, 1, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        return _floats(clips).div_(255).sub_(self.mean_C111).div_(self.std_C111)


def _floats(clips: Tensor) -> Tensor:
    """float32, colour by colour in memory: readers leave colours last, and floats are turned faster than bytes."""
    return clips.to(torch.float32).contiguous()


class Augment(nn.Module):
    """A view of each clip: jitter, grey, blur, solarize, flip, normalise (uint8 in, float32 out).

    Laws: section 4 and table 1 of arXiv 2111.14585 (images), one draw per clip for all its frames in video.
    """

    mean_C111: Tensor
    std_C111: Tensor

    def __init__(self, view: View, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        super().__init__()
        self.view = view
        self.register_buffer("mean_C111", torch.tensor(mean).view(3, 1, 1, 1), persistent=False)
        self.register_buffer("std_C111", torch.tensor(std).view(3, 1, 1, 1), persistent=False)

    @torch.no_grad()
    def forward(self, clips_BCTHW: Tensor, chances_BU: NDArray[np.float32]) -> Tensor:
        """(B, 3, T, S, S) uint8 -> float32. ``chances_BU`` decide; they stay in the CPU's memory."""
        draws = draw(self.view, chances_BU)
        x = _floats(clips_BCTHW).div_(255)
        # Autocast would blur in half precision: the same seed gives the same views whatever the precision.
        with torch.autocast(x.device.type, enabled=False):
            jitter_(x, draws)
            grey_(x, draws.greyed)
            blur_(x, draws.blurred, draws.sigma_B, kernel=self.view.blur_kernel)
            solarize_(x, draws.solarized)
            flip_(x, draws.flipped)
        return x.sub_(self.mean_C111).div_(self.std_C111)


@dataclass(frozen=True)
class Draws:
    """What was drawn for B clips, on the CPU. Rows name the clips that a change touches."""

    jittered: list[int]
    factors_B4: Tensor
    """Brightness, contrast and saturation factors, and the hue's turn in shares of the circle."""
    orders_B4: Tensor
    """The order of the four jitters, e.g. (2, 0, 3, 1)."""
    greyed: list[int]
    blurred: list[int]
    sigma_B: Tensor
    """Deviation of the blur in pixels."""
    solarized: list[int]
    flipped: list[int]


def augmented(augment: nn.ModuleList, batch: ClipBatch) -> list[Tensor]:
    """Each view of a batch through its own ``Augment``."""
    views: Sequence[tuple[Tensor, NDArray[np.float32]]] = tuple(zip(batch.views, batch.chances, strict=True))
    return [one(clips, chances) for one, (clips, chances) in zip(augment, views, strict=True)]


def draw(view: View, chances_BU: NDArray[np.float32]) -> Draws:
    """What uniform chances in [0, 1) mean for a view: each change has its own, whatever the others are."""
    u = torch.from_numpy(np.ascontiguousarray(chances_BU.T))
    assert len(u) == CHANCES
    jitter = view.jitter
    reach = torch.tensor([jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue])
    factors = torch.tensor([1.0, 1.0, 1.0, 0.0]) + (2 * u[:4].T - 1) * reach
    factors[:, :_HUE].clamp_(min=0)
    return Draws(
        jittered=_rows(u[4] < jitter.p),
        factors_B4=factors,
        orders_B4=u[5:9].T.argsort(dim=1),
        greyed=_rows(u[9] < view.grey_p),
        blurred=_rows(u[10] < view.blur_p),
        sigma_B=_SIGMA[0] + u[11] * (_SIGMA[1] - _SIGMA[0]),
        solarized=_rows(u[12] < view.solarize_p),
        flipped=_rows(u[13] < view.flip_p),
    )


def _rows(chosen_B: Tensor) -> list[int]:
    return [int(row) for row in chosen_B.nonzero().ravel()]


def jitter_(x_BCTHW: Tensor, draws: Draws) -> None:
    """The four colour jitters, each clip in its own order, clamped to [0, 1] after each."""
    changes = {_BRIGHTNESS: _brighten_, _CONTRAST: _contrast_, _SATURATION: _saturate_, _HUE: _turn_hue_}
    for place in range(4):
        for kind, change in changes.items():
            rows = [row for row in draws.jittered if draws.orders_B4[row, place] == kind]
            _change_(x_BCTHW, rows, draws.factors_B4[:, kind], change)


def grey_(x_BCTHW: Tensor, rows: list[int]) -> None:
    """Luma in all three channels."""
    _change_(x_BCTHW, rows, torch.zeros(len(x_BCTHW)), lambda x, _: x.copy_(_luma(x).expand_as(x)))


def blur_(x_BCTHW: Tensor, rows: list[int], sigma_B: Tensor, *, kernel: int) -> None:
    """Gaussian blur by a kernel of ``kernel`` x ``kernel`` pixels (odd), edges reflected."""
    _change_(x_BCTHW, rows, sigma_B, partial(_blur_, radius=kernel // 2))


def solarize_(x_BCTHW: Tensor, rows: list[int]) -> None:
    """Values of at least 0.5 are inverted."""
    _change_(x_BCTHW, rows, torch.zeros(len(x_BCTHW)), lambda x, _: x.copy_(torch.where(x < 0.5, x, 1 - x)))


def flip_(x_BCTHW: Tensor, rows: list[int]) -> None:
    """Left and right exchanged."""
    _change_(x_BCTHW, rows, torch.zeros(len(x_BCTHW)), lambda x, _: x.copy_(x.flip(-1)))


Change = Callable[[Tensor, Tensor], object]


def _change_(x_BCTHW: Tensor, rows: list[int], values_B: Tensor, change: Change) -> None:
    """Change some clips in place, each by its own value (given as N,1,1,1,1)."""
    if not rows:
        return
    if x_BCTHW.device.type == "cpu":
        # One by one: a clip stays in the cache, and nothing is gathered or scattered.
        for row in rows:
            change(x_BCTHW[row : row + 1], values_B[row].view(1, 1, 1, 1, 1))
        return
    chosen = torch.tensor(rows).to(x_BCTHW.device, non_blocking=True)
    part = x_BCTHW[chosen]
    change(part, values_B[rows].to(part, non_blocking=True).view(-1, 1, 1, 1, 1))
    x_BCTHW[chosen] = part


def _luma(x_NCTHW: Tensor) -> Tensor:
    red, green, blue = (x_NCTHW[:, channel : channel + 1] for channel in range(3))
    return red.mul(_LUMA[0]).add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2])


def _brighten_(x: Tensor, factor: Tensor) -> None:
    x.mul_(factor).clamp_(0, 1)


def _contrast_(x: Tensor, factor: Tensor) -> None:
    """Away from or towards the mean luma of each frame."""
    mean = _luma(x.mean(dim=(-2, -1), keepdim=True))
    x.mul_(factor).add_(mean * (1 - factor)).clamp_(0, 1)


def _saturate_(x: Tensor, factor: Tensor) -> None:
    grey = _luma(x).mul_(1 - factor)
    x.mul_(factor).add_(grey).clamp_(0, 1)


def _turn_hue_(x: Tensor, turn: Tensor) -> None:
    """HSV's hue turned by a share of the circle; value and saturation stay."""
    red, green, blue = (x[:, channel] for channel in range(3))
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    per_chroma = chroma.clamp(min=1e-8).reciprocal_()
    from_green = (blue - red).mul_(per_chroma).add_(2)
    from_blue = (red - green).mul_(per_chroma).add_(4)
    sixths = torch.where(value == green, from_green, from_blue)
    sixths = torch.where(value == red, (green - blue).mul_(per_chroma), sixths).add_(6 * turn[..., 0])
    for channel, corner in enumerate((5, 3, 1)):
        x[:, channel] = value - _distance(sixths + corner).mul_(chroma)


def _distance(sixths: Tensor) -> Tensor:
    """How far a channel lies below the value, in chromas, at an angle counted from its own corner."""
    # Minus six times the whole turns: torch's remainder takes ten times as long.
    sixths.sub_(torch.floor(sixths / 6).mul_(6))
    return torch.minimum(sixths, 4 - sixths).clamp_(0, 1)


def _blur_(x: Tensor, sigma: Tensor, *, radius: int) -> None:
    n, _, t, height, width = x.shape
    offsets = torch.arange(-radius, radius + 1, device=x.device)
    weights_NK = torch.softmax(-(offsets**2) / (2 * sigma.view(-1, 1) ** 2), dim=1)
    # Every plane is a channel with a kernel of its own, so that one convolution blurs clips of unlike sigma.
    planes = 3 * t * n
    kernels = weights_NK.repeat_interleave(3 * t, dim=0).view(planes, 1, 1, -1)
    flat = x.view(1, planes, height, width)
    flat = F.conv2d(F.pad(flat, (radius, radius, 0, 0), "reflect"), kernels, groups=planes)
    kernels = kernels.transpose(2, 3)
    flat = F.conv2d(F.pad(flat, (0, 0, radius, radius), "reflect"), kernels, groups=planes)
    x.copy_(flat.view_as(x))
