"""The image sets of linear transfer, each in the folders and files that its makers hand out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import matlab

from sce.data.index import build_index, load_index, save_index
from sce.data.layout import UnusableFolder, find_entries
from sce.data.prepare.wish import Convert, Wish
from sce.data.prepare.work import prepare
from tests.sce.data.folders import VOC_SHOWS, named, touch, voc2007, write

Splits = dict[str, dict[str, str | None]]


def food101(root: Path) -> Splits:
    write(
        root / "food-101/meta",
        {
            "classes.txt": "apple_pie\nwaffles\n",
            "train.txt": "apple_pie/101\nwaffles/7\n",
            "test.txt": "waffles/8\n",
        },
    )
    touch(root / "food-101/images", "apple_pie/101.jpg", "waffles/7.jpg", "waffles/8.jpg")
    here = "food-101/images"
    return {
        "train": {f"{here}/apple_pie/101.jpg": "apple_pie", f"{here}/waffles/7.jpg": "waffles"},
        "test": {f"{here}/waffles/8.jpg": "waffles"},
    }


def sun397(root: Path) -> Splits:
    """A class may lie in two folders below its letter."""
    write(
        root / "Partitions",
        {
            "ClassName.txt": "/a/abbey\n/a/apartment_building/outdoor\n",
            "Training_01.txt": "/a/abbey/sun_1.jpg\n",
            "Testing_01.txt": "/a/apartment_building/outdoor/sun_2.jpg\n",
        },
    )
    touch(root / "SUN397", "a/abbey/sun_1.jpg", "a/apartment_building/outdoor/sun_2.jpg")
    return {
        "train-1": {"SUN397/a/abbey/sun_1.jpg": "abbey"},
        "test-1": {"SUN397/a/apartment_building/outdoor/sun_2.jpg": "apartment_building/outdoor"},
    }


def cars(root: Path) -> Splits:
    def annotations(*rows: tuple[str, int]) -> dict[str, object]:
        kind = [("fname", object), ("class", object)]
        return {"annotations": np.array(list(rows), dtype=kind)}

    (root / "devkit").mkdir(parents=True)
    names = np.array(["AM General Hummer SUV 2000", "Acura RL Sedan 2012"], dtype=object)
    matlab.savemat(root / "devkit/cars_meta.mat", {"class_names": names})
    matlab.savemat(root / "devkit/cars_train_annos.mat", annotations(("00001.jpg", 2), ("00002.jpg", 1)))
    matlab.savemat(root / "devkit/cars_test_annos_withlabels.mat", annotations(("00001.jpg", 1)))
    touch(root, "cars_train/00001.jpg", "cars_train/00002.jpg", "cars_test/00001.jpg")
    return {
        "train": {"cars_train/00001.jpg": str(names[1]), "cars_train/00002.jpg": str(names[0])},
        "test": {"cars_test/00001.jpg": str(names[0])},
    }


def aircraft(root: Path) -> Splits:
    """A variant's name may hold a space, and a slash."""
    data = root / "fgvc-aircraft-2013b/data"
    lists = {"train": "01 F/A-18\n", "val": "02 DR-400\n", "trainval": "01 F/A-18\n02 DR-400\n"}
    lists["test"] = "03 MD 80\n"
    write(data, {f"images_variant_{split}.txt": text for split, text in lists.items()})
    write(data, {"variants.txt": "DR-400\nF/A-18\nMD 80\n"})
    touch(data / "images", "01.jpg", "02.jpg", "03.jpg")
    one, two, three = (f"fgvc-aircraft-2013b/data/images/0{n}.jpg" for n in (1, 2, 3))
    return {
        "train": {one: "F/A-18"},
        "val": {two: "DR-400"},
        "trainval": {one: "F/A-18", two: "DR-400"},
        "test": {three: "MD 80"},
    }


def dtd(root: Path) -> Splits:
    sides = {"train": "banded/banded_1.jpg", "val": "dotted/dotted_1.jpg", "test": "banded/banded_2.jpg"}
    write(
        root / "dtd/labels", {f"{side}{n}.txt": f"{path}\n" for side, path in sides.items() for n in (1, 10)}
    )
    touch(root / "dtd/images", *sides.values())
    return {
        f"{side}-{n}": {f"dtd/images/{path}": path.partition("/")[0]}
        for side, path in sides.items()
        for n in (1, 10)
    }


def pets(root: Path) -> Splits:
    """Classes count by their number: cats have capitals and dogs have not, and the official order mixes them."""
    write(
        root / "annotations",
        {
            "trainval.txt": "Abyssinian_100 1 1 1\namerican_bulldog_10 2 2 1\n",
            "test.txt": "Bengal_3 3 1 2\n",
            "list.txt": "#Image CLASS-ID\n",
        },
    )
    touch(root / "images", "Abyssinian_100.jpg", "american_bulldog_10.jpg", "Bengal_3.jpg")
    return {
        "trainval": {
            "images/Abyssinian_100.jpg": "Abyssinian",
            "images/american_bulldog_10.jpg": "american_bulldog",
        },
        "test": {"images/Bengal_3.jpg": "Bengal"},
    }


def flowers102(root: Path) -> Splits:
    root.mkdir(parents=True, exist_ok=True)
    matlab.savemat(root / "imagelabels.mat", {"labels": np.array([[2, 10, 2, 10]])})
    splits = {"trnid": np.array([[3]]), "valid": np.array([[2]]), "tstid": np.array([[1, 4]])}
    matlab.savemat(root / "setid.mat", splits)
    touch(root / "jpg", *(f"image_0000{n}.jpg" for n in (1, 2, 3, 4)))
    return {
        "train": {"jpg/image_00003.jpg": "2"},
        "val": {"jpg/image_00002.jpg": "10"},
        "test": {"jpg/image_00001.jpg": "2", "jpg/image_00004.jpg": "10"},
    }


def caltech101(root: Path) -> Splits:
    write(root, {"train.txt": "accordion/image_0001.jpg\n", "test.txt": "BACKGROUND_Google/image_0001.jpg\n"})
    folder = "101_ObjectCategories"
    touch(root / folder, "accordion/image_0001.jpg", "BACKGROUND_Google/image_0001.jpg")
    return {
        "train": {f"{folder}/accordion/image_0001.jpg": "accordion"},
        "test": {f"{folder}/BACKGROUND_Google/image_0001.jpg": "BACKGROUND_Google"},
    }


MAKERS: tuple[Callable[[Path], Splits], ...] = (
    food101,
    sun397,
    cars,
    aircraft,
    dtd,
    pets,
    flowers102,
    caltech101,
)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_set_is_read_from_its_own_files(maker: Callable[[Path], Splits], tmp_path: Path) -> None:
    expected = maker(tmp_path)
    assert named(tmp_path, "image") == expected
    assert all((tmp_path / path).is_file() for paths in expected.values() for path in paths)


def test_classes_count_by_the_official_number(tmp_path: Path) -> None:
    pets(tmp_path / "pets")
    flowers102(tmp_path / "flowers")
    assert find_entries(tmp_path / "pets", "image")[0] == ("Abyssinian", "american_bulldog", "Bengal")
    assert find_entries(tmp_path / "flowers", "image")[0] == ("2", "10")


@pytest.mark.parametrize("place", ["", "VOCdevkit", "VOCdevkit/VOC2007"])
def test_a_picture_of_voc2007_shows_several_classes(place: str, tmp_path: Path) -> None:
    voc2007(tmp_path)
    classes, entries = find_entries(tmp_path / place, "image")
    assert classes == ("cat", "dog", "person")
    shown = {
        (one.split, Path(one.path).stem): tuple(classes[label] for label in one.labels) for one in entries
    }
    # A dog that is hard to see counts as none.
    assert {key: names for key, names in shown.items() if key[0] != "trainval"} == {
        (split, picture): names for split, one in VOC_SHOWS.items() for picture, names in one.items()
    }
    assert sum(split == "trainval" for split, _ in shown) == 8


def test_several_classes_survive_the_index_and_a_preparation(tmp_path: Path) -> None:
    for path in voc2007(tmp_path / "src"):
        Image.new("RGB", (40, 30)).save(tmp_path / "src" / path)
    index = build_index(tmp_path / "src", "image", processes=1)
    save_index(index)
    assert load_index(tmp_path / "src") == index
    assert index.shows_several
    report = prepare(Wish("images", tmp_path / "src", tmp_path / "dst", Convert(), processes=1))
    assert report.bad == []
    copied = load_index(tmp_path / "dst")
    assert copied.splits.keys() == index.splits.keys()
    for split, items in index.splits.items():
        assert [one.labels for one in copied.splits[split]] == [one.labels for one in items]


def test_a_set_of_one_class_an_item_keeps_the_fingerprint_that_it_had(tmp_path: Path) -> None:
    """An index from before pictures could show several classes says the same as one made now."""
    for split, name in (("train", "cat"), ("val", "dog")):
        file = tmp_path / split / name / "a.png"
        file.parent.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(file)
    index = build_index(tmp_path, "image", processes=1)
    assert not index.shows_several
    assert "[]" not in save_index(index).read_text().partition('"splits"')[2].partition('"unreadable"')[0]


def test_a_missing_list_and_a_damaged_file_are_named_with_the_remedy(tmp_path: Path) -> None:
    voc2007(tmp_path / "voc")
    (tmp_path / "voc/VOCdevkit/VOC2007/ImageSets/Main/dog_test.txt").unlink()
    with pytest.raises(UnusableFolder, match=r"has no dog_test\.txt: unpack the archive of test again"):
        find_entries(tmp_path / "voc", "image")
    flowers102(tmp_path / "flowers")
    whole = (tmp_path / "flowers/setid.mat").read_bytes()
    for rest in (b"", whole[:60], whole[:140], whole[: len(whole) - 9], b"a page that says 404" * 20):
        (tmp_path / "flowers/setid.mat").write_bytes(rest)
        with pytest.raises(UnusableFolder, match=r"setid\.mat is damaged: download it again"):
            find_entries(tmp_path / "flowers", "image")
    caltech101(tmp_path / "caltech")
    (tmp_path / "caltech/test.txt").unlink()
    with pytest.raises(UnusableFolder, match="has no official split, so put two lists"):
        find_entries(tmp_path / "caltech", "image")
