"""Reading videos with the reader that was chosen (``sce.data.choice``): PyAV, or torchcodec where it is named."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sce.data import codec, video
from sce.data.choice import TORCHCODEC, VARIABLE, NoReader, chosen_reader

Reader = Callable[..., list[NDArray[np.uint8]]]


def read_clips(path: Path, clips: Sequence[Sequence[int]], *, fps: float) -> list[NDArray[np.uint8]]:
    """Clips (T, H, W, 3) of one video, from one open file. Raises UnreadableVideo and NoReader."""
    return reader()(path, clips, fps=fps)


def reader() -> Reader:
    """Raises NoReader."""
    if chosen_reader() != TORCHCODEC:
        return video.read_clips
    if not codec.version():
        raise NoReader(
            f"{VARIABLE} asks for torchcodec, which does not load here: pip install 'scelab[codec]' and install "
            "FFmpeg, or choose auto."
        )
    return codec.read_clips
