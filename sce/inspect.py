"""Show what a training is fed: ``python -m sce.inspect RUN_OR_DEFINITION ITEM --out FOLDER``.

For each view it writes the frames it is cut from (``source-0.mp4``) and the view itself (``view-0.mp4``), frame by
frame in step (.png for images); ``views.json`` says what was drawn. ITEM is a path in the training split, or its
number.
"""

import argparse
import json
import os
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from sce.data.index import MissingIndex
from sce.data.layout import UnusableFolder
from sce.data.looking import Look, NothingToLookAt, described, look
from sce.data.video import UnreadableVideo
from sce.definition import Evaluation, Pretrain, definition_adapter

SHORT_SIDE = 240
"""Source frames are scaled down to it; views are shown as they are."""
ANSWER = "views.json"


def main() -> None:
    """Exit status 0 when all is written, 1 with a sentence when nothing can be shown."""
    parser = argparse.ArgumentParser(
        prog="python -m sce.inspect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("asked", type=Path, help="a run folder, or a file with a definition")
    parser.add_argument("item", help="path of an item in the training split, or its number")
    parser.add_argument("--seed", type=int, help="by default the definition's own")
    parser.add_argument("--epoch", type=int, default=0, help="from 0")
    parser.add_argument("--out", type=Path, required=True, help="folder for the clips and views.json")
    asked = parser.parse_args()
    try:
        definition = _definition(asked.asked)
        write_views(definition, asked.item, seed=asked.seed, epoch=asked.epoch, out=asked.out)
    except (NothingToLookAt, UnreadableVideo, MissingIndex, UnusableFolder) as problem:
        sys.exit(str(problem))
    print(asked.out / ANSWER)


def _definition(place: Path) -> Pretrain | Evaluation:
    file = place / "definition.json" if place.is_dir() else place
    try:
        return definition_adapter.validate_json(file.read_bytes())
    except FileNotFoundError:
        raise NothingToLookAt(f"{file} is not there: name a run folder or a definition.") from None
    except ValidationError as error:
        raise NothingToLookAt(f"{file} holds no definition: {error.errors()[0]['msg']}.") from error


def write_views(
    definition: Pretrain | Evaluation, item: str, *, seed: int | None, epoch: int, out: Path
) -> None:
    """Write everything, ``views.json`` last: where it is, the rest is whole."""
    looked = look(definition, seed=seed)
    position = looked.position(item)
    out.mkdir(parents=True, exist_ok=True)
    rate = _rate(definition)
    views = []
    for place, seen in enumerate(looked.views(epoch=epoch, position=position)):
        names = {"source": f"source-{place}", "view": f"view-{place}"}
        files = {
            "source": _write(out / names["source"], _smaller(seen.source_THWC), rate),
            "view": _write(out / names["view"], seen.shown_THWC, rate),
        }
        fps = looked.reader.source.items[position].fps
        views.append({**files, **described(seen, fps=fps)})
    answer = {**_about(looked, position), "epoch": epoch, "views": views}
    temporary = out / f".{ANSWER}.{os.getpid()}"
    temporary.write_text(json.dumps(answer))
    temporary.replace(out / ANSWER)


def _about(looked: Look, position: int) -> dict[str, object]:
    source = looked.reader.source
    item = source.items[position]
    return {
        "kind": source.data.kind,
        "path": item.path,
        "split": source.split,
        "position": position,
        "duration_s": item.duration_s,
        "fps": item.fps,
        "seed": looked.reader.seed,
    }


def _rate(definition: Pretrain | Evaluation) -> Fraction | None:
    """Frames per second at which a clip lasts as long as what it shows; None for an image."""
    data = definition.data
    if data.kind == "image":
        return None
    return max(Fraction(data.num_frames / data.clip_s).limit_denominator(1000), Fraction(1))


def _smaller(frames_THWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    _, height, width, _ = frames_THWC.shape
    scale = min(SHORT_SIDE / min(height, width), 1.0)
    if scale == 1.0:
        return frames_THWC
    size = (round(width * scale), round(height * scale))
    return np.stack([np.asarray(Image.fromarray(frame).resize(size)) for frame in frames_THWC])


def _write(file: Path, frames_THWC: NDArray[np.uint8], rate: Fraction | None) -> str:
    """The name of what was written."""
    if rate is None:
        target = file.with_name(f"{file.name}.png")
        Image.fromarray(frames_THWC[0]).save(target)
        return target.name
    target = file.with_name(f"{file.name}.mp4")
    frames_THWC = _even(frames_THWC)
    _, height, width, _ = frames_THWC.shape
    with av.open(str(target), "w", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=rate, options={"crf": "12", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in frames_THWC:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        out.mux(stream.encode(None))
    return target.name


def _even(frames_THWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """H.264 has even sides only: where one is odd, every pixel becomes two by two."""
    _, height, width, _ = frames_THWC.shape
    if height % 2 == 0 and width % 2 == 0:
        return frames_THWC
    return frames_THWC.repeat(2, axis=1).repeat(2, axis=2)


if __name__ == "__main__":
    main()
