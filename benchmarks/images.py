"""Images decoded per second by each decoder at hand, from the same files in the same run, in one thread.

    python benchmarks/images.py [--images 60] [--rounds 3]

A reading is what a training asks: the file's bytes become uint8 pixels (H, W, 3).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image

from sce.data.images import read_image

Reader = Callable[[Path], np.ndarray]


def pillow(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def torchvisions(file: Path) -> np.ndarray:
    return decode_image(str(file), ImageReadMode.RGB).permute(1, 2, 0).numpy()


def pyavs(file: Path) -> np.ndarray:
    with av.open(str(file)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


READERS: dict[str, Reader] = {
    "ours": lambda file: read_image(file)[0],
    "PIL": pillow,
    "torchvision.io": torchvisions,
    "PyAV": pyavs,
}
SIZES = {
    "500x375 jpeg (ImageNet)": (500, 375, ".jpg"),
    "340x256 jpeg (frames)": (340, 256, ".jpg"),
    "96x96 png": (96, 96, ".png"),
}


def write(file: Path, width: int, height: int, seed: int) -> Path:
    """Structure and noise, which cost a decoder about what a photograph does."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((width, height))
    noisy = np.asarray(coarse).astype(np.int16) + rng.normal(0, 8, (height, width, 3)).astype(np.int16)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, quality=90)
    return file


def per_second(reader: Reader, files: list[Path], rounds: int) -> float:
    """Best of the rounds: what the machine does when nothing else wants it."""
    best = 0.0
    for _ in range(rounds):
        began = time.perf_counter()
        for file in files:
            reader(file)
        best = max(best, len(files) / (time.perf_counter() - began))
    return best


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--images", type=int, default=60)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    torch.set_num_threads(1)
    print(f"{asked.images} images, best of {asked.rounds}, images per second")
    print(f"{'':26}" + "".join(f"{name:>16}" for name in READERS))
    for name, (width, height, suffix) in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            files = [write(Path(folder, f"{n}{suffix}"), width, height, n) for n in range(asked.images)]
            rates = [per_second(reader, files, asked.rounds) for reader in READERS.values()]
        print(f"{name:26}" + "".join(f"{rate:16.0f}" for rate in rates))


if __name__ == "__main__":
    main()
