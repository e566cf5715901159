"""The handwritten digits that ship with scikit-learn (UCI, 8x8, 1,797 images), as an image folder.

The last fifth is scored. Upstream keeps each writer's digits together, so few of its hands were learned from.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sce.data.index import build_index, save_index

SIDE = 32
VAL_SHARE = 0.2


def make_digits(
    folder: Path, *, processes: int = 2, on_progress: Callable[[int, int], None] | None = None
) -> None:
    """Write ``folder/{train,val}/{0..9}/NNNN.png`` of 32x32 pixels, and the index.

    ``on_progress`` is told (done, images). Raises ``ModuleNotFoundError`` without scikit-learn.
    """
    images_NHW, label_N = _digits()
    first_val = round(len(label_N) * (1 - VAL_SHARE))
    for number, (image, label) in enumerate(zip(images_NHW, label_N, strict=True)):
        split = "train" if number < first_val else "val"
        _write(folder / split / str(label) / f"{number:04d}.png", image)
        if on_progress is not None:
            on_progress(number + 1, len(label_N))
    save_index(build_index(folder, "image", processes=processes))


def _digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, 8, 8) in [0, 255] and labels (N,)."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "The digits ship with scikit-learn, which is not installed: pip install 'scelab[demo]'"
        ) from error
    digits = load_digits()
    return (digits.images * (255 / 16)).round().astype(np.uint8), digits.target.astype(np.int64)


def _write(file: Path, image_HW: NDArray[np.uint8]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.stem}.{os.getpid()}.tmp")
    grown = Image.fromarray(image_HW).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    grown.convert("RGB").save(temporary, format="PNG")
    temporary.replace(file)


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m sce.data.digits FOLDER``."""
    parser = argparse.ArgumentParser(prog="scelab data digits", description="Make the digits' image folder.")
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args(arguments)
    try:
        make_digits(asked.folder)
    except ModuleNotFoundError as error:
        parser.exit(1, f"{error}\n")
    print(f"{asked.folder}: 10 classes, indexed")


if __name__ == "__main__":
    main()
