"""Demo videos: real photographs, filmed by a moving camera; the class is how it moves, or how the light does.

Every video is a montage of two shots of different photographs, both filmed in the way of its class. The
photograph, its place, scale, orientation and colours are drawn anew for each shot and alike for every class,
so a single frame tells nothing of the class. Half of the classes are the other half backwards: frames without
their order tell a class from all but its opposite at best. What two clips of one video always share is the
motion. The val split films photographs that train never shows.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sce.data.index import build_index, save_index

SIZE, FPS, SHOT_S, NUM_SHOTS = 96, 15, 3.0, 2
SHOT_FRAMES = int(FPS * SHOT_S)
CLASSES = (
    "brighten",
    "darken",
    "pan-left",
    "pan-right",
    "roll-left",
    "roll-right",
    "tilt-down",
    "tilt-up",
    "zoom-in",
    "zoom-out",
)
# Shipped inside the wheels of scikit-learn and scikit-image: nothing is downloaded.
TRAIN_PHOTOGRAPHS = (
    "sklearn/datasets/images/china.jpg",
    "sklearn/datasets/images/flower.jpg",
    "skimage/data/astronaut.png",
    "skimage/data/brick.png",
    "skimage/data/coins.png",
    "skimage/data/grass.png",
    "skimage/data/gravel.png",
    "skimage/data/hubble_deep_field.jpg",
    "skimage/data/motorcycle_left.png",
    "skimage/data/motorcycle_right.png",
    "skimage/data/retina.jpg",
)
VAL_PHOTOGRAPHS = (
    "skimage/data/camera.png",
    "skimage/data/chelsea.png",
    "skimage/data/coffee.png",
    "skimage/data/ihc.png",
    "skimage/data/rocket.jpg",
)
MARK = "scelab-demo.json"
# Raised whenever the same (seed, number) would give another file.
VERSION = 1


class OtherDemo(ValueError):
    """The folder holds demo videos that were made in another way."""


@dataclass(frozen=True)
class Motion:
    """How one video is filmed: speeds in pixels, e-folds and radians per second."""

    travel: tuple[float, float] = (0.0, 0.0)
    zoom: float = 0.0
    turn: float = 0.0
    light: float = 0.0


def split_of(number: int) -> str:
    """A quarter of every class is scored, the rest is learned from."""
    return "val" if number // len(CLASSES) % 4 == 3 else "train"


def file_of(number: int) -> Path:
    """A video's place in the folder. Of each class and split half is H.264 mp4, half MPEG-4 (XviD) avi."""
    block = number // len(CLASSES)
    suffix = ".avi" if (block + block // 4) % 2 else ".mp4"
    return Path(split_of(number), CLASSES[number % len(CLASSES)], f"{number:04d}{suffix}")


def motion_of(name: str, rng: np.random.Generator) -> Motion:
    """A class's motion at a speed of its own; every camera also drifts a little, in any direction."""
    speed = rng.uniform(0.8, 1.2)
    heading = rng.uniform(0, 2 * math.pi)
    drift = (4 * math.cos(heading), 4 * math.sin(heading))
    match name:
        case "pan-left" | "pan-right":
            return Motion(travel=(30 * speed * (1 if name == "pan-right" else -1), drift[1]))
        case "tilt-up" | "tilt-down":
            return Motion(travel=(drift[0], 30 * speed * (1 if name == "tilt-down" else -1)))
        case "zoom-in" | "zoom-out":
            return Motion(travel=drift, zoom=0.35 * speed * (1 if name == "zoom-out" else -1))
        case "roll-left" | "roll-right":
            return Motion(travel=drift, turn=0.9 * speed * (1 if name == "roll-right" else -1))
        case "brighten" | "darken":
            return Motion(travel=drift, light=0.5 * speed * (1 if name == "brighten" else -1))
    raise ValueError(f"There is no class {name!r}: {', '.join(CLASSES)}")


def frames_of(number: int, *, seed: int) -> NDArray[np.uint8]:
    """The frames of one video, (T, H, W, 3): a pure function of (seed, number)."""
    rng = np.random.default_rng((VERSION, seed, number))
    motion = motion_of(CLASSES[number % len(CLASSES)], rng)
    names = TRAIN_PHOTOGRAPHS if split_of(number) == "train" else VAL_PHOTOGRAPHS
    shots = [names[place] for place in rng.choice(len(names), NUM_SHOTS, replace=False)]
    return np.concatenate([_shot(name, motion, rng) for name in shots])


def _shot(name: str, motion: Motion, rng: np.random.Generator) -> NDArray[np.uint8]:
    scene = _scene(name, rng)
    middle = _middle(scene, motion, rng)
    times = (np.arange(SHOT_FRAMES) + 0.5) / FPS
    frames = [_frame(scene, motion, middle, s - SHOT_S / 2) for s in times]
    return np.stack(frames)


def _scene(name: str, rng: np.random.Generator) -> Image.Image:
    """A photograph at a random scale, orientation and order of colours."""
    photograph = _photograph(name)
    factor = rng.uniform(190, 330) / min(photograph.size)
    size = (round(photograph.width * factor), round(photograph.height * factor))
    pixels = np.asarray(photograph.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0))
    pixels = np.rot90(pixels, int(rng.integers(4)))[:, :: rng.choice((-1, 1))][..., rng.permutation(3)]
    gamma, gain = rng.uniform(0.7, 1.4), rng.uniform(0.7, 1.0)
    # One power a level: over a whole picture its last bit depends on where the array lies in memory.
    lit = np.array([255 * (level / 255) ** gamma * gain for level in range(256)]).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(lit[pixels]))


@cache
def _photograph(name: str) -> Image.Image:
    package, _, path = name.partition("/")
    with resources.as_file(resources.files(package) / path) as file, Image.open(file) as image:
        return image.convert("RGB")


def _middle(scene: Image.Image, motion: Motion, rng: np.random.Generator) -> tuple[float, float]:
    """The most contrasted of a few places that keep the whole shot inside the photograph."""
    half = SIZE / 2 * math.exp(abs(motion.zoom) * SHOT_S / 2) * (math.sqrt(2) if motion.turn else 1)
    reach = [half + abs(v) * SHOT_S / 2 for v in motion.travel]
    grey = np.asarray(scene.convert("L"), dtype=np.float32)
    best, contrast = (scene.width / 2, scene.height / 2), -1.0
    for _ in range(5):
        x, y = (_within(length, room, rng) for length, room in zip(scene.size, reach, strict=True))
        here = grey[max(int(y) - 48, 0) : int(y) + 48, max(int(x) - 48, 0) : int(x) + 48].std()
        if here > contrast:
            best, contrast = (x, y), float(here)
    return best


def _within(length: int, reach: float, rng: np.random.Generator) -> float:
    room = max(length - 2 * reach, 0.0)
    return float(length / 2 + (rng.uniform() - 0.5) * room)


def _frame(
    scene: Image.Image, motion: Motion, middle: tuple[float, float], since_middle_s: float
) -> NDArray[np.uint8]:
    """What the camera sees at one moment, (H, W, 3)."""
    angle, zoom = motion.turn * since_middle_s, math.exp(motion.zoom * since_middle_s)
    x = middle[0] + motion.travel[0] * since_middle_s
    y = middle[1] + motion.travel[1] * since_middle_s
    cos, sin, half = zoom * math.cos(angle), zoom * math.sin(angle), SIZE / 2
    corner = (x - (cos - sin) * half, y - (sin + cos) * half)
    affine = (cos, -sin, corner[0], sin, cos, corner[1])
    seen = scene.transform((SIZE, SIZE), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    light = math.exp(motion.light * since_middle_s)
    lit: NDArray[np.uint8] = np.clip(np.asarray(seen, dtype=np.float32) * light, 0, 255).astype(np.uint8)
    return lit


def write_video(file: Path, frames: NDArray[np.uint8]) -> None:
    """Encode (T, H, W, 3) frames: H.264 for .mp4, MPEG-4 with XviD's tag for .avi. Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.stem}.{os.getpid()}{file.suffix}")
    with av.open(str(temporary), "w") as container:
        stream = _avi_stream(container) if file.suffix == ".avi" else _mp4_stream(container)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        # One thread: the same bytes every time, and one process a core already keeps the machine busy.
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    temporary.replace(file)


def _mp4_stream(container: av.container.OutputContainer) -> av.VideoStream:
    return container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "23", "g": "30"})


def _avi_stream(container: av.container.OutputContainer) -> av.VideoStream:
    stream = container.add_stream("mpeg4", rate=FPS, options={"qmin": "3", "qmax": "5", "g": "30"})
    stream.codec_context.codec_tag = "XVID"
    return stream


def make_demo(
    folder: Path,
    *,
    seed: int = 0,
    num_videos: int = 480,
    processes: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Make the videos that ``folder`` still lacks, and its index. ``on_progress`` is told (done, videos).

    Raises ``OtherDemo`` when the folder was made with another seed or size, ``ModuleNotFoundError`` when a
    package that ships the photographs is missing.
    """
    if num_videos < 4 * len(CLASSES):
        raise ValueError(
            f"num_videos must be at least {4 * len(CLASSES)}, so that each class has a scored video"
        )
    _mark(folder, {"version": VERSION, "seed": seed, "num_videos": num_videos})
    _find_photographs()
    missing = [number for number in range(num_videos) if not (folder / file_of(number)).exists()]
    done = num_videos - len(missing)
    # Spawned, not forked: whoever calls may have threads.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_make, [folder] * len(missing), [seed] * len(missing), missing, chunksize=8):
            done += 1
            if on_progress is not None:
                on_progress(done, num_videos)
    save_index(build_index(folder, "video", processes=processes))


def _make(folder: Path, seed: int, number: int) -> None:
    write_video(folder / file_of(number), frames_of(number, seed=seed))


def _mark(folder: Path, made: dict[str, int]) -> None:
    """Write down how the folder is made, so that two ways are never mixed."""
    mark = folder / MARK
    if mark.exists() and json.loads(mark.read_text()) != made:
        raise OtherDemo(
            f"{folder} holds other demo videos, {mark.read_text().strip()}: choose another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(made) + "\n")


def _find_photographs() -> None:
    for name in {name.partition("/")[0] for name in TRAIN_PHOTOGRAPHS + VAL_PHOTOGRAPHS}:
        if find_spec(name) is None:
            raise ModuleNotFoundError(
                f"The demo's photographs ship with {name}, which is not installed: pip install 'scelab[demo]'"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m sce.data.demo FOLDER``: make the demo videos, with a line of progress."""
    parser = argparse.ArgumentParser(prog="scelab data demo", description="Make the demo videos.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-videos", type=int, default=480)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(arguments)
    began = time.monotonic()

    def show(done: int, total: int) -> None:
        print(f"\r{done} of {total} videos, {time.monotonic() - began:.0f} s", end="", flush=True)

    try:
        make_demo(
            asked.folder,
            seed=asked.seed,
            num_videos=asked.num_videos,
            processes=asked.processes,
            on_progress=show,
        )
    except (ValueError, ModuleNotFoundError) as error:
        parser.exit(1, f"{error}\n")
    print(f"\n{asked.folder}: {len(CLASSES)} classes, indexed")


if __name__ == "__main__":
    main()
