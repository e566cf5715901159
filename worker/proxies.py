"""Makes small copies that every browser shows: H.264 for videos, JPEG for images.

``python -m worker.proxies`` does one after the other as lines come in (JSON: source, target) and answers
each with a line: an empty error when the target is there, ``unwritten`` when it is the target's disk that
is in the way and not the source. It is a process of its own, because a broken file may take a decoder
down with it.
"""

import errno
import json
import math
import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.frame import VideoFrame

SHORT_SIDE = 160
LONGEST_S = 6.0
FASTEST = 30
"""Frames per second; a faster video keeps every second, third ... frame."""
UNKNOWN_RATE = Fraction(25)
DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class CannotShow(ValueError):
    """Nothing that can be shown is in the file; the sentence says why."""


def make_proxy(source: Path, target: Path) -> None:
    """Write ``target`` (.mp4 or .jpg), whole or not at all. Raises ``CannotShow`` or ``OSError``."""
    temporary = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        temporary.touch()  # a place that cannot be written is told before the source is looked at
        with opened(source) as container:
            check_pictures(container)
            write = _write_video if target.suffix == ".mp4" else _write_image
            write(container, temporary)
        temporary.replace(target)
    except av.FFmpegError as error:
        if error.errno in DISK_FULL:
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise CannotShow(f"It cannot be decoded: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_pictures(container: InputContainer) -> None:
    """Raises ``CannotShow`` unless there are pictures, in an encoding that is known."""
    if not container.streams.video:
        raise CannotShow("There is no picture in it.")
    context: CodecContext | None = container.streams.video[0].codec_context
    if context is None:
        raise CannotShow("Its pictures have an encoding that is not known here.")


def opened(source: Path) -> InputContainer:
    """A file; or a folder of frames, whose rate only its index knows: a preview may be a little off."""
    if not source.is_dir():
        return av.open(str(source))
    pattern = str(source).replace("%", "%%") + "/%08d.jpg"
    return av.open(pattern, format="image2", options={"framerate": str(UNKNOWN_RATE)})


def small_size(width: int, height: int) -> tuple[int, int]:
    """The size of the copy in pixels: even sides, the shorter at most ``SHORT_SIDE``, never enlarged."""
    scale = min(SHORT_SIDE / min(width, height), 1.0)
    return max(round(width * scale / 2) * 2, 2), max(round(height * scale / 2) * 2, 2)


def _write_video(container: InputContainer, target: Path) -> None:
    stream = container.streams.video[0]
    rate = stream.average_rate or stream.guessed_rate or UNKNOWN_RATE
    keep_every = max(math.ceil(rate / FASTEST), 1)
    frames = _first_frames(container, rate, keep_every)
    first = next(frames, None)
    if first is None:
        raise CannotShow("There is no whole frame in it.")
    width, height = small_size(first.width, first.height)
    with av.open(str(target), "w", options={"movflags": "+faststart"}) as out:
        kept_rate = Fraction(rate / keep_every).limit_denominator(65_535)
        video = out.add_stream("libx264", rate=kept_rate, options={"crf": "27", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.thread_count = 1
        for number, frame in enumerate(_chain(first, frames)):
            small = frame.reformat(width, height, "yuv420p")
            small.pts, small.time_base = number, 1 / kept_rate
            out.mux(video.encode(small))
        out.mux(video.encode(None))


def _first_frames(container: InputContainer, rate: Fraction, keep_every: int) -> Iterator[VideoFrame]:
    """Frames of the first seconds; one that is broken ends it, what came before is kept."""
    longest = max(int(rate * Fraction(LONGEST_S)), 1)
    decoded = container.decode(container.streams.video[0])
    number = -1
    try:
        for number, frame in enumerate(islice(decoded, longest)):
            if number % keep_every == 0:
                yield frame
    except av.FFmpegError:
        if number < 0:  # nothing came before
            raise


def _chain(first: VideoFrame, rest: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    yield first
    yield from rest


def _write_image(container: InputContainer, target: Path) -> None:
    frame = next(iter(container.decode(container.streams.video[0])), None)
    if frame is None:
        raise CannotShow("There is no whole frame in it.")
    width, height = small_size(frame.width, frame.height)
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuvj420p"
    codec.time_base = Fraction(1, 25)
    small = frame.reformat(width, height, "yuvj420p")
    small.pts = 0
    target.write_bytes(b"".join(bytes(packet) for packet in [*codec.encode(small), *codec.encode(None)]))


def main() -> None:
    os.nice(5)  # training goes first
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer_to(Path(asked["source"]), Path(asked["target"]))), flush=True)


def answer_to(source: Path, target: Path) -> dict[str, str | bool]:
    """What is said about one wish."""
    try:
        make_proxy(source, target)
    except CannotShow as problem:
        return {"error": str(problem)}
    except OSError as problem:
        return {"error": str(problem), "unwritten": True}
    return {"error": ""}


if __name__ == "__main__":
    main()
