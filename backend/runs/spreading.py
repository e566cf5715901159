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
from sce.definition import Evaluation, Pretrain, definition_adapter
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
    before = definition_adapter.validate_python(run.definition)
    return changes(before, after) if isinstance(before, Pretrain) and isinstance(after, Pretrain) else []


def _spread(run: Run, asked: Spread) -> Pretrain | Evaluation:
    """Raises ``Invalid``, as for a batch that cannot be shared."""
    compute = {**run.definition["compute"], "devices": asked.devices, "nodes": asked.nodes}
    wanted = {**run.definition, "compute": compute}
    try:
        return definition_adapter.validate_python(wanted)
    except ValidationError as error:
        raise invalid({fault.field: fault.message for fault in problems_of(error, wanted)}) from error


def changes(before: Pretrain, after: Pretrain) -> list[str]:
    """Pure."""
    was, now = _share(before), _share(after)
    if was == now:
        return []
    shared = (
        f"The one device takes all {now} clips"
        if _world(after) == 1 and after.optimisation.accumulate == 1
        else f"Each of {_world(after)} devices takes {now} clips at a time"
    )
    return [
        f"{shared}, where it took {was}: the batch of {after.optimisation.batch_size}, the learning rate, "
        "the schedules and the order of the data stay, and each device needs memory for its own share.",
        "Each device draws crops and colours for itself: from here on they are others, so that the run is as good "
        "as one that never stopped, but not the same bit for bit.",
        _about_norms(after, was, now),
    ]


def _about_norms(after: Pretrain, was: int, now: int) -> str:
    if after.method.kind == "supervised" or getattr(after.method, "shuffle_norm", False):
        return f"Batch normalisation sees {now} clips at a time instead of {was}."
    return (
        "On GPUs batch normalisation goes on to see the clips of all devices; on CPUs it sees "
        f"{now} clips at a time instead of {was}."
    )


def _world(definition: Pretrain) -> int:
    return definition.compute.devices * definition.compute.nodes


def _share(definition: Pretrain) -> int:
    """Clips that a device takes at a time."""
    return definition.optimisation.batch_size // (_world(definition) * definition.optimisation.accumulate)
