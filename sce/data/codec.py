"""The second video reader, torchcodec: an optional extra that needs FFmpeg's libraries on the host.

It gives the frames that ``sce.data.video`` gives, by the same numbers, within the rounding of colours.
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sce.data.video import UnreadableVideo, sentence


@cache
def version() -> str:
    """torchcodec's version; empty where it, or a library that it needs, is not there."""
    try:
        import_module("torchcodec.decoders")  # FFmpeg's libraries are looked for here
        return metadata.version("torchcodec")
    except (ImportError, RuntimeError, OSError):
        return ""


def read_clips(path: Path, clips: Sequence[Sequence[int]], *, fps: float) -> list[NDArray[np.uint8]]:
    """As ``sce.data.video.read_clips``: clips (T, H, W, 3) from one open file. Raises UnreadableVideo."""
    wanted = sorted({number for clip in clips for number in clip})
    try:
        decoder = _decoder(path)
        begin_s, end_s = decoder.metadata.begin_stream_seconds, decoder.metadata.end_stream_seconds
        # The middle of a frame's time on show: rounded timestamps lie at most half of it off.
        moments = [begin_s + (number + 0.5) / fps for number in wanted]
        last_s = end_s - 0.25 / fps
        shown = decoder.get_frames_played_at([min(moment, last_s) for moment in moments]).data.numpy()
    except (RuntimeError, ValueError, IndexError) as error:
        reason = sentence(Exception(str(error).splitlines()[0] if str(error) else type(error).__name__))
        raise UnreadableVideo(path, f"It cannot be decoded: {reason}") from error
    place = {number: at for at, number in enumerate(wanted)}
    return [_taken(shown, [place[number] for number in clip]) for clip in clips]


def _taken(shown: NDArray[np.uint8], places: list[int]) -> NDArray[np.uint8]:
    """Frames of a batch; where they follow on each other, as of clips that do not overlap, without a copy."""
    first, end = places[0], places[0] + len(places)
    return shown[first:end] if places == list(range(first, end)) else shown[places]


def _decoder(path: Path) -> Any:
    decoders = import_module("torchcodec.decoders")
    return decoders.VideoDecoder(str(path), dimension_order="NHWC", num_ffmpeg_threads=1, seek_mode="exact")
