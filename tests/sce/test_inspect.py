"""The augmentation inspector: what it shows is what a training is fed, and what it says is what was drawn."""

import json
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from sce.data.index import build_index, save_index
from sce.data.looking import Look, NothingToLookAt, Seen, look
from sce.data.module import pretrain_loader
from sce.data.sampler import SeededSampler
from sce.data.video import UnreadableVideo
from sce.data.views import Augment, augmented
from sce.definition import Evaluation, Pretrain
from sce.inspect import main, write_views
from tests.sce.tiny import TRAIN_VIDEOS, make_videos, tiny


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Pretrain:
    return tiny(make_videos(tmp_path_factory.mktemp("videos")))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pretrain:
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(8):
        file = root / "train" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(file)
    save_index(build_index(root, "image", processes=1))
    view = {"size": 33, "blur_p": 0.5, "solarize_p": 0.2}
    return tiny(
        root,
        data={"kind": "image", "root": str(root)},
        views={"views": [view, view]},
        trunk={"kind": "r18", "small_images": True},
    )


def seen_at(looked: Look, epoch: int, position: int) -> list[Seen]:
    return list(looked.views(epoch=epoch, position=position))


@pytest.mark.parametrize("data", ["definition", "pictures"])
def test_what_is_shown_is_bit_for_bit_what_a_training_is_fed(
    data: str, request: pytest.FixtureRequest
) -> None:
    asked: Pretrain = request.getfixturevalue(data)
    loader, shape = pretrain_loader(asked, rank=0, world_size=1, pin=False), asked.views
    assert isinstance(loader.sampler, SeededSampler)
    loader.sampler.set_epoch(1)
    augment = nn.ModuleList(Augment(view, shape.mean, shape.std) for view in shape.views)
    looked, compared = look(asked), 0
    for batch in loader:
        fed = augmented(augment, batch)
        for row, position in enumerate(batch.position_B.tolist()):
            shown = [seen.fed_CTHW for seen in seen_at(looked, 1, position)]
            assert all(torch.equal(clip, view[row]) for clip, view in zip(shown, fed, strict=True))
            compared += 1
    assert compared >= 8


def test_an_eye_is_shown_the_tensor_with_its_normalisation_undone(definition: Pretrain) -> None:
    shape = definition.views
    for seen in seen_at(look(definition), 0, 3):
        again = torch.from_numpy(seen.shown_THWC).permute(3, 0, 1, 2).float() / 255
        mean, std = (torch.tensor(each).view(3, 1, 1, 1) for each in (shape.mean, shape.std))
        assert ((seen.fed_CTHW * std + mean) - again).abs().max() <= 0.5 / 255 + 1e-5


def test_epoch_and_seed_each_change_the_views(definition: Pretrain) -> None:
    first, later = (seen_at(look(definition), epoch, 0)[0] for epoch in (0, 1))
    other = seen_at(look(definition, seed=7), 0, 0)[0]
    again = seen_at(look(definition, seed=definition.seed), 0, 0)[0]
    assert torch.equal(first.fed_CTHW, again.fed_CTHW)
    assert not torch.equal(first.fed_CTHW, later.fed_CTHW)
    assert not torch.equal(first.fed_CTHW, other.fed_CTHW)


def test_the_box_is_the_part_that_was_cut_out(definition: Pretrain) -> None:
    calm = {"size": 16, "jitter": {"p": 0.0}, "grey_p": 0.0, "blur_p": 0.0, "flip_p": 0.0}
    looked = look(tiny(Path(definition.data.root), views={"views": [calm, calm]}))
    for seen in seen_at(looked, 2, 5):
        top, left, height, width = seen.box
        cut = torch.from_numpy(seen.source_THWC[:, top : top + height, left : left + width])
        stretched = nn.functional.interpolate(cut.permute(0, 3, 1, 2), (16, 16), mode="bilinear")
        assert np.array_equal(stretched.permute(0, 2, 3, 1).numpy(), seen.shown_THWC)


def test_operations_come_in_order_and_say_what_was_drawn(definition: Pretrain) -> None:
    sure = {"size": 16, "jitter": {"p": 1.0}, "grey_p": 0.0, "blur_p": 1.0, "solarize_p": 0.0, "flip_p": 1.0}
    views = {"views": [sure, sure], "time_difference_p": 0.5}
    seen = seen_at(look(tiny(Path(definition.data.root), views=views)), 0, 0)[0]
    named = {operation.name: operation for operation in seen.operations}
    assert list(named) == ["time difference", "crop", "colour jitter", "grey", "blur", "solarize", "flip"]
    assert {name for name, one in named.items() if one.is_applied} >= {
        "crop",
        "colour jitter",
        "blur",
        "flip",
    }
    assert not named["grey"].is_applied
    assert named["time difference"].is_applied == seen.plan.is_difference
    assert f"{named['blur'].values['sigma']:.2f} px" in named["blur"].words
    assert 0.2 <= named["colour jitter"].values["brightness"] <= 1.8
    assert named["colour jitter"].words.lower().count(", then ") == 3
    assert f"{seen.box.width} x {seen.box.height} px" in named["crop"].words


def test_clips_are_written_in_step_and_the_answer_last(definition: Pretrain, tmp_path: Path) -> None:
    write_views(definition, "4", seed=None, epoch=1, out=tmp_path)
    answer = json.loads((tmp_path / "views.json").read_text())
    assert (answer["position"], answer["epoch"], answer["seed"]) == (4, 1, definition.seed)
    for view, seen in zip(answer["views"], seen_at(look(definition), 1, 4), strict=True):
        assert view["frames"] == list(seen.plan.clips[0])
        assert view["times_s"] == pytest.approx([frame / answer["fps"] for frame in view["frames"]], abs=1e-4)
        for name, shown_THWC in (("source", seen.source_THWC), ("view", seen.shown_THWC)):
            with av.open(str(tmp_path / view[name])) as container:
                frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            assert len(frames) == definition.data.num_frames
            assert np.abs(np.stack(frames).astype(int) - shown_THWC).mean() < 20  # lossy, of half the colours


def test_an_image_is_written_without_loss(pictures: Pretrain, tmp_path: Path) -> None:
    write_views(pictures, "train/a/0.png", seed=3, epoch=0, out=tmp_path)
    answer = json.loads((tmp_path / "views.json").read_text())
    for view, seen in zip(answer["views"], seen_at(look(pictures, seed=3), 0, 0), strict=True):
        assert np.array_equal(np.asarray(Image.open(tmp_path / view["view"])), seen.shown_THWC[0])


def test_an_odd_view_is_shown_with_every_pixel_doubled(definition: Pretrain, tmp_path: Path) -> None:
    odd = tiny(Path(definition.data.root), views={"views": [{"size": 15}, {"size": 15}]})
    write_views(odd, "0", seed=None, epoch=0, out=tmp_path)
    with av.open(str(tmp_path / "view-0.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (30, 30)


def an_evaluation(root: str, kind: str) -> Evaluation:
    data = {"kind": "video", "root": root, "num_frames": 4, "clip_s": 0.4}
    asked = {"data": data, "protocol": {"kind": kind}, "checkpoint": {"path": "1/checkpoints/last.ckpt"}}
    return Evaluation.model_validate(asked)


def test_a_classifiers_training_view_is_shown_and_an_evaluation_without_one_refused(
    definition: Pretrain,
) -> None:
    root = definition.data.root
    assert len(seen_at(look(an_evaluation(root, "linear")), 0, 0)) == 1
    with pytest.raises(NothingToLookAt, match="knn trains nothing"):
        look(an_evaluation(root, "knn"))


@pytest.mark.parametrize("item", ["train/none.mp4", str(TRAIN_VIDEOS), "-1", ""])
def test_an_item_that_is_not_there_is_refused_with_what_would_do(definition: Pretrain, item: str) -> None:
    with pytest.raises(NothingToLookAt, match=f"a number below {TRAIN_VIDEOS}"):
        look(definition).position(item)


def test_a_video_that_broke_since_it_was_indexed_is_no_neighbours_picture(tmp_path: Path) -> None:
    root = make_videos(tmp_path)
    broken = look(tiny(root)).reader.source.items[2].path
    (root / broken).write_bytes(b"broken")
    with pytest.raises(UnreadableVideo, match=Path(broken).name):
        seen_at(look(tiny(root)), 0, 2)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["sce.inspect", *arguments])
    main()


def test_the_program_takes_a_run_folder_or_a_definition(
    definition: Pretrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "definition.json").write_text(definition.model_dump_json())
    for place, asked in enumerate((tmp_path, tmp_path / "definition.json")):
        out = tmp_path / str(place)
        run(monkeypatch, str(asked), "1", "--seed", "5", "--epoch", "2", "--out", str(out))
        assert capsys.readouterr().out.strip() == str(out / "views.json")
    first, second = (json.loads((tmp_path / name / "views.json").read_text()) for name in "01")
    assert first == second


@pytest.mark.parametrize(("content", "sentence"), [(None, "is not there"), ("{}", "holds no definition")])
def test_the_program_says_in_a_sentence_what_is_wrong(
    content: str | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "definition.json").write_text(content)
    with pytest.raises(SystemExit, match=sentence):
        run(monkeypatch, str(tmp_path), "0", "--out", str(tmp_path / "out"))
