"""Every set of the catalogue at its real number of classes, in its own folders and annotations, prepared and read."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import matlab

from sce.data.about import read_about
from sce.data.index import build_index, load_index
from sce.data.prepare.wish import CannotPrepare, Convert, Report, Wish
from sce.data.prepare.work import prepare
from sce.sets import find_set
from tests.sce.data.folders import write
from tests.videos import encode, numbered_frames

# As in classInd.txt: sorted, but capitals count as small letters.
UCF = tuple(Path(__file__).with_name("ucf101-classes.txt").read_text().split())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small video, which stands for all of them."""
    return encode(
        tmp_path_factory.mktemp("clip") / "a.avi", numbered_frames(4, height=32, width=48), codec="mpeg4"
    )


def copies(clip: Path, root: Path, names: list[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clip, root / name)


def ucf(root: Path, clip: Path) -> None:
    copies(clip, root, [f"UCF-101/{name}/v_{name}_g0{g}_c01.avi" for name in UCF for g in (1, 2)])
    texts = {"classInd.txt": "".join(f"{number} {name}\r\n" for number, name in enumerate(UCF, 1))}
    for split in "123":
        lines = [f"{name}/v_{name}_g0{{}}_c01.avi" for name in UCF]
        train, test = (2, 1) if split == "1" else (1, 2)
        texts[f"trainlist0{split}.txt"] = "".join(
            f"{line.format(train)} {number}\n" for number, line in enumerate(lines, 1)
        )
        texts[f"testlist0{split}.txt"] = "".join(f"{line.format(test)}\n" for line in lines)
    write(root / "ucfTrainTestlist", texts)


def hmdb(root: Path, clip: Path) -> None:
    names = [f"action_{n:02d}" for n in range(51)]
    copies(clip, root / "hmdb51_org", [f"{name}/a {part}.avi" for name in names for part in range(3)])
    for split in "123":
        lines = "a 0.avi 1 \na 1.avi 2 \na 2.avi 0 \n"
        write(root / "splits", {f"{name}_test_split{split}.txt": lines for name in names})


def ssv2(root: Path, clip: Path) -> None:
    # Templates have commas, which would tear a line of a csv.
    templates = [f"Putting [something], [something] and {n:03d} on the table" for n in range(174)]
    rows = [{"id": str(n), "template": template} for n, template in enumerate(templates)]
    plain = {one.replace("[", "").replace("]", ""): str(n) for n, one in enumerate(templates)}
    texts = {"labels": plain, "train": rows[:-2], "validation": rows[-2:], "test": [{"id": "0"}]}
    write(root / "labels", {f"{name}.json": json.dumps(value) for name, value in texts.items()})
    copies(clip, root / "20bn-something-something-v2", [f"{n}.webm" for n in range(174)])


def kinetics200(root: Path, clip: Path) -> None:
    """A folder of more classes than are wanted, and the list of those that are."""
    names = [f"playing {n:03d}" for n in range(203)]
    copies(
        clip,
        root,
        [
            f"{split}/{name}/id_-{n}_000001_000011.mp4"
            for split in ("train", "val")
            for n, name in enumerate(names)
        ],
    )
    write(root, {"kinetics200.txt": "\n".join(names[:200]) + "\n"})


def tiny(root: Path, clip: Path) -> None:
    wnids = [f"n{n:08d}" for n in range(200)]
    picture = root / "val" / "images" / "val_0.JPEG"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(picture)
    copies(picture, root, [f"train/{wnid}/images/{wnid}_0.JPEG" for wnid in wnids])
    write(root, {"val/val_annotations.txt": f"val_0.JPEG\t{wnids[7]}\t0\t0\t9\t9\n"})


def voc(root: Path, clip: Path) -> None:
    """Picture n shows class n, and every third one class 0 as well."""
    main = root / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main"
    for split, first in (("train", 0), ("val", 20), ("trainval", 0), ("test", 40)):
        pictures = range(first, first + (40 if split == "trainval" else 20))
        for name in range(20):
            shown = {n for n in pictures if n % 20 == name or (name == 0 and n % 3 == 0)}
            lines = [f"{n:06d} {'1' if n in shown else '-1':>2}" for n in pictures]
            write(main, {f"class{name:02d}_{split}.txt": "\n".join(lines) + "\n"})
    for n in range(60):
        file = root / "VOCdevkit" / "VOC2007" / "JPEGImages" / f"{n:06d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 24)).save(file)


def flowers(root: Path, clip: Path) -> None:
    """Three pictures of each of 102 classes, one for each split."""
    labels = np.arange(306) % 102 + 1
    splits = {name: np.arange(102) + 1 + 102 * part for part, name in enumerate(("trnid", "valid", "tstid"))}
    root.mkdir(parents=True)
    matlab.savemat(root / "imagelabels.mat", {"labels": labels[None]})
    matlab.savemat(root / "setid.mat", {name: numbers[None] for name, numbers in splits.items()})
    (root / "jpg").mkdir()
    for number in range(1, 307):
        Image.new("RGB", (16, 16)).save(root / "jpg" / f"image_{number:05d}.jpg")


MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "ucf101": ucf,
    "hmdb51": hmdb,
    "ssv2": ssv2,
    "kinetics200": kinetics200,
    "tiny-imagenet": tiny,
    "voc2007": voc,
    "flowers102": flowers,
}
SIZES = {
    "ucf101": {f"{side}-{n}": 101 for side in ("test", "train") for n in "123"},
    "hmdb51": {f"{side}-{n}": 51 for side in ("test", "train") for n in "123"},
    "ssv2": {"test": 1, "train": 172, "val": 2},
    "kinetics200": {"train": 200, "val": 200},
    "tiny-imagenet": {"train": 200, "val": 1},
    "voc2007": {"test": 20, "train": 20, "trainval": 40, "val": 20},
    "flowers102": {"test": 102, "train": 102, "val": 102},
}


def prepared(name: str, folder: Path, clip: Path, convert: Convert | None = None) -> Report:
    MAKERS[name](folder / "src", clip)
    return prepare(Wish(name, folder / "src", folder / "dst", convert or Convert(), processes=1))


@pytest.mark.parametrize("name", MAKERS)
def test_a_whole_set_is_prepared_with_its_splits_and_classes(name: str, tmp_path: Path, clip: Path) -> None:
    report = prepared(name, tmp_path, clip)
    assert report.splits == SIZES[name]
    assert report.bad == []
    index = load_index(tmp_path / "dst")
    assert len(index.classes) == report.num_classes == find_set(name).num_classes
    again = build_index(tmp_path / "dst", find_set(name).kind, processes=1)
    assert again.fingerprint == index.fingerprint


def test_ucf101_keeps_the_official_numbers_when_it_is_encoded_anew(tmp_path: Path, clip: Path) -> None:
    prepared("ucf101", tmp_path, clip, Convert("encode", 16))
    index = load_index(tmp_path / "dst")
    assert index.classes == tuple(UCF)
    for item in index.items("test-2"):
        assert f"/{UCF[item.label]}/" in item.path
    assert read_about(tmp_path / "dst").set == "ucf101"
    assert {item.height for item in index.items("train-3")} == {16}


def test_an_official_folder_is_indexed_where_it_lies_and_nothing_of_it_changes(
    tmp_path: Path, clip: Path
) -> None:
    hmdb(tmp_path, clip)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if file.is_file()}
    report = prepare(Wish("hmdb51", tmp_path, tmp_path, processes=1))
    assert report.splits == SIZES["hmdb51"]
    assert {file: file.stat().st_mtime_ns for file in before} == before
    new = {file.name for file in tmp_path.rglob("*") if file.is_file()} - {file.name for file in before}
    assert new == {"scelab-index.json", "scelab-report.json"}


def test_an_official_size_that_is_not_met_is_told(tmp_path: Path, clip: Path) -> None:
    warnings = prepared("hmdb51", tmp_path, clip).warnings
    assert "train-1 lists 51 items, and the official set has 3,570." in warnings


def test_the_two_hundred_need_their_list_in_a_larger_folder(tmp_path: Path, clip: Path) -> None:
    kinetics200(tmp_path / "src", clip)
    (tmp_path / "src" / "kinetics200.txt").unlink()
    with pytest.raises(CannotPrepare, match=r"Put the names of its 200 classes into kinetics200\.txt"):
        prepare(Wish("kinetics200", tmp_path / "src", tmp_path / "dst"))
