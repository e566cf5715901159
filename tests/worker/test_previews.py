"""Previews really play: they are decoded back. What cannot be shown says why, and takes nothing down."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from backend.datasets import service
from backend.datasets.lookups import item_ids
from backend.datasets.service import IndexData, ItemData
from tests.videos import encode, encode_audio_only, encode_without_frames, numbered_frames, with_unknown_codec
from tests.worker.conftest import Shop
from worker.previews import Helper, PreviewMaker, forget_previews, hold_quota
from worker.proxies import CannotShow, make_proxy, small_size


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.mp4", "libx264"), ("a.webm", "libvpx")])
def test_a_video_of_any_kind_becomes_one_that_browsers_play(name: str, codec: str, tmp_path: Path) -> None:
    source = encode(tmp_path / name, numbered_frames(50, height=240, width=320), 25, codec)
    make_proxy(source, tmp_path / "1.mp4")
    with av.open(str(tmp_path / "1.mp4")) as preview:
        stream = preview.streams.video[0]
        frames = list(preview.decode(stream))
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (214, 160)
        assert stream.average_rate == 25
        assert not preview.streams.audio
    assert len(frames) == 50
    assert is_seekable_from_its_start(tmp_path / "1.mp4")


def is_seekable_from_its_start(file: Path) -> bool:
    """The index comes before the pictures (+faststart)."""
    content = file.read_bytes()
    return content.index(b"moov") < content.index(b"mdat")


def test_it_shows_the_same_pictures(tmp_path: Path) -> None:
    frames = numbered_frames(10)
    make_proxy(encode(tmp_path / "a.avi", frames, 25, "mpeg4"), tmp_path / "1.mp4")
    with av.open(str(tmp_path / "1.mp4")) as preview:
        shown = [frame.to_ndarray(format="rgb24") for frame in preview.decode(preview.streams.video[0])]
    for wanted, got in zip(frames, shown, strict=True):
        assert np.abs(wanted.astype(int) - got.astype(int)).mean() < 6


def test_a_long_video_is_cut_and_a_fast_one_thinned(tmp_path: Path) -> None:
    make_proxy(encode(tmp_path / "a.mp4", numbered_frames(480), 60), tmp_path / "1.mp4")
    with av.open(str(tmp_path / "1.mp4")) as preview:
        stream = preview.streams.video[0]
        assert stream.average_rate == 30
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.duration * stream.time_base) == pytest.approx(6.0)


@pytest.mark.parametrize("kind", ["nothing", "broken", "audio", "no frames", "unknown codec"])
def test_what_cannot_be_shown_says_why_and_leaves_nothing(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    if kind == "audio":
        encode_audio_only(source)
    elif kind == "no frames":
        source = encode_without_frames(tmp_path / "a.avi")
    elif kind == "unknown codec":
        good = encode(tmp_path / "good.avi", numbered_frames(5), 25, "mpeg4")
        source.write_bytes(with_unknown_codec(good.read_bytes()))
    else:
        source.write_bytes(b"" if kind == "nothing" else os.urandom(4000))
    (tmp_path / "out").mkdir()
    with pytest.raises(CannotShow):
        make_proxy(source, tmp_path / "out" / "1.mp4")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_image_becomes_a_small_jpeg(tmp_path: Path) -> None:
    still = encode(tmp_path / "a.mp4", numbered_frames(1, height=400, width=600))
    make_proxy(still, tmp_path / "1.jpg")
    with av.open(str(tmp_path / "1.jpg")) as image:
        frame = next(iter(image.decode(image.streams.video[0])))
    assert (frame.width, frame.height) == (240, 160)


def test_small_pictures_are_not_enlarged_and_sides_are_even() -> None:
    assert small_size(320, 240) == (214, 160)
    assert small_size(99, 51) == (100, 52) or small_size(99, 51) == (98, 50)
    assert small_size(1080, 1920) == (160, 284)


# -- the maker


def item_of(path: str, size: int) -> ItemData:
    return ItemData(
        path=path,
        label=0,
        num_frames=10,
        fps=25,
        duration_s=0.4,
        width=128,
        height=96,
        codec="h264",
        bytes=size,
    )


def index_of(names: list[str], *, size: int = 1) -> IndexData:
    items = [item_of(name, size) for name in names]
    return IndexData(classes=["c"], splits={"val": items}, unreadable=[], fingerprint=f"{names}{size}")


@pytest.fixture
def videos(shop: Shop) -> list[int]:
    """A ready data set of three videos; the second one is broken."""
    root = shop.place.settings.home / "data" / "videos"
    names = ["0.avi", "1.avi", "2.avi"]
    for name in names:
        encode(root / name, numbered_frames(10), 25, "mpeg4")
    (root / names[1]).write_bytes(b"spoiled since it was indexed")
    with shop.place.sessions.begin() as db:
        dataset = service.register(db, shop.place.settings, name="videos", root="videos", kind="video")
        service.store_index(db, dataset_id=dataset.id, index=index_of(names))
        return sorted(item_ids(db, dataset.id))


@pytest.fixture
def maker(shop: Shop) -> Iterator[PreviewMaker]:
    maker = PreviewMaker(shop.place)
    yield maker
    maker.close()


def files(shop: Shop) -> list[str]:
    folder = shop.place.settings.previews_dir
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def test_a_small_data_set_gets_all_its_previews(shop: Shop, maker: PreviewMaker, videos: list[int]) -> None:
    maker.work()
    assert files(shop) == [f"{videos[0]}.mp4", f"{videos[1]}.failed", f"{videos[2]}.mp4"]
    why = (shop.place.settings.previews_dir / f"{videos[1]}.failed").read_text()
    assert why.startswith("1.avi: It cannot be decoded")


def test_a_large_one_gets_those_that_are_asked_for(
    shop: Shop, maker: PreviewMaker, videos: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.previews.SMALL_SET", 2)
    maker.wish(videos[2])
    maker.wish(videos[2])
    maker.wish(999_999)
    maker.work()
    assert files(shop) == [f"{videos[2]}.mp4"]


def test_a_decoder_that_breaks_down_takes_nothing_with_it(
    shop: Shop, maker: PreviewMaker, videos: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.previews.PATIENCE_S", 0.0)  # shorter than any start
    maker.wish(videos[0])
    maker._work_off_wishes()
    assert files(shop) == [f"{videos[0]}.failed"]
    monkeypatch.setattr("worker.previews.PATIENCE_S", 30.0)
    maker.work()
    assert f"{videos[2]}.mp4" in files(shop)


def test_a_file_outside_its_data_set_is_never_shown(
    shop: Shop, maker: PreviewMaker, videos: list[int], tmp_path: Path
) -> None:
    secret = encode(tmp_path / "secret.avi", numbered_frames(3), 25, "mpeg4")
    inside = shop.place.settings.home / "data" / "videos" / "0.avi"
    inside.unlink()
    inside.symlink_to(secret)
    maker.wish(videos[0])
    maker.work()
    assert f"{videos[0]}.mp4" not in files(shop)


def test_over_the_quota_the_oldest_go_first(shop: Shop) -> None:
    settings = shop.place.settings.model_copy(update={"preview_quota_gb": 250e-9})
    settings.previews_dir.mkdir()
    for age, number in enumerate([3, 1, 2]):
        file = settings.previews_dir / f"{number}.mp4"
        file.write_bytes(b"x" * 100)
        os.utime(file, (1000 + age, 1000 + age))
    assert hold_quota(settings) == 1
    assert files(shop) == ["1.mp4", "2.mp4"]
    assert hold_quota(settings) == 0


def test_what_nobody_asked_for_leaves_room_in_the_quota(
    shop: Shop, maker: PreviewMaker, videos: list[int]
) -> None:
    """Room for one: the others are not made to be thrown away again."""
    settings = shop.place.settings.model_copy(update={"preview_quota_gb": 1000e-9})
    small = PreviewMaker(replace(shop.place, settings=settings))
    for _ in range(2):
        small.work()
        assert [name for name in files(shop) if name.endswith(".mp4")] in ([f"{videos[0]}.mp4"], [])
    small.close()


def test_a_wish_is_fulfilled_though_the_quota_is_used_up(
    shop: Shop, maker: PreviewMaker, videos: list[int]
) -> None:
    old = shop.place.settings.previews_dir / "9999.mp4"
    old.parent.mkdir()
    old.write_bytes(b"x" * 100_000)
    os.utime(old, (1000, 1000))
    tight = PreviewMaker(
        replace(shop.place, settings=shop.place.settings.model_copy(update={"preview_quota_gb": 100e-6}))
    )
    tight.wish(videos[2])
    tight.work()
    assert files(shop) == [f"{videos[2]}.mp4"]


def test_a_disk_that_cannot_be_written_is_never_blamed_on_a_video(
    shop: Shop, maker: PreviewMaker, videos: list[int]
) -> None:
    """/proc takes no files, whoever asks; it stands for a disk that is full."""
    folder = shop.place.settings.previews_dir
    folder.symlink_to("/proc")
    with pytest.raises(OSError, match="No such file or directory"):
        maker.work()
    folder.unlink()
    maker.work()
    assert [name.rpartition(".")[2] for name in files(shop)] == ["mp4", "failed", "mp4"]


@pytest.mark.parametrize("suffix", [".mp4", ".jpg"])
def test_a_target_that_cannot_be_written_is_another_error_than_a_bad_source(
    suffix: str, tmp_path: Path
) -> None:
    source = encode(tmp_path / "a.avi", numbered_frames(3), 25, "mpeg4")
    with pytest.raises(OSError, match="No such file or directory"):
        make_proxy(source, tmp_path / "missing" / f"1{suffix}")


def test_a_preview_that_is_there_is_not_made_again(
    shop: Shop, maker: PreviewMaker, videos: list[int]
) -> None:
    maker.work()
    made = {name: (shop.place.settings.previews_dir / name).stat().st_mtime_ns for name in files(shop)}
    maker.wish(videos[0])
    maker.wish(videos[1])
    maker.work()
    assert {
        name: (shop.place.settings.previews_dir / name).stat().st_mtime_ns for name in files(shop)
    } == made


def test_nothing_is_made_nor_blamed_once_the_worker_leaves(
    shop: Shop, maker: PreviewMaker, videos: list[int]
) -> None:
    maker.close()
    maker.wish(videos[0])
    maker.work()
    assert files(shop) == []


def test_a_wish_wakes_the_clock(shop: Shop, videos: list[int]) -> None:
    woken: list[str] = []
    PreviewMaker(replace(shop.place, wake=woken.append)).wish(videos[0])
    assert woken == ["previews"]


def test_a_video_is_not_blamed_for_a_helper_that_was_killed_before_it(
    shop: Shop, maker: PreviewMaker, videos: list[int]
) -> None:
    maker.wish(videos[0])
    maker._work_off_wishes()
    assert maker._helper is not None
    maker._helper.process.kill()
    maker._helper.process.wait()
    maker.wish(videos[2])
    maker._work_off_wishes()
    assert f"{videos[2]}.mp4" in files(shop)


def test_a_helper_that_died_is_told_and_closed_as_any_other() -> None:
    helper = Helper.start()
    helper.process.kill()
    helper.process.wait()
    assert helper.make(Path("a.avi"), Path("1.mp4")) is None
    helper.close()
    helper.close()


def test_previews_of_items_that_are_no_more_are_forgotten(shop: Shop) -> None:
    shop.place.settings.previews_dir.mkdir()
    for name in ("1.mp4", "2.failed", "3.mp4"):
        (shop.place.settings.previews_dir / name).write_text("")
    forget_previews(shop.place.settings, {1, 2})
    assert files(shop) == ["3.mp4"]
