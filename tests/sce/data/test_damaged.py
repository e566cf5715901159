"""Files as the world has them: damaged anywhere, named in any way, with titles in any alphabet."""

import contextlib
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sce.data.index import Item, Unreadable, build_index, load_index, look_at, save_index
from sce.data.layout import Entry
from sce.data.video import UnreadableVideo, read_clips
from tests.videos import encode, numbered_frames, read_number

KINDS = ("h264.mp4", "h264.mkv", "mpeg4.avi", "vp8.webm")
damages = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KINDS), damages, st.booleans(), st.floats(0.05, 1))
def test_a_file_damaged_anywhere_is_read_or_has_a_reason(
    videos: Path, tmp_path: Path, kind: str, damage: list[tuple[float, int]], in_header: bool, share: float
) -> None:
    content = bytearray((videos / kind).read_bytes())
    reach = 600 if in_header else len(content)
    for place, value in damage:
        content[int(place * reach)] = value
    file = tmp_path / kind
    file.write_bytes(content[: int(share * len(content))])
    found = look_at(tmp_path, "video", Entry("train", kind, 0))
    if isinstance(found, Unreadable):
        assert found.reason.endswith(".")
        return
    assert found.num_frames > 0
    assert 0 < found.fps < 1e6
    # Whatever else it raises would end a training.
    with contextlib.suppress(UnreadableVideo):
        (clip,) = read_clips(file, [(0, found.num_frames // 2)], fps=found.fps)
        assert (clip.dtype, clip.ndim) == (np.uint8, 4)


@pytest.mark.parametrize("title", [b"caf\xe9", b"\xff\xfe\xfd\xfc", b"\x8a\xbf\x8e\x9a"])
def test_a_title_in_an_unknown_alphabet_is_no_reason_not_to_read_the_pictures(
    title: bytes, tmp_path: Path
) -> None:
    """The writer's name in the file stands for any such text: old cameras write Latin-1 and Shift JIS."""
    content = encode(tmp_path / "a.mp4", numbered_frames(12)).read_bytes()
    assert content.count(b"Lavf") == 1
    (tmp_path / "b.mp4").write_bytes(content.replace(b"Lavf", title))
    assert isinstance(look_at(tmp_path, "video", Entry("train", "b.mp4", 0)), Item)
    (clip,) = read_clips(tmp_path / "b.mp4", [[7]], fps=25.0)
    assert read_number(clip[0]) == 7


@pytest.mark.parametrize(
    "name", [b"caf\xe9.mp4", b"%03d 100% #1?.mp4", "ひ と.mp4".encode(), b"-i.mp4", b"a'b\"c.mp4"]
)
def test_a_file_of_any_name_is_indexed_and_read_again(name: bytes, tmp_path: Path) -> None:
    source = encode(tmp_path / "source.mp4", numbered_frames(12))
    folder = tmp_path / "data" / "train" / "class"
    folder.mkdir(parents=True)
    os.rename(source, os.path.join(os.fsencode(folder), name))
    save_index(build_index(tmp_path / "data", "video", processes=1))
    (item,) = load_index(tmp_path / "data").items("train")
    (clip,) = read_clips(tmp_path / "data" / item.path, [[3]], fps=item.fps)
    assert read_number(clip[0]) == 3


def test_thirty_views_of_a_video_are_held_once(tmp_path: Path) -> None:
    """Clips that overlap share their decoded frames, and no second copy of them all is made."""
    file = encode(tmp_path / "a.mp4", numbered_frames(60, height=240, width=320))
    clips = [range(start, start + 30, 4) for start in range(0, 30, 3)]
    tracemalloc.start()
    read = read_clips(file, clips, fps=25.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.2 * sum(clip.nbytes for clip in read)


def test_overlapping_clips_hold_each_its_own_frames(videos: Path) -> None:
    clips = [[4, 6, 8], [6, 8, 10], [8, 8, 4]]
    read = read_clips(videos / "h264.mp4", clips, fps=25.0)
    assert [[read_number(frame) for frame in clip] for clip in read] == clips
    read[0][2] = 0  # one clip's frames are its own
    assert read_number(read[1][1]) == 8
