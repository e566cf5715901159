"""Which failed runs are started again by themselves, and when."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import now
from backend.nudge import nudge
from backend.runs.claims import attempt_of, lock_run
from backend.runs.life import FAILED, QUEUED, move
from backend.runs.tables import Run
from backend.runs.views import FailureKind
from backend.settings import RetryRule, Settings
from backend.slurm import reading as slurm
from backend.stream.service import tell

RETRIED: frozenset[FailureKind] = frozenset({"infrastructure", "lost"})
"""Nothing in the run caused them: the same again may end well."""
LONGER_EACH_TIME = 3.0


def back_off_s(retries: int, first_s: float) -> float:
    """Pure: seconds between a failure and the next start, after so many retries in a row."""
    return first_s * LONGER_EACH_TIME ** min(retries, 10)


def rule_for(sentence: str, rules: Sequence[RetryRule]) -> RetryRule | None:
    """Pure: the first rule that the failure matches."""
    for rule in rules:
        if (rule.label and rule.label in sentence) or re.search(rule.pattern, sentence):
            return rule
    return None


def is_worth_it(kind: str | None, sentence: str, rules: Sequence[RetryRule]) -> bool:
    """Pure: what its rule says; without one, its kind decides."""
    rule = rule_for(sentence, rules)
    return kind in RETRIED if rule is None else rule.retry


def due(db: Session, *, late_by: timedelta = timedelta(0)) -> list[int]:
    """Failed runs whose moment has come, for so long."""
    asked = select(Run.id).where(Run.state == FAILED, Run.retry_at <= now() - late_by).order_by(Run.id)
    return list(db.scalars(asked.where(Run.archived_at.is_(None))))


def see_to_retry(db: Session, run_id: int, *, settings: Settings) -> None:
    """Plan a failed run's retry, queue it when its moment has come, or leave it to its owner."""
    run = lock_run(db, run_id)
    if run.state != FAILED or run.retry_at is None or run.retry_at > now():
        return  # somebody was faster
    moment = planned_for(run, settings)
    if moment is None:
        run.retry_at = None
    elif moment > now():
        run.retry_at, run.retry_limit = moment, settings.retry_limit
    else:
        _queue_again(db, run, settings)
    tell(db, "run", run.id)


def planned_for(run: Run, settings: Settings) -> datetime | None:
    """When the run is to be started again, counted from its failure; None when it is not."""
    is_wanted = is_worth_it(run.failure_kind, run.failure_sentence or "", settings.retry_rules)
    if not is_wanted or run.retries >= settings.retry_limit:
        return None
    return run.state_since + timedelta(seconds=back_off_s(run.retries, settings.retry_after_s))


def _queue_again(db: Session, run: Run, settings: Settings) -> None:
    why, number = run.failure_sentence, run.retries + 1
    detail = {"because": why, "number": number, "limit": settings.retry_limit}
    rule = rule_for(why or "", settings.retry_rules)
    if rule is not None and rule.exclude_host and (where := _where_it_failed(db, run)):
        run.excluded = [*dict.fromkeys([*run.excluded, where])]
        detail["keeps_off"] = where
    run.retries = number
    move(db, run, QUEUED, verb="retried", detail=detail)
    nudge(db, "worker.start_runs")


def _where_it_failed(db: Session, run: Run) -> str | None:
    """The host of its newest attempt, or the nodes of its job, as SLURM writes them."""
    if run.profile_id is not None:
        job = slurm.whereabouts(db, {run.id: (run.profile_id, run.attempt)})[run.id].job
        return job.nodes if job else None
    attempt = attempt_of(db, run.id, run.attempt)
    return attempt.host if attempt else None
