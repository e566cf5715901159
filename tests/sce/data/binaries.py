"""CIFAR and STL-10 in small: their real binary records, few of them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def picture(seed: int, side: int) -> NDArray[np.uint8]:
    """(3, S, S) of noise, so that a turned or swapped axis shows."""
    return np.random.default_rng(seed).integers(0, 256, (3, side, side), dtype=np.uint8)


def cifar10(root: Path) -> Path:
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for number in range(6):
        name = f"data_batch_{number + 1}.bin" if number < 5 else "test_batch.bin"
        records = [bytes([(number + n) % 10]) + picture(10 * number + n, 32).tobytes() for n in range(2)]
        (folder / name).write_bytes(b"".join(records))
    (folder / "batches.meta.txt").write_text("\n".join(CIFAR10) + "\n\n")
    return root


def cifar100(root: Path) -> Path:
    folder = root / "cifar-100-binary"
    folder.mkdir(parents=True)
    for name in ("train", "test"):
        records = [bytes([3, 40 + n]) + picture(n, 32).tobytes() for n in range(2)]
        (folder / f"{name}.bin").write_bytes(b"".join(records))
    (folder / "fine_label_names.txt").write_text("\n".join(f"class{n:02d}" for n in range(100)) + "\n")
    return root


def stl10(root: Path) -> Path:
    """Each picture is stored column by column."""
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    for split, count in (("train", 4), ("test", 2), ("unlabeled", 3)):
        pictures = [picture(n, 96).transpose(0, 2, 1).tobytes() for n in range(count)]
        (folder / f"{split}_X.bin").write_bytes(b"".join(pictures))
        if split != "unlabeled":
            (folder / f"{split}_y.bin").write_bytes(bytes([1 + n for n in range(count)]))
    (folder / "class_names.txt").write_text("\n".join(f"class{n}" for n in range(10)))
    (folder / "fold_indices.txt").write_text("0 2 \n1 3 \n")
    return root
