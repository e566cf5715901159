"""Reading images: an image is a video of one frame."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sce.data.video import Facts, UnreadableVideo, sentence


def read_image(path: Path) -> NDArray[np.uint8]:
    """The picture as (1, H, W, 3). Raises UnreadableVideo."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))[None]
    except UnidentifiedImageError as error:
        raise UnreadableVideo(path, "It is not an image that Pillow knows.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableVideo(path, f"The image cannot be decoded: {sentence(error)}") from error


def probe_image(path: Path) -> Facts:
    """What an index says of an image; it is decoded whole, once. Raises UnreadableVideo."""
    if path.stat().st_size == 0:
        raise UnreadableVideo(path, "The file is empty.")
    pixels = read_image(path)
    _, height, width, _ = pixels.shape
    return Facts(1, 1.0, width, height, path.suffix.lower().lstrip("."))
