"""How large what a definition trains is: weights, statistics, and the checkpoint that holds them."""

from dataclasses import dataclass
from typing import Literal

from sce.definition.learning import AdamW, Optimizer, Trunk
from sce.definition.methods import Method, Predictor, Projector, SimClr, Supervised
from sce.definition.runs import Pretrain

TRUNK_WIDTHS = {"r3d18": 512, "r3d50": 2048, "r18": 512, "r50": 2048}
# Counted on the built networks without a classifier; tests/sce/test_derived.py counts them again.
TRUNK_PARAMETERS = {"r3d18": 20_023_872, "r3d50": 31_634_496, "r18": 11_176_512, "r50": 23_508_032}
TRUNK_NORMS = {"r3d18": (4_800, 20), "r3d50": (26_560, 53), "r18": (4_800, 20), "r50": (26_560, 53)}
# A 3x3 first convolution in place of the 7x7 one.
SMALL_STEM_SAVES = 3 * 64 * (49 - 9)

BYTES_PER_NUMBER = 4
# Measured: what the file spends on a tensor's name, place and alignment, and on everything that is no tensor.
BYTES_PER_TENSOR, BYTES_APART = 305, 3_600


@dataclass(frozen=True)
class Size:
    """Numbers that are learned, numbers that are only kept (running statistics), and tensors of each kind."""

    learned: int = 0
    kept: int = 0
    learned_tensors: int = 0
    kept_tensors: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(
            self.learned + other.learned,
            self.kept + other.kept,
            self.learned_tensors + other.learned_tensors,
            self.kept_tensors + other.kept_tensors,
        )


def trunk_width(trunk: Trunk) -> int:
    """Width of the trunk's features."""
    return 8 * trunk.width if trunk.kind == "small3d" else TRUNK_WIDTHS[trunk.kind]


def trunk_size(trunk: Trunk) -> Size:
    """What a trunk holds; every convolution is followed by a norm and has no bias."""
    if trunk.kind == "small3d":
        return _size_of_norms(1134 * trunk.width**2 + 255 * trunk.width, channels=15 * trunk.width, norms=4)
    channels, norms = TRUNK_NORMS[trunk.kind]
    saved = SMALL_STEM_SAVES if trunk.kind in ("r18", "r50") and trunk.small_images else 0
    return _size_of_norms(TRUNK_PARAMETERS[trunk.kind] - saved, channels=channels, norms=norms)


def _size_of_norms(learned: int, *, channels: int, norms: int) -> Size:
    """A convolution's weight and its norm's two make three learned tensors; a norm keeps three more."""
    return Size(learned, 2 * channels + norms, 3 * norms, 3 * norms)


def projector_size(width_in: int, shape: Projector) -> Size:
    """Linear layers; one that a norm follows has no bias."""
    size = Size()
    for _ in range(shape.num_layers - 1):
        size += _linear_size(width_in, shape.hidden_width, "with weights" if shape.norm_hidden else None)
        width_in = shape.hidden_width
    return size + _linear_size(width_in, shape.width, "without weights" if shape.norm_last else None)


def predictor_size(width: int, shape: Predictor) -> Size:
    last = Size(shape.hidden_width * width, 0, 1, 0)
    if shape.norm_last:
        last = _linear_size(shape.hidden_width, width, "without weights")
    return _linear_size(width, shape.hidden_width, "with weights") + last


def _linear_size(width_in: int, width: int, norm: Literal["with weights", "without weights"] | None) -> Size:
    """A linear layer and the norm after it, which takes the place of its bias."""
    if norm is None:
        return Size((width_in + 1) * width, 0, 2, 0)
    if norm == "with weights":
        return _size_of_norms((width_in + 2) * width, channels=width, norms=1)
    return Size(width_in * width, 2 * width + 1, 1, 3)


def checkpoint_bytes(definition: Pretrain) -> int:
    """Size of a checkpoint with the optimizer's state; the untrained one, which has none yet, is smaller."""
    online, behind, queue = _parts(
        definition.method, trunk_size(definition.trunk), trunk_width(definition.trunk)
    )
    weights = online + behind
    histories = _histories(definition.optimisation.optimizer)
    numbers = weights.learned + weights.kept + histories * online.learned + queue
    tensors = weights.learned_tensors + weights.kept_tensors + histories * online.learned_tensors
    return BYTES_PER_NUMBER * numbers + BYTES_PER_TENSOR * tensors + BYTES_APART


def _parts(method: Method, trunk: Size, width: int) -> tuple[Size, Size, int]:
    """What learns, the momentum branch behind it, and the numbers in the queue."""
    if isinstance(method, Supervised):
        return trunk + _linear_size(width, method.classes, None), Size(), 0
    branch = trunk + projector_size(width, method.projector)
    if isinstance(method, SimClr):
        return branch, Size(), 0
    head = predictor_size(method.projector.width, method.predictor) if method.predictor else Size()
    return branch + head, branch, method.queue_size * method.projector.width


def _histories(optimizer: Optimizer) -> int:
    """Numbers that the optimizer keeps of each weight."""
    if isinstance(optimizer, AdamW):
        return 2
    return 1 if optimizer.momentum else 0
