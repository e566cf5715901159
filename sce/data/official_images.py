"""The image sets of linear transfer as their makers hand them out: splits and classes from their own files.

Each reader looks for its own file at the root or one folder below, and says None when it is not there.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sce.data.entries import Listed, Listing, UnusableFolder, lines_of
from sce.data.places import Files, folder_with, places_of

CARS_ANNOTATIONS = {"train": "cars_train_annos.mat", "test": "cars_test_annos_withlabels.mat"}
FLOWERS_SPLITS = {"train": "trnid", "val": "valid", "test": "tstid"}


# -- VOC2007: ImageSets/Main/<class>_<split>.txt ("000005 -1": 1 shown, -1 not, 0 hard to see)


def _voc2007(root: Path) -> Listing | None:
    devkit = _folder_with(root, "ImageSets/Main/*_trainval.txt")
    if devkit is None:
        return None
    lists = devkit / "ImageSets" / "Main"
    found = [re.fullmatch(r"(.+)_(train|val|trainval|test)", file.stem) for file in lists.glob("*_*.txt")]
    files = {(one[2], one[1]) for one in found if one}
    classes = tuple(sorted({name for _, name in files}))
    items: list[Listed] = []
    for split in sorted({split for split, _ in files}):
        missing = [name for name in classes if (split, name) not in files]
        if missing:
            raise UnusableFolder(
                f"{lists} has no {missing[0]}_{split}.txt: unpack the archive of {split} again."
            )
        items += _voc_split(root, devkit, split, classes)
    return Listing(items, classes)


def _voc_split(root: Path, devkit: Path, split: str, classes: Sequence[str]) -> Iterator[Listed]:
    """What is hard to see counts as not shown, in training and scoring, as in PCL's protocol."""
    shows: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        for line in lines_of(devkit / "ImageSets" / "Main" / f"{name}_{split}.txt"):
            picture, _, mark = line.rpartition(" ")
            if mark not in ("1", "0", "-1") or not picture.strip():
                raise UnusableFolder(
                    f"{name}_{split}.txt has the line {line!r}: expected a name, then 1, 0 or -1."
                )
            shows[picture.strip()] += [name] if mark == "1" else []
    for picture, names in sorted(shows.items()):
        path = (devkit / "JPEGImages" / f"{picture}.jpg").relative_to(root).as_posix()
        yield Listed(split, path, names[0] if names else None, shows=tuple(names))


# -- Food-101: meta/classes.txt, meta/train.txt ("apple_pie/1005649")


def _food101(root: Path) -> Listing | None:
    base = _folder_with(root, "meta/classes.txt")
    if base is None:
        return None
    found = Files(root, ())
    items = [
        Listed(split, found.find(f"images/{line}.jpg"), line.partition("/")[0])
        for split in ("train", "test")
        for line in lines_of(base / "meta" / f"{split}.txt")
    ]
    return Listing(items, tuple(lines_of(base / "meta" / "classes.txt")))


# -- SUN397: ClassName.txt ("/a/abbey"), Training_01.txt ("/a/abbey/sun_aaa.jpg"), ten partitions


def _sun397(root: Path) -> Listing | None:
    lists = folder_with(root, "Training_0?.txt")
    names = folder_with(root, "ClassName.txt")
    if lists is None or names is None:
        return None
    found = Files(root, ())
    items = [
        Listed(f"{split}-{int(file.stem[-2:])}", found.find(line.removeprefix("/")), _sun_class(line))
        for word, split in (("Training", "train"), ("Testing", "test"))
        for file in sorted(lists.glob(f"{word}_??.txt"))
        for line in lines_of(file)
    ]
    return Listing(items, tuple(_sun_class(f"{line}/") for line in lines_of(names / "ClassName.txt")))


def _sun_class(line: str) -> str:
    """The folders between the letter and the file: some classes are of two, as in apartment_building/outdoor."""
    return line.rpartition("/")[0].removeprefix("/").partition("/")[2]


# -- Stanford Cars: devkit/cars_meta.mat, cars_train_annos.mat, cars_test_annos_withlabels.mat


def _cars(root: Path) -> Listing | None:
    devkit = folder_with(root, "cars_meta.mat")
    if devkit is None:
        return None
    classes = tuple(str(name) for name in _matlab(devkit / "cars_meta.mat", "class_names"))
    found = Files(root, ())
    items: list[Listed] = []
    for split, name in CARS_ANNOTATIONS.items():
        base = folder_with(root, name)
        if base is None:
            raise UnusableFolder(
                f"{root} has no {name}: the published archives hold it; put it into {devkit}."
            )
        items += [
            Listed(split, found.find(f"cars_{split}/{row['fname']}"), classes[int(row["class"]) - 1])
            for row in _matlab(base / name, "annotations")
        ]
    return Listing(items, classes)


# -- FGVC Aircraft: data/variants.txt, data/images_variant_train.txt ("0056978 707-320")


def _aircraft(root: Path) -> Listing | None:
    base = folder_with(root, "images_variant_train.txt") or folder_with(root, "data/images_variant_train.txt")
    if base is None:
        return None
    base = base if (base / "variants.txt").is_file() else base / "data"
    lines = [
        (split, *line.split(maxsplit=1))
        for split in ("train", "val", "trainval", "test")
        for line in lines_of(base / f"images_variant_{split}.txt")
    ]
    folder = (base / "images").relative_to(root).as_posix()
    items = [Listed(split, f"{folder}/{picture}.jpg", name) for split, picture, name in lines]
    return Listing(items, tuple(lines_of(base / "variants.txt")))


# -- DTD: labels/train1.txt ("banded/banded_0002.jpg"), ten partitions


def _dtd(root: Path) -> Listing | None:
    base = _folder_with(root, "labels/train1.txt")
    if base is None:
        return None
    files = [re.fullmatch(r"(train|val|test)(\d+)", file.stem) for file in (base / "labels").glob("*.txt")]
    items = [
        Listed(
            f"{one[1]}-{one[2]}",
            (base / "images" / line).relative_to(root).as_posix(),
            line.partition("/")[0],
        )
        for one in sorted((one for one in files if one), key=lambda one: (one[1], int(one[2])))
        for line in lines_of(base / "labels" / f"{one[0]}.txt")
    ]
    return Listing(items)


# -- Oxford Pets: annotations/trainval.txt ("Abyssinian_100 1 1 1": name, class, species, breed)


def _pets(root: Path) -> Listing | None:
    lists = _folder_with(root, "annotations/trainval.txt")
    if lists is None:
        return None
    found, names, items = Files(root, ()), dict[int, str](), list[Listed]()
    for split in ("trainval", "test"):
        for line in lines_of(lists / "annotations" / f"{split}.txt"):
            picture, number = line.split()[:2]
            names[int(number)] = picture.rpartition("_")[0]
            items.append(Listed(split, found.find(f"images/{picture}.jpg"), names[int(number)]))
    return Listing(items, tuple(names[number] for number in sorted(names)))


# -- Oxford Flowers: setid.mat (numbers of pictures by split), imagelabels.mat; its classes have numbers, no names


def _flowers(root: Path) -> Listing | None:
    lists, labels = folder_with(root, "setid.mat"), folder_with(root, "imagelabels.mat")
    if lists is None or labels is None:
        return None
    found, label = Files(root, ()), _matlab(labels / "imagelabels.mat", "labels")
    items = [
        Listed(split, found.find(f"jpg/image_{int(number):05d}.jpg"), str(int(label[int(number) - 1])))
        for split, name in FLOWERS_SPLITS.items()
        for number in _matlab(lists / "setid.mat", name)
    ]
    return Listing(items)


# -- Caltech-101 has no official split: lists train.txt and test.txt of "accordion/image_0001.jpg" are the user's


def _caltech101(root: Path) -> Listing | None:
    pictures = folder_with(root, "101_ObjectCategories")
    if pictures is None:
        return None
    lists = folder_with(root, "train.txt")
    if lists is None or not (lists / "test.txt").is_file():
        raise UnusableFolder(
            f"{root} has no train.txt and test.txt: Caltech-101 has no official split, so put two lists of lines "
            f"such as accordion/image_0001.jpg beside 101_ObjectCategories."
        )
    folder = (pictures / "101_ObjectCategories").relative_to(root).as_posix()
    items = [
        Listed(split, f"{folder}/{line}", line.partition("/")[0])
        for split in ("train", "test")
        for line in lines_of(lists / f"{split}.txt")
    ]
    return Listing(items)


def _folder_with(root: Path, pattern: str) -> Path | None:
    """As ``folder_with``, also two folders down: VOCdevkit/VOC2007."""
    found = (folder_with(place, pattern) for place in places_of(root))
    return next((one for one in found if one is not None), None)


def _matlab(file: Path, name: str) -> Sequence[Any]:  # Any: an array of numbers, of words, or of records
    """A variable of a MATLAB file, always a list. Raises UnusableFolder."""
    from scipy.io import matlab  # half a second, and only two sets need it

    try:
        value = matlab.loadmat(file, simplify_cells=True)[name]  # type: ignore[no-untyped-call]  # not annotated
    except (matlab.MatReadError, LookupError, ValueError, TypeError, OSError, EOFError, zlib.error) as error:
        raise UnusableFolder(f"{file} is damaged: download it again.") from error
    return value if hasattr(value, "__len__") and not isinstance(value, dict | str) else [value]


IMAGE_READERS: tuple[Callable[[Path], Listing | None], ...] = (
    _voc2007,
    _food101,
    _sun397,
    _cars,
    _aircraft,
    _dtd,
    _pets,
    _flowers,
    _caltech101,
)
