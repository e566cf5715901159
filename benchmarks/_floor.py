"""What no exact reader in this decoder can spare: the frames asked for and the reference frames before them.

From each key frame on, they are decoded and dropped: no picture is turned into colours, copied, scaled or cut.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import av

from benchmarks._videos import Known


def decoder_alone(known: Known, clips: Iterable[Sequence[int]]) -> None:
    """The least decoding for some clips of a video of constant rate, in one thread."""
    file, facts = known
    wanted, keys = sorted({number for clip in clips for number in clip}), _key_frames(file)
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        ticks = 1 / (facts.fps * float(stream.time_base or 1))
        for key, numbers in groupby(wanted, lambda number: max(key for key in keys if key <= number)):
            asked = {round(number * ticks) for number in numbers}
            container.seek(round(key * ticks), stream=stream)
            for packet in container.demux(stream):
                stream.codec_context.skip_frame = "DEFAULT" if packet.pts in asked else "NONREF"
                if max((frame.pts or 0 for frame in packet.decode()), default=-1) >= max(asked):
                    break


@cache
def _key_frames(file: Path) -> tuple[int, ...]:
    """Numbers of the frames from which decoding can begin; looked up once, and not part of what is timed."""
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        frame_s = float(stream.time_base or 1) * float(stream.average_rate or 1)
        packets = [packet for packet in container.demux(stream) if packet.is_keyframe]
        return tuple(round((packet.pts or 0) * frame_s) for packet in packets)
