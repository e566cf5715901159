"""A run that goes on over another number of devices: whether it may, and what that changes, in words."""

from pydantic import ValidationError
from sqlalchemy.orm import Session

from backend.compute.leases import rooms
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.runs.asking import invalid
from backend.runs.checks import Findings, check_compute
from backend.runs.tables import Run
from backend.runs.views import Spread
from backend.stream.service import tell
from sce.definition import Evaluation, FinetuneProtocol, Pretrain, definition_adapter
from sce.definition.derived import learning_of
from sce.definition.problems import problems_of


def spread_run(db: Session, run: Run, asked: Spread, *, by: User) -> list[str]:
    """From its next attempt on it takes so many devices; say what that changes. Raises ``Invalid``."""
    changes = changes_for(db, run, asked)
    run.definition, run.devices = _spread(run, asked).model_dump(mode="json"), asked.devices
    detail = {"devices": asked.devices, "nodes": asked.nodes}
    record_deed(db, "chose other devices", by=by, run_id=run.id, detail=detail)
    tell(db, "run", run.id)
    return changes


def changes_for(db: Session, run: Run, asked: Spread) -> list[str]:
    """What would change, a sentence each; nothing for the number that it has. Raises ``Invalid``."""
    after = _spread(run, asked)
    if run.profile_id is None:
        found = Findings()
        check_compute(after.compute, rooms(db), found)
        if found.faults:
            raise invalid(found.faults)
    return changes(definition_adapter.validate_python(run.definition), after)


def _spread(run: Run, asked: Spread) -> Pretrain | Evaluation:
    """Raises ``Invalid``, as for a batch that cannot be shared."""
    own = run.definition["compute"]
    compute = {**own, "devices": asked.devices, "nodes": asked.nodes or own.get("nodes", 1)}
    wanted = {**run.definition, "compute": compute}
    try:
        return definition_adapter.validate_python(wanted)
    except ValidationError as error:
        raise invalid({fault.field: fault.message for fault in problems_of(error, wanted)}) from error


def changes(before: Pretrain | Evaluation, after: Pretrain | Evaluation) -> list[str]:
    """Pure."""
    learning = learning_of(after)
    if learning is None or _world(before) == _world(after):
        return []
    was, now = (learning.batch_size // (_world(one) * learning.accumulate) for one in (before, after))
    shared = (
        f"The one device takes all {now} clips"
        if _world(after) == 1 and learning.accumulate == 1
        else f"Each of {_world(after)} devices takes {now} clips at a time"
    )
    return [
        f"{shared}, where it took {was}: the batch of {learning.batch_size}, the learning rate, "
        "the schedules and the order of the data stay, and each device needs memory for its own share.",
        *(
            _of_pretraining(after, was, now)
            if isinstance(after, Pretrain)
            else _of_evaluation(after, was, now)
        ),
    ]


def _of_pretraining(after: Pretrain, was: int, now: int) -> list[str]:
    own_norms = after.method.kind == "supervised" or getattr(after.method, "shuffle_norm", False)
    return [
        "Each device draws crops and colours for itself: from here on they are others, so that the run is as good "
        "as one that never stopped, but not the same bit for bit.",
        f"Batch normalisation sees {now} clips at a time instead of {was}."
        if own_norms
        else _norms(was, now),
    ]


def _of_evaluation(after: Evaluation, was: int, now: int) -> list[str]:
    """Crops and colours are an item's own there, and a state is kept after every epoch."""
    protocol = after.protocol
    said = ["It goes on after its last whole epoch; crops and colours stay what they would have been."]
    if isinstance(protocol, FinetuneProtocol):
        if protocol.dropout:
            said.append(
                "Each device draws for itself which features are left out: from here on they are others."
            )
        if not protocol.freeze_norms:
            said.append(_norms(was, now))
    return [*said, "What is scored, and how, stays: each device takes its share of the items."]


def _norms(was: int, now: int) -> str:
    return (
        "On GPUs batch normalisation goes on to see the clips of all devices; on CPUs it sees "
        f"{now} clips at a time instead of {was}."
    )


def _world(definition: Pretrain | Evaluation) -> int:
    return definition.compute.devices * definition.compute.nodes
