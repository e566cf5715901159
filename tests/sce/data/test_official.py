"""Official folders are read as they were downloaded: their splits, their class numbers, and what does not fit."""

import json
from pathlib import Path

import pytest

from sce.data.index import build_index, load_index, save_index
from sce.data.layout import UnusableFolder, find_entries
from tests.sce.data.folders import (
    HMDB_CLASSES,
    SSV2_TEMPLATES,
    UCF_CLASSES,
    hmdb51,
    imagenet,
    kinetics,
    named,
    ssv2,
    tiny_imagenet,
    touch,
    ucf101,
    ucf_names,
    write,
)
from tests.videos import encode, numbered_frames

# -- UCF101


@pytest.mark.parametrize(("videos", "lists"), [("", ""), ("UCF-101/", "ucfTrainTestlist")])
def test_ucf101_has_three_splits_with_the_official_numbers(videos: str, lists: str, tmp_path: Path) -> None:
    root = ucf101(tmp_path, videos=videos, lists=lists)
    classes, entries = find_entries(root, "video")
    assert classes == UCF_CLASSES  # Hammering comes before HammerThrow in classInd.txt, not in ASCII
    assert sorted({one.split for one in entries}) == [
        f"{side}-{n}" for side in ("test", "train") for n in "123"
    ]
    assert {one.path for one in entries if one.split == "test-1"} == {
        f"{videos}{n}.avi" for n in ucf_names([1])
    }
    assert all(classes[one.label] in one.path for one in entries)
    assert all((root / one.path).is_file() for one in entries)


def test_ucf101_that_was_encoded_anew_or_cut_into_frames_keeps_its_lists(tmp_path: Path) -> None:
    encoded = ucf101(tmp_path / "encoded", suffix=".mp4")
    assert set(named(encoded)["train-1"]) == {f"{name}.mp4" for name in ucf_names([2])}
    frames = ucf101(tmp_path / "frames", suffix="/00000001.jpg")
    assert set(named(frames)["train-1"]) == set(ucf_names([2]))


def test_ucf101_lists_of_frames_say_how_many_there_are(tmp_path: Path) -> None:
    root = ucf101(tmp_path, suffix="/00000001.jpg")
    lines = "".join(f"{name} {n} {70 + n}\n" for n, name in enumerate(ucf_names([2]), 1))
    write(root, {"trainlist01.txt": lines})
    found = [one for one in find_entries(root, "video")[1] if one.split == "train-1"]
    assert [one.num_frames for one in found] == [71, 72, 73]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("trainlist01.txt", "Juggling/v_a.avi 1\n", "the class 'Juggling', which classInd.txt does not"),
        ("trainlist01.txt", "Hammering/v_a.avi 3\n", "the number 3, and classInd.txt gives its class 2"),
        (
            "classInd.txt",
            "1 ApplyEyeMakeup\n3 Hammering\n",
            "does not count its classes from 1 without a gap",
        ),
        ("classInd.txt", "1 Hammering\n2 ApplyEyeMakeup\n", "does not list its classes sorted"),
        ("classInd.txt", "ApplyEyeMakeup\n", "expected lines such as '1 ApplyEyeMakeup'"),
    ],
)
def test_a_class_list_that_does_not_match_is_named(
    name: str, text: str, sentence: str, tmp_path: Path
) -> None:
    root = write(ucf101(tmp_path), {name: text})
    with pytest.raises(UnusableFolder, match=sentence):
        find_entries(root, "video")


def test_a_video_that_a_split_names_and_nobody_has_is_told_and_loses_no_other(tmp_path: Path) -> None:
    root = ucf101(tmp_path, suffix=".gone")
    for name in ucf_names()[1:]:
        encode(root / f"{name}.avi", numbered_frames(6, height=32, width=48), codec="mpeg4")
    index = build_index(root, "video", processes=1)
    assert {split: len(items) for split, items in index.splits.items()}["test-1"] == 2
    lost = {(one.split, one.path): one.reason for one in index.unreadable}
    assert set(lost) == {(split, f"{ucf_names()[0]}.avi") for split in ("test-1", "train-2", "train-3")}
    assert set(lost.values()) == {
        "The file is not there: put it back, or take it out of the list that names it."
    }


# -- HMDB51


def test_hmdb51_has_three_splits_and_leaves_out_what_is_in_neither(tmp_path: Path) -> None:
    root = hmdb51(tmp_path)
    splits = named(root)
    assert set(splits) == {f"{side}-{n}" for side in ("test", "train") for n in "123"}
    assert splits["test-2"] == {f"hmdb51_org/{name}/{name}_2.avi": name for name in HMDB_CLASSES}
    assert len(splits["train-3"]) == 4
    assert find_entries(root, "video")[0] == HMDB_CLASSES


def test_a_split_file_of_hmdb51_with_another_number_is_refused(tmp_path: Path) -> None:
    root = write(hmdb51(tmp_path), {"testTrainMulti_7030_splits/cartwheel_test_split2.txt": "a.avi 7\n"})
    with pytest.raises(UnusableFolder, match=r"the line 'a.avi 7': expected a file's name, then 1, 2 or 0"):
        find_entries(root, "video")


# -- Something-Something v2


def test_ssv2_takes_its_classes_from_the_templates(tmp_path: Path) -> None:
    root = ssv2(tmp_path)
    splits = named(root)
    assert {name: len(items) for name, items in splits.items()} == {"train": 4, "val": 2, "test": 1}
    plain = SSV2_TEMPLATES[1].replace("[", "").replace("]", "")
    assert splits["train"]["20bn-something-something-v2/1.webm"] == plain
    assert splits["test"] == {"20bn-something-something-v2/6.webm": None}


def test_ssv2_labels_decide_the_numbers(tmp_path: Path) -> None:
    root = ssv2(tmp_path)
    file = root / "labels" / "labels.json"
    turned = dict(zip(json.loads(file.read_text()), ("1", "0"), strict=True))
    file.write_text(json.dumps(turned))
    assert find_entries(root, "video")[0][0].startswith("Holding")
    file.write_text(json.dumps({"Approaching something with your camera": "0"}))
    with pytest.raises(UnusableFolder, match=r"which labels\.json does not"):
        find_entries(root, "video")


# -- Kinetics


def test_kinetics_counts_the_clips_that_are_gone(tmp_path: Path) -> None:
    root = kinetics(tmp_path)
    classes, entries = find_entries(root, "video")
    assert classes == ("abseiling", "playing guitar")
    assert {split: len(items) for split, items in named(root).items()} == {"train": 4, "val": 4}
    gone = [one.path for one in entries if not (root / one.path).is_file()]
    assert gone == [f"{s}/playing guitar/{s}_-3_000003_000013.mp4" for s in ("train", "val")]


def test_a_clip_in_another_class_than_its_csv_says_is_told(tmp_path: Path) -> None:
    root = kinetics(tmp_path)
    clip = root / "train" / "abseiling" / "train_-0_000000_000010.mp4"
    clip.rename(root / "train" / "playing guitar" / clip.name)
    (problem,) = [one.problem for one in find_entries(root, "video")[1] if one.problem]
    assert (
        problem
        == "It lies under 'playing guitar', and train.csv says 'abseiling': move it, or mend the list."
    )


def test_a_kinetics_csv_without_times_is_refused(tmp_path: Path) -> None:
    root = write(kinetics(tmp_path), {"val.csv": "label,youtube_id,time_start,time_end\nabseiling,x,,\n"})
    with pytest.raises(UnusableFolder, match="a line without a time"):
        find_entries(root, "video")


# -- image sets


def test_tiny_imagenet_sorts_its_validation_by_the_annotation(tmp_path: Path) -> None:
    splits = named(tiny_imagenet(tmp_path), "image")
    assert len(splits["train"]) == 4
    assert splits["val"] == {"val/images/val_0.JPEG": "n01629819", "val/images/val_1.JPEG": "n01443537"}
    assert splits["test"] == {"test/images/test_0.JPEG": None}


def test_an_annotation_of_an_unknown_class_is_refused(tmp_path: Path) -> None:
    root = write(tiny_imagenet(tmp_path), {"val/val_annotations.txt": "val_0.JPEG\tn99999999\t0\t0\t1\t1\n"})
    with pytest.raises(UnusableFolder, match="the class 'n99999999', for which there is no folder in train"):
        find_entries(root, "image")


def test_imagenet_has_its_labelled_subsets_by_base_name(tmp_path: Path) -> None:
    root = imagenet(tmp_path)
    splits = named(root, "image")
    assert {name: len(items) for name, items in splits.items()} == {
        "train": 9,
        "train-1pct": 3,
        "train-10pct": 4,
        "val": 3,
    }
    assert splits["train-1pct"]["train/n13040303/n13040303_2.JPEG"] == "n13040303"


def test_a_subset_that_names_a_missing_picture_counts_it_and_passes_over_foreign_classes(
    tmp_path: Path,
) -> None:
    root = write(imagenet(tmp_path), {"10percent.txt": "n13040303_9.JPEG\nn02110341_1.JPEG\n"})
    assert named(root, "image")["train-10pct"] == {"train/n13040303/n13040303_9.JPEG": "n13040303"}


# -- what a folder says of itself


def test_the_order_of_classes_that_was_written_down_is_kept(tmp_path: Path) -> None:
    touch(tmp_path, "train/HammerThrow/a.mp4", "train/Hammering/b.mp4")
    write(tmp_path, {"scelab-data.json": '{"classes": ["Hammering", "HammerThrow", "Archery"]}'})
    assert find_entries(tmp_path, "video")[0] == ("Hammering", "HammerThrow", "Archery")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('{"classes": ["walk"]}', "a class 'run' that is not among the 1 of its class list"),
        ('{"classes": ["run", "run"]}', "names the class 'run' twice"),
        ("[", "is damaged: expected"),
        ('{"fps": "fast"}', "is damaged: expected"),
    ],
)
def test_a_folder_that_contradicts_what_it_says_is_refused(said: str, sentence: str, tmp_path: Path) -> None:
    write(touch(tmp_path, "train/run/a.mp4"), {"scelab-data.json": said})
    with pytest.raises(UnusableFolder, match=sentence):
        find_entries(tmp_path, "video")


def test_an_index_of_an_official_folder_is_read_back(tmp_path: Path) -> None:
    root = ucf101(tmp_path, suffix=".gone")
    for name in ucf_names():
        encode(root / f"{name}.avi", numbered_frames(6, height=32, width=48), codec="mpeg4")
    save_index(build_index(root, "video", processes=1))
    index = load_index(root)
    assert index.classes == UCF_CLASSES
    assert [item.label for item in index.items("train-1")] == [0, 1, 2]
