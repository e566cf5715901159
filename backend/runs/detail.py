"""One run as its own page shows it, and what it was asked to do."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.datasets.lookups import split_sizes
from backend.people.deeds import deeds_of_run
from backend.runs.asking import recipe_definition
from backend.runs.differences import differences, differences_to_recipe
from backend.runs.launch import as_yaml
from backend.runs.reading import fields_of, get_run, run_ref, runs_by_id, surroundings_of
from backend.runs.tables import Attempt, Run
from backend.runs.views import AttemptView, ConfigurationView, DeedView, RunDetail, RunRef
from backend.settings import Settings
from backend.slurm import reading as slurm
from backend.slurm.views import SlurmJobView
from sce.definition import Import, Pretrain, definition_adapter
from sce.definition.derived import Derived, derive
from sce.definition.health import Health, judge
from sce.definition.problems import problems_of
from sce.definition.sizes import trunk_width


def run_detail(db: Session, run_id: int, *, settings: Settings) -> RunDetail:
    """Raises ``NotFound``."""
    run = get_run(db, run_id)
    told = _told(db, run)
    cloned_from = runs_by_id(db, [run.cloned_from_id] if run.cloned_from_id else [])
    return RunDetail(
        **fields_of(run, surroundings_of(db, run)),
        notes=run.notes,
        protocol=run.protocol,
        **told,
        cloned_from=next((run_ref(row) for row in cloned_from.values()), None),
        attempts=attempts(db, run_id),
        deeds=deeds(db, run_id),
        seeds=_seeds(db, run),
        children=_children(db, run_id),
        folder=str(settings.run_folder(run_id)),
        keeps_off=run.excluded,
        job=job_of(db, run),
    )


def _told(db: Session, run: Run) -> dict[str, Any]:
    """What its definition says. An older version may have stored one that this version would refuse."""
    try:
        return {"derived": derived_of(db, run), "health": health_of(run)}
    except ValidationError as error:
        fault = problems_of(error, run.definition)[0]
        nothing = Derived(**dict.fromkeys(Derived.model_fields))
        sentence = (
            f"An older version of SCE Lab stored what this run was asked, and this one would refuse it: "
            f"{fault.field or 'the definition'}: {fault.message} What the run has written is all there."
        )
        return {"derived": nothing, "unreadable": sentence}


def job_of(db: Session, run: Run) -> SlurmJobView | None:
    """What SLURM says of the newest job; None for a run of this lab's hosts."""
    if run.profile_id is None:
        return None
    return slurm.job_view(slurm.whereabouts(db, {run.id: (run.profile_id, run.attempt)})[run.id])


def configuration(db: Session, run_id: int) -> ConfigurationView:
    """What was asked, and how it differs from its recipe and from where it was cloned from."""
    run = get_run(db, run_id)
    recipe = recipe_definition(run.recipe)
    origin_id = run.cloned_from_id or run.parent_id
    origin = db.get(Run, origin_id) if origin_id else None
    return ConfigurationView(
        definition=run.definition,
        yaml=as_yaml(run.definition),
        recipe=run.recipe,
        recipe_changes=differences_to_recipe(recipe, run.definition) if recipe else [],
        parent=run_ref(origin) if origin else None,
        parent_changes=(
            differences(origin.definition, run.definition) if origin and run.cloned_from_id else []
        ),
    )


def attempts(db: Session, run_id: int) -> list[AttemptView]:
    """The newest first."""
    asked = select(Attempt).where(Attempt.run_id == run_id).order_by(Attempt.number.desc())
    return [AttemptView.model_validate(row) for row in db.scalars(asked)]


def deeds(db: Session, run_id: int) -> list[DeedView]:
    return [
        DeedView(at=deed.at, user=name, verb=deed.verb, detail=deed.detail)
        for deed, name in deeds_of_run(db, run_id)
    ]


def derived_of(db: Session, run: Run) -> Derived:
    """What its definition implies, with the data set as it is indexed now."""
    if run.kind == "import":
        taken = Import.model_validate(run.definition)
        return Derived(**dict.fromkeys(Derived.model_fields) | {"trunk_width": trunk_width(taken.trunk)})
    definition = definition_adapter.validate_python(run.definition)
    sizes = split_sizes(db, run.dataset_id) if run.dataset_id else {}
    return derive(definition, train_items=sizes.get(definition.data.train_split))


def health_of(run: Run) -> Health | None:
    """The verdict on the latest values of a pretraining."""
    if run.kind != "pretrain":
        return None
    definition = definition_adapter.validate_python(run.definition)
    assert isinstance(definition, Pretrain)
    done = run.step / run.steps if run.steps else 0.0
    return judge(definition, run.summary, progress=done)


def _seeds(db: Session, run: Run) -> list[RunRef]:
    if run.seed_group is None:
        return []
    asked = select(Run).where(Run.seed_group == run.seed_group, Run.id != run.id).order_by(Run.seed)
    return [run_ref(row) for row in db.scalars(asked)]


def _children(db: Session, run_id: int) -> list[RunRef]:
    asked = select(Run).where(Run.parent_id == run_id).order_by(Run.id)
    return [run_ref(row) for row in db.scalars(asked)]
