"""Videos that were cut into pictures: ``FOLDER/%08d.jpg``, counted from 1, at a constant rate."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sce.data.images import read_image
from sce.data.video import Facts, UnreadableVideo

CODEC = "frames"
"""What an index says instead of a codec."""


def frame_file(folder: Path, number: int) -> Path:
    """The picture of a frame, whose number counts from 0 as everywhere else."""
    return folder / f"{number + 1:08d}.jpg"


def read_frames(folder: Path, clips: Sequence[Sequence[int]]) -> list[NDArray[np.uint8]]:
    """Clips of one folder, each (T, H, W, 3); each picture is decoded once. Raises UnreadableVideo."""
    wanted = {number for clip in clips for number in clip}
    pictures = {number: _picture(folder, number) for number in sorted(wanted)}
    return [np.stack([pictures[number] for number in clip]) for clip in clips]


def probe_frames(folder: Path, fps: float, announced: int = 0) -> Facts:
    """Count the pictures, decode the first and last. ``announced`` is how many a list says there are.

    Raises UnreadableVideo, also for a gap: every frame after it would show another moment.
    """
    numbers = sorted(int(file.stem) for file in folder.glob("*.jpg") if file.stem.isdigit())
    if not numbers:
        raise UnreadableVideo(folder, "The folder holds no pictures named 00000001.jpg and on.")
    gap = next((number for number, there in enumerate(numbers, 1) if number != there), None)
    if gap is not None:
        raise UnreadableVideo(folder, f"{gap:08d}.jpg is missing among {len(numbers)}: extract it again.")
    if announced > len(numbers):
        reason = f"It holds {len(numbers)} of the {announced} frames its list announces: extract it again."
        raise UnreadableVideo(folder, reason)
    num_frames = announced or len(numbers)
    height, width, _ = _picture(folder, 0).shape
    if _picture(folder, num_frames - 1).shape != (height, width, 3):
        raise UnreadableVideo(folder, "Its first and last picture differ in size: extract it again.")
    return Facts(num_frames, fps, width, height, CODEC)


def bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.jpg"))


def _picture(folder: Path, number: int) -> NDArray[np.uint8]:
    file = frame_file(folder, number)
    try:
        (picture,) = read_image(file)
        return cast(NDArray[np.uint8], picture)
    except UnreadableVideo as error:
        raise UnreadableVideo(folder, f"{file.name}: {error.reason}") from error
