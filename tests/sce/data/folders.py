"""Official data sets in small: the real folders and annotation formats, with empty files where content is nothing."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from sce.data.layout import UNLABELLED, find_entries


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def named(root: Path, kind: str = "video") -> dict[str, dict[str, str | None]]:
    """Split -> path -> class name."""
    classes, entries = find_entries(root, kind)
    splits: dict[str, dict[str, str | None]] = {}
    for one in entries:
        name = None if one.label == UNLABELLED else classes[one.label]
        splits.setdefault(one.split, {})[one.path] = name
    return splits


UCF_CLASSES = ("ApplyEyeMakeup", "Hammering", "HammerThrow")


def ucf_names(groups: Iterable[int] = (1, 2)) -> list[str]:
    return [f"{name}/v_{name}_g{group:02d}_c01" for name in UCF_CLASSES for group in groups]


def ucf101(root: Path, *, videos: str = "", lists: str = "", suffix: str = ".avi") -> Path:
    """Three classes whose official order is not that of ASCII; group 1 is the test side of split 1."""
    texts = {
        "classInd.txt": "".join(f"{n} {name}\n" for n, name in enumerate(UCF_CLASSES, 1)),
    }
    for split in (1, 2, 3):
        train, test = ucf_names([2 if split == 1 else 1]), ucf_names([1 if split == 1 else 2])
        numbers = range(1, len(UCF_CLASSES) + 1)
        texts[f"trainlist0{split}.txt"] = "".join(
            f"{name}.avi {n}\r\n" for name, n in zip(train, numbers, strict=True)
        )
        texts[f"testlist0{split}.txt"] = "".join(f"{name}.avi\r\n" for name in test)
    write(root / lists, texts)
    return touch(root, *(f"{videos}{name}{suffix}" for name in ucf_names()))


HMDB_CLASSES = ("brush_hair", "cartwheel")


def hmdb51(root: Path) -> Path:
    """Per class four videos: two to train on, one to test on, one in neither."""
    for split in (1, 2, 3):
        for name in HMDB_CLASSES:
            lines = [f"{name}_{n}.avi {part} \n" for n, part in enumerate("1120")]
            write(root / "testTrainMulti_7030_splits", {f"{name}_test_split{split}.txt": "".join(lines)})
    return touch(root, *(f"hmdb51_org/{name}/{name}_{n}.avi" for name in HMDB_CLASSES for n in range(4)))


SSV2_TEMPLATES = ("Approaching [something] with your camera", "Holding [something] next to [something]")


def ssv2(root: Path) -> Path:
    def rows(ids: Iterable[int]) -> str:
        return json.dumps(
            [
                {"id": str(i), "label": "words", "template": SSV2_TEMPLATES[i % 2], "placeholders": []}
                for i in ids
            ]
        )

    plain = [template.replace("[", "").replace("]", "") for template in SSV2_TEMPLATES]
    write(
        root / "labels",
        {
            "labels.json": json.dumps({name: str(number) for number, name in enumerate(plain)}),
            "train.json": rows(range(4)),
            "validation.json": rows(range(4, 6)),
            "test.json": json.dumps([{"id": "6"}]),
        },
    )
    return touch(root, *(f"20bn-something-something-v2/{i}.webm" for i in range(7)))


def kinetics(root: Path) -> Path:
    """Two classes; of each split's four clips one is gone from the internet."""
    for split in ("train", "val"):
        rows = ["label,youtube_id,time_start,time_end,split"]
        for n in range(4):
            label = ("abseiling", "playing guitar")[n % 2]
            rows.append(f"{label},{split}_-{n},{n},{n + 10},{split}")
            if n < 3:
                touch(root, f"{split}/{label}/{split}_-{n}_{n:06d}_{n + 10:06d}.mp4")
        write(root, {f"{split}.csv": "\n".join(rows) + "\n"})
    return root


def tiny_imagenet(root: Path) -> Path:
    for wnid in ("n01443537", "n01629819"):
        touch(root, f"train/{wnid}/images/{wnid}_0.JPEG", f"train/{wnid}/images/{wnid}_1.JPEG")
        write(root, {f"train/{wnid}/{wnid}_boxes.txt": f"{wnid}_0.JPEG\t0\t10\t63\t58\n"})
    touch(root, "val/images/val_0.JPEG", "val/images/val_1.JPEG", "test/images/test_0.JPEG")
    lines = "val_0.JPEG\tn01629819\t0\t32\t44\t62\nval_1.JPEG\tn01443537\t52\t55\t57\t59\n"
    return write(root, {"val/val_annotations.txt": lines, "wnids.txt": "n01443537\nn01629819\n"})


def imagenet(root: Path) -> Path:
    """Three classes, of which the first and last are in the subset of 100; SimCLR's lists beside them."""
    for wnid in ("n01558993", "n01440764", "n13040303"):
        touch(
            root,
            *(f"train/{wnid}/{wnid}_{n}.JPEG" for n in range(3)),
            f"val/{wnid}/ILSVRC2012_val_{wnid}.JPEG",
        )
    one = "n01558993_0.JPEG\nn01440764_0.JPEG\nn13040303_2.JPEG\n"
    return write(root, {"imagenet_subsets/1percent.txt": one, "10percent.txt": one + "n13040303_1.JPEG\n"})


VOC_SHOWS = {
    "train": {
        "000001": ("dog",),
        "000002": ("dog", "person"),
        "000003": ("cat",),
        "000004": ("cat", "person"),
    },
    "val": {
        "000005": ("cat", "dog", "person"),
        "000006": ("cat",),
        "000007": ("dog",),
        "000008": ("person",),
    },
    "test": {"000009": ("dog", "person"), "000010": ("cat",), "000011": ("cat", "person"), "000012": ()},
}


def voc2007(root: Path) -> list[str]:
    """Three classes; 000012 shows a dog that is hard to see, and nothing else. Gives the paths of its pictures."""
    main = "VOCdevkit/VOC2007/ImageSets/Main"
    splits = {**VOC_SHOWS, "trainval": {**VOC_SHOWS["train"], **VOC_SHOWS["val"]}}
    for split, shows in splits.items():
        for name in ("cat", "dog", "person"):
            marks = {picture: "1" if name in shown else "-1" for picture, shown in shows.items()}
            if name == "dog" and "000012" in marks:
                marks["000012"] = "0"
            lines = "".join(f"{picture} {mark:>2}\n" for picture, mark in marks.items())
            write(root / main, {f"{name}_{split}.txt": lines})
        write(root / main, {f"{split}.txt": "\n".join(shows) + "\n"})
    paths = [f"VOCdevkit/VOC2007/JPEGImages/{picture}.jpg" for one in VOC_SHOWS.values() for picture in one]
    touch(root, *paths)
    return paths
