"""Methods: what a definition's ``method`` names, each one page and one class deep.

Every method has ``trunk`` (what evaluations take), ``augment`` (one module a view), ``features_Bd`` (what the
trunk made of the first view that it learned from at the last step), ``values`` (what that step measured) and
``health`` (what it measured once in a while): tensors that nobody has waited for yet; and ``moves`` (whether its
steps took place).
"""

from sce.definition import Pretrain, SimClr, Supervised
from sce.methods.family import MomentumMethod
from sce.methods.simclr import SimClrMethod
from sce.methods.supervised import SupervisedMethod

AnyMethod = MomentumMethod | SimClrMethod | SupervisedMethod


def build_method(definition: Pretrain, *, steps: int, steps_per_epoch: int) -> AnyMethod:
    """The method of a pretraining of ``steps`` optimizer steps, with fresh weights from the global generator."""
    match definition.method:
        case SimClr():
            return SimClrMethod(definition, definition.method)
        case Supervised():
            return SupervisedMethod(definition, definition.method)
        case momentum:
            return MomentumMethod(definition, momentum, steps=steps, steps_per_epoch=steps_per_epoch)
