"""What is drawn for a view follows from (seed, epoch, item, view) alone: not from batch, rank, crop or who asks."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from sce.data.clips import CHANCES
from sce.data.looking import look
from sce.data.module import pretrain_loader
from sce.data.readers import TrainReader, ViewPlan
from sce.data.sampler import Draw, SeededSampler
from sce.data.video import read_clips
from sce.definition import Pretrain
from tests.sce.tiny import TRAIN_VIDEOS, make_videos, tiny
from tests.videos import encode, numbered_frames, read_number


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_videos(tmp_path_factory.mktemp("videos"))


def reader_of(root: Path, **changes: Any) -> TrainReader:
    return look(tiny(root, **changes)).reader


def plans_of(reader: TrainReader, position: int = 0, epoch: int = 0) -> tuple[ViewPlan, ...]:
    return reader.plans(reader.source.items[position], Draw(epoch, position))


def drawn_by(
    definition: Pretrain, *, world_size: int, epoch: int = 0
) -> dict[int, list[NDArray[np.float32]]]:
    """Chances of each view by position, gathered over all ranks."""
    drawn = {}
    for rank in range(world_size):
        loader = pretrain_loader(definition, rank=rank, world_size=world_size, pin=False)
        assert isinstance(loader.sampler, SeededSampler)
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            for row, position in enumerate(batch.position_B.tolist()):
                drawn[position] = [chances_BU[row] for chances_BU in batch.chances]
    return drawn


def test_chances_travel_with_each_clip_and_are_no_tensors(root: Path) -> None:
    batch = next(iter(pretrain_loader(tiny(root), rank=0, world_size=1, pin=False)))
    assert [chances_BU.shape for chances_BU in batch.chances] == [(4, CHANCES)] * 2
    for chances_BU in batch.chances:
        assert isinstance(chances_BU, np.ndarray)
        assert chances_BU.dtype == np.float32
        assert 0 <= chances_BU.min() <= chances_BU.max() < 1


def test_two_ranks_together_draw_what_one_draws(root: Path) -> None:
    alone, shared = drawn_by(tiny(root), world_size=1), drawn_by(tiny(root), world_size=2)
    assert alone.keys() == shared.keys()
    assert all(np.array_equal(alone[position], shared[position]) for position in alone)


def test_the_loader_draws_what_the_inspector_says(root: Path) -> None:
    reader = reader_of(root)
    for position, chances in drawn_by(tiny(root), world_size=1, epoch=2).items():
        told = [plan.chances for plan in plans_of(reader, position, epoch=2)]
        assert np.array_equal(chances, told)


def test_items_epochs_views_and_seeds_are_drawn_apart(root: Path) -> None:
    reader, other = reader_of(root), reader_of(root, seed=7)
    asked = [(reader, 0, 0), (reader, 1, 0), (reader, 0, 1), (other, 0, 0)]
    chances = [plan.chances for who, item, epoch in asked for plan in plans_of(who, item, epoch)]
    assert len({tuple(each.tolist()) for each in chances}) == 8


def test_another_crop_changes_no_colour(root: Path) -> None:
    views = [{"size": 16, "scale": (0.9, 1.0)}, {"size": 24, "scale": (0.05, 0.1)}]
    changed = reader_of(root, views={"views": views, "time_difference_p": 1.0})
    for before, after in zip(plans_of(reader_of(root)), plans_of(changed), strict=True):
        assert np.array_equal(before.chances, after.chances)
        assert before.start_s == after.start_s


def test_chances_are_uniform_over_items_and_epochs(root: Path) -> None:
    reader = reader_of(root)
    drawn = np.array(
        [
            plan.chances
            for item in range(TRAIN_VIDEOS)
            for epoch in range(60)
            for plan in plans_of(reader, item, epoch)
        ]
    )
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 0.04
    assert np.abs(drawn.std(axis=0) - 12**-0.5).max() < 0.02


@pytest.mark.parametrize(("height", "width"), [(32, 48), (480, 270), (9, 300)])
def test_a_box_lies_in_its_picture_and_is_told_alike_each_time(root: Path, height: int, width: int) -> None:
    reader = reader_of(root)
    for epoch in range(50):
        for plan in plans_of(reader, epoch=epoch):
            box = plan.box(height=height, width=width)
            assert box == plan.box(height=height, width=width)
            assert 0 <= box.top < box.top + box.height <= height
            assert 0 <= box.left < box.left + box.width <= width


@pytest.mark.parametrize("width", [96, 100, 122, 130])
def test_pictures_whose_lines_are_padded_are_read_whole(width: int, tmp_path: Path) -> None:
    file = encode(tmp_path / "a.mp4", numbered_frames(12, height=48, width=width))
    with av.open(str(file)) as container:
        expected = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    (clip,) = read_clips(file, [range(12)], fps=25.0)
    assert clip.shape == (12, 48, width, 3)
    assert np.array_equal(clip, expected)


def test_a_picture_asked_for_twice_is_no_shared_memory(tmp_path: Path) -> None:
    file = encode(tmp_path / "a.mp4", numbered_frames(12))
    first, second = read_clips(file, [[3, 3, 5], [3]], fps=25.0)
    first[0] = 0
    assert [read_number(frame) for frame in (first[1], first[2], second[0])] == [3, 5, 3]


def test_a_time_difference_is_drawn_as_often_as_asked_and_reads_each_next_frame(root: Path) -> None:
    reader = reader_of(root, views={"views": [{"size": 16}] * 2, "time_difference_p": 0.3})
    plans = [plan for epoch in range(600) for plan in plans_of(reader, epoch=epoch)]
    differences = [plan for plan in plans if plan.is_difference]
    assert len(differences) / len(plans) == pytest.approx(0.3, abs=0.05)
    for plan in differences:
        firsts, seconds = plan.clips
        assert all(after == frame + 1 for frame, after in zip(firsts, seconds, strict=True))
    assert all(len(plan.clips) == 1 for plan in plans if not plan.is_difference)


def test_asking_for_a_box_first_changes_no_view(root: Path) -> None:
    """An inspector that looks at the box beforehand leaves the crop that is made of it as it was."""
    reader, (plan, _) = reader_of(root), plans_of(reader_of(root))
    frames = next(reader.pictures(reader.source.items[0], [plan]))
    before = reader.picture_to_view(plan, frames)
    plan.box(height=frames.shape[1], width=frames.shape[2])
    assert np.array_equal(reader.picture_to_view(plan, frames), before)
