"""One file to one file: linked, encoded anew, or cut into pictures. Whole or not at all, so that work can go on."""

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sce.data.entries import VIDEO_SUFFIXES, is_frame_folder
from sce.data.frames import frame_file, probe_frames, read_frames
from sce.data.prepare.wish import Convert
from sce.data.video import Facts, UnreadableVideo, probe, sentence, stream_frames

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Task:
    """``path`` below ``source`` becomes ``made`` below ``target``."""

    path: str
    made: str


@dataclass(frozen=True)
class Outcome:
    """``is_new`` is False for what an earlier preparation left; ``reason`` says why nothing was made."""

    path: str
    is_new: bool = True
    reason: str = ""


def made_path(path: str, convert: Convert) -> str:
    """Where the result lies: the same place, with the suffix of what it is."""
    if convert.how == "link":
        return path
    plain = PurePosixPath(path)
    stem = path.removesuffix(plain.suffix) if plain.suffix.lower() in VIDEO_SUFFIXES else path
    return f"{stem}.mp4" if convert.how == "encode" else stem


def convert_one(source: Path, target: Path, convert: Convert, fps: float, task: Task) -> Outcome:
    """``fps`` is the rate of folders of frames. A full disk is no fault of the file: raises OSError."""
    made = target / task.made
    if is_whole(made):
        return Outcome(task.path, is_new=False)
    if not (source / task.path).exists():
        remedy = "put it back, or take it out of the list that names it."
        return Outcome(task.path, reason=f"The file is not there: {remedy}")
    made.parent.mkdir(parents=True, exist_ok=True)
    temporary = made.with_name(f".{made.name}.{os.getpid()}.part{made.suffix}")
    try:
        _make(source / task.path, temporary, convert, fps)
        temporary.replace(made)
    except UnreadableVideo as error:
        return Outcome(task.path, reason=error.reason)
    finally:
        remove(temporary)
    return Outcome(task.path)


def is_whole(made: Path) -> bool:
    """Names are given last: what has its name is whole."""
    return is_frame_folder(made) if made.is_dir() else made.is_file()


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _make(source: Path, target: Path, convert: Convert, fps: float) -> None:
    if convert.how == "link":
        _link(source, target)
        return
    facts = probe_frames(source, fps) if source.is_dir() else probe(source)
    size = scaled(facts.width, facts.height, convert.short_side, even=convert.how == "encode")
    numbers, rate = resampled(facts, convert.fps)
    pictures = _pictures(source, facts, numbers)
    try:
        if convert.how == "encode":
            _encode(pictures, target, size, rate)
        else:
            _cut(pictures, target, size)
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UnreadableVideo(source, f"It cannot be converted: {sentence(error)}") from error


def _link(source: Path, target: Path) -> None:
    """A second name of the same file, which costs no space; a link where the target is another disk."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=lambda one, other: _link(Path(one), Path(other)))
        return
    try:
        os.link(source.resolve(), target)
    except OSError:
        target.symlink_to(source.resolve())


def scaled(width: int, height: int, short_side: int | None, *, even: bool) -> tuple[int, int]:
    """(width, height) once the short side is as asked; never enlarged."""
    scale = min((short_side or min(width, height)) / min(width, height), 1.0)
    if not even:
        return max(round(width * scale), 1), max(round(height * scale), 1)
    return max(round(width * scale / 2) * 2, 2), max(round(height * scale / 2) * 2, 2)


def resampled(facts: Facts, fps: float | None) -> tuple[list[int], float]:
    """Numbers of the source's frames at a constant rate, each the one on show at its moment; and the rate."""
    if fps is None:
        return list(range(facts.num_frames)), facts.fps
    count = max(round(facts.num_frames / facts.fps * fps), 1)
    numbers = [min(int((number + 0.5) / fps * facts.fps), facts.num_frames - 1) for number in range(count)]
    return numbers, fps


def _pictures(source: Path, facts: Facts, numbers: list[int]) -> Iterator[NDArray[np.uint8]]:
    if not source.is_dir():
        return stream_frames(source, numbers, fps=facts.fps)
    return (read_frames(source, [[number]])[0][0] for number in numbers)


def _encode(pictures: Iterator[NDArray[np.uint8]], target: Path, size: tuple[int, int], fps: float) -> None:
    """H.264 without sound, to be read at random; in this one thread: several files are made at a time.

    A clip is decoded from the key frame before it: one a second, and a stream that costs a decoder little.
    """
    rate = Fraction(fps).limit_denominator(1001)
    options = {"crf": "18", "preset": "veryfast", "tune": "fastdecode", "g": str(max(round(fps), 1))}
    with av.open(str(target), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            small = frame.reformat(*size, "yuv420p", interpolation="BICUBIC")
            small.pts, small.time_base = number, 1 / rate
            container.mux(stream.encode(small))
        container.mux(stream.encode(None))


def _cut(pictures: Iterator[NDArray[np.uint8]], target: Path, size: tuple[int, int]) -> None:
    target.mkdir()
    for number, picture in enumerate(pictures):
        image = Image.fromarray(picture)
        if image.size != size:
            image = image.resize(size, Image.Resampling.BICUBIC)
        image.save(frame_file(target, number), quality=JPEG_QUALITY)
