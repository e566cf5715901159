"""Which reader a video gets: torchcodec where it and FFmpeg's libraries are installed, else PyAV.

``SCELAB_READER`` names one: auto, pyav or torchcodec. AVI says of no frame when it is shown; PyAV's walk counts them.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sce.data import codec, video

VARIABLE = "SCELAB_READER"
Reader = Callable[..., list[NDArray[np.uint8]]]


class NoReader(RuntimeError):
    """The reader that was named is not there; the message has the remedy."""


def read_clips(path: Path, clips: Sequence[Sequence[int]], *, fps: float) -> list[NDArray[np.uint8]]:
    """Clips (T, H, W, 3) of one video, from one open file. Raises UnreadableVideo and NoReader."""
    return reader_for(path)(path, clips, fps=fps)


def reader_for(path: Path) -> Reader:
    """Raises NoReader."""
    wish = os.environ.get(VARIABLE) or "auto"
    if wish not in ("auto", "pyav", "torchcodec"):
        raise NoReader(f"{VARIABLE} is {wish!r}: choose auto, pyav or torchcodec.")
    if wish == "torchcodec" and not codec.version():
        raise NoReader(
            f"{VARIABLE} asks for torchcodec, which does not load here: pip install 'scelab[codec]' and install "
            "FFmpeg, or choose auto."
        )
    if wish == "torchcodec" or (wish == "auto" and path.suffix.lower() != ".avi" and codec.version()):
        return codec.read_clips
    return video.read_clips
