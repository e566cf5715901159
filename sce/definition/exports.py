"""In whose names a trunk can be given away."""

from typing import Literal, get_args

from sce.definition.learning import Trunk

Layout = Literal["safetensors", "torchvision", "pytorchvideo", "slowfast", "detectron2"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
SUFFIXES: dict[Layout, str] = {
    "safetensors": ".safetensors",
    "torchvision": ".pth",
    "pytorchvideo": ".pth",
    "slowfast": ".pyth",
    "detectron2": ".pth",
}
_IMAGE: tuple[Layout, ...] = ("safetensors", "torchvision", "detectron2")


def layouts_of(trunk: Trunk) -> tuple[Layout, ...]:
    """Layouts that other code bases read for this trunk; safetensors always."""
    match trunk.kind:
        case "r3d50":
            return ("safetensors", "pytorchvideo", "slowfast")
        case "r3d18":  # nobody else builds it: pytorchvideo's names, without pytorchvideo's network
            return ("safetensors", "pytorchvideo")
        case "r18" | "r50" if not trunk.small_images:
            return _IMAGE
    return ("safetensors",)
