"""Reading videos: the one place that touches a decoder (PyAV).

A frame is named by its number on the video's own clock, ``time = number / fps`` from its first frame, and found by
presentation time: of a constant rate it is that very frame, of a variable one the frame on show at that moment.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

# Without an index of keyframes, a jump is tried when it spares at least so much decoding.
_BLIND_JUMP_S = 1.5
# Steps back, in seconds, when a jump lands behind its aim: timestamps of reordered streams run ahead.
_BACK_OFF_S = (0.0, 0.5, 2.0, 8.0)
# So long after its begin a frame of a constant rate may be taken for the one on show: its due, and some jitter.
_REACH_FRAMES = 1.25
# A file that ends so many frames early still shows its last frame.
_MISSING_TAIL_FRAMES = 2


class UnreadableVideo(Exception):
    """A file that gives no pictures; ``reason`` is one sentence."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What an index knows of a file. ``fps`` is the mean rate; the duration is ``num_frames / fps``."""

    num_frames: int
    fps: float
    width: int
    height: int
    codec: str


def read_clips(path: Path, clips: Sequence[Sequence[int]], *, fps: float) -> list[NDArray[np.uint8]]:
    """Clips of one video, each (T, H, W, 3), from one open file and one pass. Raises UnreadableVideo.

    A clip is a list of frame numbers; a number may come twice, in one clip or in several.
    """
    wanted = sorted({number for clip in clips for number in clip})
    with _opened(path) as (container, stream):
        walk = _Walk(path, container, stream, fps, wanted)
        return _filled(clips, ((number, walk.seen(number)) for number in wanted))


def _filled(
    clips: Sequence[Sequence[int]], pictures: Iterable[tuple[int, NDArray[np.uint8]]]
) -> list[NDArray[np.uint8]]:
    """Each picture put where it is asked for as it comes: thirty views of a large video are held once, not twice."""
    places: dict[int, list[tuple[int, int]]] = {}
    for which, clip in enumerate(clips):
        for place, number in enumerate(clip):
            places.setdefault(number, []).append((which, place))
    filled: list[NDArray[np.uint8]] = []
    for number, picture in pictures:
        filled = filled or [np.empty((len(clip), *picture.shape), np.uint8) for clip in clips]
        for which, place in places[number]:
            filled[which][place] = picture
    return filled


def stream_frames(path: Path, numbers: Sequence[int], *, fps: float) -> Iterator[NDArray[np.uint8]]:
    """Frames (H, W, 3) one after the other, in one pass; numbers must not fall. Raises UnreadableVideo."""
    with _opened(path) as (container, stream):
        walk = _Walk(path, container, stream, fps, numbers)
        for number in numbers:
            yield walk.picture(number)


def probe(path: Path) -> Facts:
    """Read a file through without decoding it, then decode its first and last frame. Raises UnreadableVideo."""
    if path.stat().st_size == 0:
        raise UnreadableVideo(path, "The file is empty.")
    with _opened(path) as (container, stream):
        times = _packet_times(container, stream)
        if not times:
            raise UnreadableVideo(path, "Its video stream has no frames.")
        if stream.frames > len(times) + _MISSING_TAIL_FRAMES:
            reason = f"The file is cut off: it holds {len(times)} of the {stream.frames} frames it announces."
            raise UnreadableVideo(path, reason)
        context = stream.codec_context
        _try_frame(path, container, stream, times[0], "first")
        _try_frame(path, container, stream, times[-1], "last")
        return Facts(len(times), _rate(stream, times), context.width, context.height, context.name)


def sentence(error: Exception) -> str:
    """An error's own words, with a full stop."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).rstrip(".") + "."


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream, ready to decode in this one thread."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = _video_stream(path, container)
            # Loader processes already fill the cores: a second thread each makes all of them wait.
            stream.codec_context.thread_count = 1
            yield container, stream
    except av.FFmpegError as error:
        raise UnreadableVideo(path, f"It cannot be decoded: {sentence(error)}") from error


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    # The picture on the cover of a sound file is a video stream too.
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if streams:
        return _known(path, streams[0])
    only = ", only audio" if container.streams.audio else ""
    raise UnreadableVideo(path, f"It has no video stream{only}.")


def _known(path: Path, stream: VideoStream) -> VideoStream:
    context: CodecContext | None = stream.codec_context  # None where no decoder is known for it
    if context is None:
        raise UnreadableVideo(path, "Its video stream has an encoding that is not known here.")
    return stream


def _packet_times(container: InputContainer, stream: VideoStream) -> list[int]:
    """Presentation times of all frames in ticks, sorted. AVI has no such times; its frame numbers stand in."""
    packets = (packet for packet in container.demux(stream) if packet.size and not packet.is_discard)
    times = [packet.pts if packet.pts is not None else packet.dts for packet in packets]
    return sorted(time for time in times if time is not None)


def _rate(stream: VideoStream, times: list[int]) -> float:
    """Mean frames per second: the announced rate where the frames keep to it."""
    announced = float(stream.average_rate or stream.guessed_rate or 25)
    span_s = (times[-1] - times[0]) * float(stream.time_base or 0)
    measured = (len(times) - 1) / span_s if span_s > 0 else announced
    return announced if abs(measured / announced - 1) < 0.01 else measured


def _try_frame(path: Path, container: InputContainer, stream: VideoStream, time: int, which: str) -> None:
    try:
        container.seek(time, stream=stream)
        if next(container.decode(stream), None) is not None:
            return
    except av.FFmpegError as error:
        raise UnreadableVideo(path, f"Its {which} frame cannot be decoded: {sentence(error)}") from error
    raise UnreadableVideo(path, f"Its {which} frame cannot be decoded.")


def _has_no_times(container: InputContainer) -> bool:
    """AVI stores no presentation times: they are guessed from the order of the packets."""
    return container.format.name == "avi"


def _is_constant(stream: VideoStream) -> bool:
    """Whether frames last as long as they say: at a variable rate, MP4 tells of B-frames how long others last."""
    base, average = float(stream.base_rate or 0), float(stream.average_rate or 0)
    return abs(base - average) <= 1e-4 * average


def _start(container: InputContainer, stream: VideoStream, first: "Packet[VideoStream]") -> int:
    """Presentation time of the first frame, in ticks."""
    if _has_no_times(container) and first.pts is not None:
        return first.pts
    return stream.start_time or 0


def _untangled(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """Frames in the order of their times, where "packed" B-frames (XviD) gave neighbours each other's.

    The decoder's order is the order of display; it is the guessed times that are exchanged.
    """
    held: VideoFrame | None = None
    for frame in frames:
        if held is not None:
            if held.pts is not None and frame.pts is not None and frame.pts < held.pts:
                held.pts, frame.pts = frame.pts, held.pts
            yield held
        held = frame
    if held is not None:
        yield held


def _unpadded(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, 3 W) of padded lines as (H, W, 3), without a copy."""
    height, width = lines.shape[0], lines.shape[1] // 3
    return np.lib.stride_tricks.as_strided(lines, (height, width, 3), (lines.strides[0], 3, 1))


class _Walk:
    """A forward walk over one video that jumps between keyframes where this spares decoding."""

    def __init__(
        self, path: Path, container: InputContainer, stream: VideoStream, fps: float, wanted: Sequence[int]
    ) -> None:
        self._path, self._container, self._stream, self._fps = path, container, stream, fps
        self._tick_s = float(stream.time_base or 1)
        packets = container.demux(stream)
        first = next(packets)
        self._start = _start(container, stream, first)
        # Keyframes are indexed by decoding time, which runs ahead of presentation by this much.
        self._lag = first.pts - first.dts if first.pts is not None and first.dts is not None else 0
        # MP4's own seek allows for that; the others are told less.
        self._lead = 0 if container.format.name.startswith("mov") else self._lag
        self._frames = self._decoded(chain([first], packets))
        self._held: VideoFrame | None = None
        self._ahead: VideoFrame | None = None
        self._fed = self._start
        # Times of the pictures to come; frames out of their reach that no other needs are not decoded.
        self._moments = [self._moment(number) for number in wanted]
        self._reach_s = _REACH_FRAMES / fps
        self._may_skip = not _has_no_times(container)
        self._is_constant = _is_constant(stream)
        self._size: tuple[int, int] | None = None
        self._colours = VideoReformatter()

    def picture(self, number: int) -> NDArray[np.uint8]:
        """(H, W, 3) of a frame; numbers must not fall from call to call."""
        return self.seen(number).copy()

    def seen(self, number: int) -> NDArray[np.uint8]:
        """The same, uncopied: a window on the decoder's own picture, whose lines may be padded."""
        frame = self._shown_at(self._moment(number))
        self._size = self._size or (frame.width, frame.height)
        width, height = self._size
        plane = self._colours.reformat(frame, width, height, "rgb24", threads=1).planes[0]
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, : 3 * width]
        return lines.reshape(height, width, 3) if plane.line_size == 3 * width else _unpadded(lines)

    def _moment(self, number: int) -> float:
        """The middle of a frame's time on show: rounded timestamps lie at most half of it off."""
        return (number + 0.5) / self._fps

    def _shown_at(self, time_s: float) -> VideoFrame:
        """The frame on show, looked for again with nothing skipped where a skipped one may be nearer."""
        frame = self._found(time_s)
        if not self._may_skip or time_s <= self._time_s(frame) + self._reach_s:
            return frame
        self._may_skip = False
        self._jump(time_s)
        return self._found(time_s)

    def _found(self, time_s: float) -> VideoFrame:
        """The last of the decoded frames that begins before a moment."""
        if self._pays_to_jump(time_s):
            self._jump(time_s)
        while True:
            if self._held is not None and self._is_constant and time_s < self._end_s(self._held):
                return self._held
            self._ahead = self._ahead or next(self._frames, None)
            if self._ahead is None:
                return self._last(time_s)
            if self._held is not None and self._time_s(self._ahead) > time_s:
                return self._held  # it is shown for longer than its due
            self._held, self._ahead = self._ahead, None

    def _last(self, time_s: float) -> VideoFrame:
        if self._held is None:
            raise UnreadableVideo(self._path, "Its video stream has no frames.")
        end_s = self._end_s(self._held)
        if time_s > end_s + _MISSING_TAIL_FRAMES / self._fps and not self._may_skip:
            raise UnreadableVideo(
                self._path, f"It ends at {end_s:.2f} s, before the frame at {time_s:.2f} s."
            )
        return self._held

    def _pays_to_jump(self, time_s: float) -> bool:
        """Whether a keyframe lies between what the decoder was last given and the aim."""
        aim, index = self._ticks(time_s) - self._lag, self._stream.index_entries
        if len(index) and index[len(index) - 1].timestamp >= aim:
            entry = index.search_timestamp(aim)
            return entry >= 0 and index[entry].timestamp > self._fed
        return (aim - self._fed) * self._tick_s > _BLIND_JUMP_S

    def _jump(self, time_s: float) -> None:
        for back_s in _BACK_OFF_S:
            self._seek(self._ticks(max(time_s - back_s, 0.0)) - self._lead)
            self._ahead = next(self._frames, None)
            if self._ahead is not None and self._time_s(self._ahead) <= time_s:
                return
        self._seek(self._start)

    def _seek(self, ticks: int) -> None:
        self._container.seek(ticks, stream=self._stream)
        self._held = self._ahead = None
        self._frames = self._decoded(self._container.demux(self._stream))

    def _decoded(self, packets: "Iterable[Packet[VideoStream]]") -> Iterator[VideoFrame]:
        frames = self._fed_by(packets)
        return _untangled(frames) if _has_no_times(self._container) else frames

    def _fed_by(self, packets: "Iterable[Packet[VideoStream]]") -> Iterator[VideoFrame]:
        for packet in packets:
            self._fed = packet.dts if packet.dts is not None else self._fed
            self._stream.codec_context.skip_frame = "NONREF" if self._is_far(packet) else "DEFAULT"
            yield from packet.decode()

    def _is_far(self, packet: "Packet[VideoStream]") -> bool:
        """Whether no picture that is asked for lies within reach of a packet's frame.

        ``_shown_at`` trusts a frame only as far as it reaches: one skipped after it could not be the one on show.
        """
        if not self._may_skip or packet.pts is None:
            return False
        begin_s = (packet.pts - self._start) * self._tick_s
        place = bisect_left(self._moments, begin_s)
        return place == len(self._moments) or self._moments[place] > begin_s + self._reach_s

    def _ticks(self, time_s: float) -> int:
        return self._start + int(time_s / self._tick_s)

    def _time_s(self, frame: VideoFrame) -> float:
        ticks = frame.pts if frame.pts is not None else frame.dts
        return ((self._start if ticks is None else ticks) - self._start) * self._tick_s

    def _end_s(self, frame: VideoFrame) -> float:
        return self._time_s(frame) + (frame.duration * self._tick_s or 1 / self._fps)
