"""From decoded frames to the square uint8 clips that travel to the device: difference, crop, resize.

T frames - H, W pixels - C = 3 colours - S side of the square - V views. Done by loader processes, on the CPU.
Clips are named (3, T, H, W) and lie in memory as decoded, colours last: rows are copied, and no pixel is turned.
"""

from collections.abc import Sequence
from itertools import product

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
    frames_TCHW = frames_TCHW.expand(-1, 3, -1, -1)
    return frames_TCHW.contiguous(memory_format=torch.channels_last).transpose(0, 1)


def squares(frames_CTHW: Tensor, clips: Sequence[Sequence[int]], boxes: Sequence[Box]) -> Tensor:
    """Every box of every clip, (V, 3, T, S, S), clip by clip; a clip says where in ``frames_CTHW`` its frames are."""
    frames_THWC, size = frames_CTHW.permute(1, 2, 3, 0).numpy(), boxes[0].height
    views = np.empty((len(clips) * len(boxes), len(clips[0]), size, size, 3), np.uint8)
    for view, (clip, box) in zip(views, product(clips, boxes), strict=True):
        rows, columns = slice(box.top, box.top + size), slice(box.left, box.left + size)
        for square, place in zip(view, clip, strict=True):
            square[:] = frames_THWC[place, rows, columns]
    return torch.from_numpy(views).movedim(-1, 1)


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
    # Turned so that padding, too, leaves the colours last.
    return F.pad(frames_CTHW.transpose(0, 1), (padding,) * 4).transpose(0, 1) if padding else frames_CTHW
