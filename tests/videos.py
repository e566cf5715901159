"""Real encoded videos for tests: frames that carry their own number, good files and broken ones."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

NUMBER_BITS = 12


def numbered_frames(num_frames: int, *, height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """(T, H, W, 3) frames whose number can be read back after lossy coding: one grey block per bit."""
    frames = np.full((num_frames, height, width, 3), 128, np.uint8)
    block = width // NUMBER_BITS
    for number, frame in enumerate(frames):
        for bit in range(NUMBER_BITS):
            frame[: height // 2, bit * block : (bit + 1) * block] = 230 if number >> bit & 1 else 25
    return frames


def read_number(frame_HWC: NDArray[np.uint8]) -> int:
    """The number that ``numbered_frames`` drew into a frame."""
    height, width = frame_HWC.shape[:2]
    block = width // NUMBER_BITS
    middles = [
        frame_HWC[height // 8 : height // 3, bit * block + 2 : (bit + 1) * block - 2].mean()
        for bit in range(NUMBER_BITS)
    ]
    return sum(1 << bit for bit, level in enumerate(middles) if level > 128)


def encode(
    path: Path,
    frames_THWC: NDArray[np.uint8],
    fps: int = 25,
    codec: str = "libx264",
    *,
    gop: int = 12,
    b_frames: int = 0,
) -> Path:
    """Write frames as a video; the suffix chooses the container. avi with ``mpeg4`` is tagged XVID."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=_options(codec, gop, b_frames))
        stream.height, stream.width = frames_THWC.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        if codec == "mpeg4" and path.suffix == ".avi":
            stream.codec_context.codec_tag = "XVID"
        for frame in frames_THWC:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _options(codec: str, gop: int, b_frames: int) -> dict[str, str]:
    if codec == "libx264":
        return {"preset": "veryfast", "crf": "20", "g": str(gop), "bf": str(b_frames)}
    if codec == "mpeg4":
        return {"qmin": "2", "qmax": "5", "g": str(gop), "bf": str(b_frames)}
    return {"g": str(gop), "crf": "20", "b": "1M", "deadline": "realtime", "cpu-used": "8"}


def encode_audio_only(path: Path) -> Path:
    """A tone without pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        tone = np.sin(np.arange(44100) * 0.05, dtype=np.float32)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def encode_without_frames(path: Path) -> Path:
    """A container that announces a video stream and holds no frame of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    return path


def with_unknown_codec(avi: bytes) -> bytes:
    """The header calls its pictures by a name that no decoder has."""
    name = avi[avi.index(b"vids") + 4 :][:4]
    return avi.replace(name, b"ZZZZ")
