"""From decoded frames to the square uint8 clips that travel to the device: difference, crop, resize.

T frames - H, W pixels - C = 3 colours - S side of the square. Done by loader processes, on the CPU.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sce.data.clips import Box

Frames = NDArray[np.uint8] | NDArray[np.float32]
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)


def crop_resized(frames_THWC: Frames, box: Box, size: int, *, antialias: bool) -> Tensor:
    """A part of each frame, stretched to a square: (3, T, S, S) uint8, bilinear."""
    part = frames_THWC[:, box.top : box.top + box.height, box.left : box.left + box.width]
    return resized(part, size, size, antialias=antialias)


def resized(frames_THWC: Frames, height: int, width: int, *, antialias: bool) -> Tensor:
    """(3, T, height, width) uint8, bilinear. Antialiasing is for images; the papers do without it in video.

    Frames of one channel become grey ones of three.
    """
    # The permuted view is channels-last, for which uint8 interpolation has its fast path.
    frames_TCHW = torch.from_numpy(frames_THWC).permute(0, 3, 1, 2)
    if frames_TCHW.shape[-2:] != (height, width):
        frames_TCHW = F.interpolate(frames_TCHW, (height, width), mode="bilinear", antialias=antialias)
    if frames_TCHW.is_floating_point():
        frames_TCHW = frames_TCHW.round_().clamp_(0, 255).to(torch.uint8)
    return frames_TCHW.transpose(0, 1).expand(3, -1, -1, -1).contiguous()


def cut(frames_CTHW: Tensor, box: Box) -> Tensor:
    """A part of frames that are tensors already."""
    return frames_CTHW[..., box.top : box.top + box.height, box.left : box.left + box.width]


def difference(frames_THWC: NDArray[np.uint8], next_THWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey difference of consecutive frames, (I_t - I_t+1 + 255) / 2 in [0, 255], (T, H, W, 1).

    Appendix of arXiv 2212.11187. Float until after the resize, then rounded once.
    """
    grey, after = frames_THWC.astype(np.float32) @ _LUMA, next_THWC.astype(np.float32) @ _LUMA
    halves: NDArray[np.float32] = np.multiply(grey - after + 255, 0.5, dtype=np.float32)
    return halves[..., None]


def padded(frames_CTHW: Tensor, padding: int) -> Tensor:
    """A black frame of ``padding`` pixels around each picture."""
    return F.pad(frames_CTHW, (padding,) * 4)
