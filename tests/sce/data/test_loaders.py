"""Batches from real files: the same whoever reads them, nothing swapped in silence, nothing scored twice."""

import shutil
import signal
from pathlib import Path

import psutil
import pytest
import torch
from PIL import Image
from torch import Tensor

from sce.data import readers
from sce.data.index import build_index, load_index, save_index
from sce.data.module import ClipBatch, Loader, eval_loader, pretrain_loader, train_loader
from sce.data.readers import TooManyUnreadable
from sce.data.sampler import BatchTooLarge, Draw, SeededSampler
from sce.definition import (
    R18,
    Compute,
    Cosine,
    EvalClips,
    ImageData,
    Optimisation,
    Pretrain,
    Small3d,
    VideoData,
    View,
    Views,
)
from tests.videos import read_number


def pretraining(data: VideoData, views: Views, *, batch_size: int = 4, workers: int = 0, **more) -> Pretrain:
    return Pretrain(
        data=data,
        views=views,
        trunk=Small3d(),
        optimisation=Optimisation(epochs=2, batch_size=batch_size, schedule=Cosine(), **more),
        compute=Compute(loader_workers=workers),
    )


def loader_of(definition: Pretrain) -> Loader[ClipBatch]:
    return pretrain_loader(definition, rank=0, world_size=1, pin=False)


def test_readers_that_are_told_to_leave_stay_until_their_trainer_lets_them_go(
    data: VideoData, small_views: Views
) -> None:
    """A scheduler tells every process of a job; a reader that leaves first would end the training unsaved."""
    loader = loader_of(pretraining(data, small_views, workers=1))
    batches = iter(loader)
    first = next(batches)
    for process in psutil.Process().children(recursive=True):
        process.send_signal(signal.SIGTERM)
    rest = list(batches)
    assert len(rest) == len(loader) - 1
    assert len(positions_of([first, *rest])) == len({*positions_of([first, *rest])})


def positions_of(batches: list) -> list[int]:
    return [position for batch in batches for position in batch.position_B.tolist()]


def same(one: ClipBatch, other: ClipBatch) -> bool:
    views = zip(one.views, other.views, strict=True)
    return torch.equal(one.position_B, other.position_B) and all(torch.equal(a, b) for a, b in views)


@pytest.fixture
def damaged(dataset: Path, tmp_path: Path) -> VideoData:
    """The data set, in which two videos of each split broke after it was indexed."""
    root = shutil.copytree(dataset, tmp_path / "damaged")
    for split, places in (("train", (3, 4)), ("val", (0, 2))):
        for place in places:
            (root / load_index(root).splits[split][place].path).write_bytes(b"rotten")
    return VideoData(root=str(root), num_frames=4, clip_s=1.0)


def test_a_batch_holds_a_square_uint8_clip_of_each_view(data: VideoData, small_views: Views):
    batch = next(iter(loader_of(pretraining(data, small_views))))
    assert [(view.shape, view.dtype) for view in batch.views] == [((4, 3, 4, 24, 24), torch.uint8)] * 2
    items = load_index(Path(data.root)).splits["train"]
    assert batch.label_B.tolist() == [items[place].label for place in batch.position_B.tolist()]
    assert not torch.equal(*batch.views)


def test_batches_do_not_depend_on_the_number_of_loader_processes(data: VideoData, small_views: Views):
    alone = list(loader_of(pretraining(data, small_views)))
    together = list(loader_of(pretraining(data, small_views, workers=2)))
    assert len(alone) == 3
    assert all(map(same, alone, together))


def test_living_loader_processes_follow_the_epoch(data: VideoData, small_views: Views):
    loader = loader_of(pretraining(data, small_views, workers=1))
    first = list(loader)
    loader.sampler.set_epoch(1)
    second = list(loader)
    assert sorted(positions_of(first)) == sorted(positions_of(second)) == list(range(12))
    alone = loader_of(pretraining(data, small_views))
    alone.sampler.set_epoch(1)
    assert all(map(same, second, alone))


def test_a_resumed_epoch_gives_the_batches_that_were_left(data: VideoData, small_views: Views):
    whole = list(loader_of(pretraining(data, small_views)))
    resumed = loader_of(pretraining(data, small_views))
    resumed.sampler.epoch, resumed.sampler.start = 0, 2
    assert all(map(same, resumed, whole[2:]))
    assert len(resumed) == 3


def test_two_ranks_share_a_batch(data: VideoData, small_views: Views):
    definition = pretraining(data, small_views)
    halves = [next(iter(pretrain_loader(definition, rank=r, world_size=2, pin=False))) for r in (0, 1)]
    whole = next(iter(loader_of(definition)))
    assert positions_of(halves) == whole.position_B.tolist()


def test_accumulated_parts_are_smaller_batches(data: VideoData, small_views: Views):
    loader = loader_of(pretraining(data, small_views, batch_size=8, accumulate=4))
    assert (len(loader), len(next(iter(loader)).position_B)) == (4, 2)


def test_training_takes_the_next_video_for_a_broken_one_and_says_so(damaged: VideoData, small_views: Views):
    loader = loader_of(pretraining(damaged, small_views))
    seen = positions_of(list(loader))
    assert sorted(seen) == [0, 1, 2, 5, 5, 5, 6, 7, 8, 9, 10, 11]
    items = load_index(Path(damaged.root)).splits["train"]
    assert set(loader.skipped) == {items[3].path, items[4].path}
    assert all("Invalid data" in reason for reason in loader.skipped.values())


def test_stand_ins_for_neighbours_are_clips_of_their_own(damaged: VideoData, small_views: Views):
    loader = loader_of(pretraining(damaged, small_views))
    stood_in = [loader.dataset[Draw(0, place)].views[0] for place in (3, 4, 5)]
    assert not torch.equal(stood_in[0], stood_in[1])
    assert not torch.equal(stood_in[1], stood_in[2])


def test_training_gives_up_when_too_much_is_broken(damaged: VideoData, small_views: Views):
    loader = loader_of(pretraining(damaged, small_views)).allowing(1)
    with pytest.raises(TooManyUnreadable, match=r"2 files .* Index the data set again"):
        list(loader)


def test_training_gives_up_after_ten_broken_neighbours(dataset: Path, tmp_path: Path, small_views: Views):
    root = shutil.copytree(dataset, tmp_path / "rotten")
    for item in load_index(root).splits["train"]:
        (root / item.path).unlink()
    loader = loader_of(pretraining(VideoData(root=str(root)), small_views))
    with pytest.raises(TooManyUnreadable, match="10 files in a row cannot be read"):
        next(iter(loader))


def test_scoring_leaves_broken_videos_out_and_names_them(damaged: VideoData):
    loader = eval_loader(damaged, "val", EvalClips(clips=2, crops=1, size=24), batch_videos=1, workers=0)
    assert positions_of(list(loader)) == [1, 3, 4]
    items = load_index(Path(damaged.root)).splits["val"]
    assert set(loader.skipped) == {items[0].path, items[2].path}


def test_every_video_is_scored_once_in_order_over_ranks(data: VideoData):
    clips = EvalClips(clips=1, crops=1, size=24)
    ranks = [
        positions_of(list(eval_loader(data, "val", clips, batch_videos=2, workers=0, rank=r, world_size=2)))
        for r in (0, 1)
    ]
    assert ranks == [[0, 2, 4], [1, 3]]


def test_scored_views_go_clip_by_clip_then_crop_by_crop(data: VideoData):
    """48x96 pictures: at 48 the middle crop holds the number's middle bits, each clip its own frames."""
    loader = eval_loader(data, "val", EvalClips(clips=3, crops=3, size=48), batch_videos=5, workers=0)
    batch = next(iter(loader))
    assert batch.clips_BVCTHW.shape == (5, 9, 3, 4, 48, 48)
    assert batch.label_B.tolist() == [i.label for i in load_index(Path(data.root)).splits["val"]]
    last = batch.clips_BVCTHW[4]
    # The start and the end crop lie side by side: together they are the whole picture.
    wholes = [torch.cat([last[3 * clip], last[3 * clip + 2]], dim=-1) for clip in range(3)]
    num_frames = load_index(Path(data.root)).splits["val"][4].num_frames
    assert number_in(wholes[0][:, 0]) == 0
    assert number_in(wholes[2][:, -1]) == num_frames - 1
    assert number_in(wholes[0][:, 0]) < number_in(wholes[1][:, 0]) < number_in(wholes[2][:, 0])


def test_clips_that_share_frames_have_each_decoded_once(data: VideoData, monkeypatch: pytest.MonkeyPatch):
    asked: list[list[int]] = []
    real = readers.read_clips
    monkeypatch.setattr(
        readers, "read_clips", lambda file, clips, **how: asked.extend(clips) or real(file, clips, **how)
    )
    many = EvalClips(clips=20, crops=1, size=24)
    batch = next(iter(eval_loader(data, "val", many, batch_videos=1, workers=0)))
    (numbers,) = asked
    assert len(set(numbers)) == len(numbers) < 20 * 4
    lone = next(
        iter(eval_loader(data, "val", EvalClips(clips=1, crops=1, size=24), batch_videos=1, workers=0))
    )
    assert batch.clips_BVCTHW.shape == (1, 20, 3, 4, 24, 24)
    assert lone.clips_BVCTHW.shape == (1, 1, 3, 4, 24, 24)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("batch_videos", [1, 2])
def test_batches_keep_the_colours_last_in_memory(data: VideoData, workers: int, batch_videos: int):
    clips = EvalClips(clips=2, crops=3, size=24)
    loader = eval_loader(data, "val", clips, batch_videos=batch_videos, workers=workers)
    assert all(batch.clips_BVCTHW.movedim(-4, -1).is_contiguous() for batch in loader)


def number_in(picture_CHW: Tensor) -> int:
    return read_number(picture_CHW.permute(1, 2, 0).numpy())


def test_a_labelled_view_is_one_clip(data: VideoData):
    loader = train_loader(data, View(size=16), batch_size=6, seed=1, workers=0)
    batch = next(iter(loader))
    assert [view.shape for view in batch.views] == [(6, 3, 4, 16, 16)]
    assert isinstance(loader.sampler, SeededSampler)


def test_a_time_difference_is_grey_and_rests_at_the_middle(data: VideoData):
    still = Views(views=(View(size=24), View(size=24)), time_difference_p=1.0)
    batch = next(iter(loader_of(pretraining(data, still))))
    red, green, blue = batch.views[0].unbind(dim=1)
    assert torch.equal(red, green)
    assert torch.equal(red, blue)
    # The lower half of the pictures never changes; (0 + 255) / 2 rounds to 128.
    assert batch.views[0].float().median() == 128


def test_images_are_clips_of_one_frame(image_folder: Path):
    save_index(build_index(image_folder, "image", processes=1))
    definition = Pretrain(
        data=ImageData(root=str(image_folder)),
        views=Views(views=(View(size=20), View(size=12))),
        trunk=R18(small_images=True),
        optimisation=Optimisation(epochs=1, batch_size=4, schedule=Cosine()),
        compute=Compute(loader_workers=0),
    )
    batch = next(iter(loader_of(definition)))
    assert [view.shape for view in batch.views] == [(4, 3, 1, 20, 20), (4, 3, 1, 12, 12)]


def test_a_scored_image_is_scaled_and_cut_as_torchvision_does(image_folder: Path):
    import torchvision.transforms.functional as reference

    save_index(build_index(image_folder, "image", processes=1))
    data = ImageData(root=str(image_folder))
    loader = eval_loader(data, "val", EvalClips(clips=1, crops=1, size=32), batch_videos=2, workers=0)
    item = load_index(image_folder).splits["val"][0]
    with Image.open(image_folder / item.path) as image:
        whole = reference.pil_to_tensor(image)
    expected = reference.center_crop(reference.resize(whole, [32, 40], antialias=True), [32, 32])
    seen = next(iter(loader)).clips_BVCTHW[0, 0, :, 0]
    assert (seen.int() - expected.int()).abs().max() <= 1


def test_a_batch_larger_than_the_split_names_the_field_the_size_and_the_split(data, small_views):
    with pytest.raises(
        BatchTooLarge,
        match=r"optimisation\.batch_size 16 is more than the 12 readable items of split 'train'",
    ):
        loader_of(pretraining(data, small_views, batch_size=16))


def test_a_data_set_of_the_other_kind_is_refused(data: VideoData):
    with pytest.raises(ValueError, match=r"was indexed as videos: set data\.kind to 'video'"):
        eval_loader(ImageData(root=data.root), "val", EvalClips(), batch_videos=1, workers=0)
