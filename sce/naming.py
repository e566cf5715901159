"""Whose names a trunk's weights go by: ours are SCE's, and each rule below turns them into another's.

Shapes coincide in all of them, so taking over or giving away a trunk is renaming and nothing else.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from sce.definition import Naming, Trunk

Rules = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]

VIDEO = ("r3d18", "r3d50")


def _next(prefix: str) -> Callable[[re.Match[str]], str]:
    """The stage's number plus one: SlowFast and Detectron2 count the stem as the first."""
    return lambda found: f"{prefix}{int(found[1]) + 1}"


RULES: Mapping[Naming, Rules] = {
    "sce": (),
    "torchvision": (),
    "pytorchvideo": ((r"^model\.", ""),),
    "slowfast": (
        (r"^model\.blocks\.0\.conv\b", "s1.pathway0_stem.conv"),
        (r"^model\.blocks\.0\.norm\b", "s1.pathway0_stem.bn"),
        (r"^model\.blocks\.(\d)", _next("s")),
        (r"\.res_blocks\.(\d+)\.", r".pathway0_res\1."),
        (r"\.branch1_conv\.", ".branch1."),
        (r"\.branch1_norm\.", ".branch1_bn."),
        (r"\.branch2\.conv_([abc])\.", r".branch2.\1."),
        (r"\.branch2\.norm_([abc])\.", r".branch2.\1_bn."),
    ),
    "mmaction2": (
        (r"^model\.blocks\.0\.conv\b", "conv1.conv"),
        (r"^model\.blocks\.0\.norm\b", "conv1.bn"),
        (r"^model\.blocks\.(\d)\.res_blocks\.(\d+)\.", r"layer\1.\2."),
        (r"\.branch1_conv\.", ".downsample.conv."),
        (r"\.branch1_norm\.", ".downsample.bn."),
        (r"\.branch2\.conv_([abc])\.", lambda found: f".conv{'abc'.index(found[1]) + 1}.conv."),
        (r"\.branch2\.norm_([abc])\.", lambda found: f".conv{'abc'.index(found[1]) + 1}.bn."),
    ),
    "detectron2": (
        (r"^(conv1|bn1)\b", r"stem.\1"),
        (r"^layer(\d)", _next("res")),
        (r"\.bn(\d)\.", r".conv\1.norm."),
        (r"\.downsample\.0\.", ".shortcut."),
        (r"\.downsample\.1\.", ".shortcut.norm."),
    ),
}

# One weight by which a naming is known at a glance; no other naming has a key that ends like it.
ANCHORS: Mapping[str, Mapping[Naming, str]] = {
    "r3d18": {"sce": "model.blocks.0.conv.weight", "pytorchvideo": "blocks.0.conv.weight"},
    "r3d50": {
        "sce": "model.blocks.0.conv.weight",
        "pytorchvideo": "blocks.0.conv.weight",
        "slowfast": "s1.pathway0_stem.conv.weight",
        "mmaction2": "layer1.0.conv1.conv.weight",
    },
    "r18": {"torchvision": "layer1.0.conv1.weight", "detectron2": "res2.0.conv1.weight"},
    "r50": {"torchvision": "layer1.0.conv1.weight", "detectron2": "res2.0.conv1.weight"},
    "small3d": {"sce": "layers.0.0.weight"},
}
# Classifiers on top, which a trunk does without.
HEADS: Mapping[Naming, tuple[str, ...]] = {
    "sce": ("model.blocks.5.",),
    "pytorchvideo": ("blocks.5.",),
    "slowfast": ("head.",),
    "mmaction2": (),
    "torchvision": ("fc.",),
    "detectron2": ("linear.", "stem.fc."),
}
# Every framework but torch's own leaves out how many batches a norm has seen, and nothing computes with it.
COUNTER = ".num_batches_tracked"


def namings_of(trunk: Trunk) -> tuple[Naming, ...]:
    """The namings that this trunk's weights have; the first is the one that our checkpoints use."""
    return tuple(ANCHORS.get(trunk.kind, {}))


def renamed(key: str, naming: Naming) -> str:
    """The name that ``naming`` gives to our ``key``."""
    for pattern, word in RULES[naming]:
        key = re.sub(pattern, word, key)
    return key


def names(keys: Iterable[str], naming: Naming) -> dict[str, str]:
    """Our keys by the names that ``naming`` gives them."""
    return {renamed(key, naming): key for key in keys}
