"""Methods: what a definition's ``method`` names, each one page and one class deep.

Every method has ``trunk`` (what evaluations take), ``augment`` (one module a view) and ``values``
(what the last step measured, as tensors that nobody has waited for yet).
"""

from sce.definition import Moco, Pretrain, Sce, SimClr
from sce.methods.moco import MocoMethod
from sce.methods.sce import SceMethod
from sce.methods.simclr import SimClrMethod

AnyMethod = SceMethod | SimClrMethod | MocoMethod


def build_method(definition: Pretrain, *, steps: int) -> AnyMethod:
    """The method of a pretraining of ``steps`` optimizer steps, with fresh weights from the global generator."""
    match definition.method:
        case Sce():
            return SceMethod(definition, definition.method, steps=steps)
        case SimClr():
            return SimClrMethod(definition, definition.method)
        case Moco():
            return MocoMethod(definition, definition.method)
