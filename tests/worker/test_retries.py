"""Failed runs are started again by themselves when that helps: later each time, and not for ever."""

from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import update

from backend.db import now
from backend.people.tables import User
from backend.runs import service
from backend.runs.claims import fail
from backend.runs.reading import get_run, run_view
from backend.runs.retries import back_off_s, is_worth_it
from backend.runs.tables import Run
from backend.runs.views import FailureKind, Retry, RunView
from backend.settings import RetryRule, Settings
from tests.worker.conftest import Shop
from tests.worker.test_journal import line, write
from worker.causes import cause_of
from worker.journal import drain
from worker.launchers import Exit
from worker.runs import start_runs
from worker.stack import environment_of
from worker.sweep import broken, sweep


def fails(shop: Shop, run_id: int, kind: FailureKind = "lost", sentence: str = "It was killed.") -> None:
    """Start the run, and let it fail."""
    start_runs(shop.place)
    with shop.place.sessions.begin() as db:
        assert fail(db, run_id=run_id, attempt=get_run(db, run_id).attempt, kind=kind, sentence=sentence)
    sweep(shop.place)


def wait(shop: Shop, seconds: float) -> None:
    """As if so much time had passed since the failure."""
    run = shop.run(1)
    earlier: dict[str, datetime | None] = {"state_since": run.state_since - timedelta(seconds=seconds)}
    if run.retry_at is not None:
        earlier["retry_at"] = run.retry_at - timedelta(seconds=seconds)
    with shop.place.sessions.begin() as db:
        db.execute(update(Run).where(Run.id == 1).values(**earlier))


def seen(shop: Shop, run_id: int) -> RunView:
    with shop.place.looks.begin() as db:
        return run_view(db, get_run(db, run_id))


def retry_of(shop: Shop, run_id: int) -> Retry | None:
    failure = seen(shop, run_id).failure
    return failure.retry if failure else None


@pytest.mark.parametrize("kind", ["lost", "infrastructure"])
def test_what_the_run_is_not_to_blame_for_is_planned_said_and_done(shop: Shop, kind: FailureKind) -> None:
    run_id = shop.queue()
    fails(shop, run_id, kind)
    run, planned = shop.run(run_id), retry_of(shop, run_id)
    assert run.state == "failed"
    assert planned == Retry(at=run.state_since + timedelta(seconds=5), number=1, limit=4)
    sweep(shop.place)
    assert shop.run(run_id).state == "failed", "its moment has not come"
    wait(shop, 11)
    sweep(shop.place)
    assert shop.run(run_id).state == "queued"
    assert seen(shop, run_id).failure is None
    start_runs(shop.place)
    assert shop.run(run_id).attempt == 2


@pytest.mark.parametrize("kind", ["user_error", "out_of_memory", "timeout"])
def test_what_would_only_happen_again_is_left_to_its_owner(shop: Shop, kind: FailureKind) -> None:
    run_id = shop.queue()
    fails(shop, run_id, kind)
    wait(shop, 1000)
    sweep(shop.place)
    assert shop.run(run_id).state == "failed"
    assert retry_of(shop, run_id) is None


def test_it_waits_longer_each_time_and_gives_up_at_the_limit(shop: Shop) -> None:
    run_id = shop.queue()
    for number, seconds in ((1, 5), (2, 15), (3, 45), (4, 135)):
        fails(shop, run_id)
        planned = retry_of(shop, run_id)
        assert planned is not None
        assert (planned.number, planned.limit) == (number, 4)
        assert planned.at == shop.run(run_id).state_since + timedelta(seconds=seconds)
        wait(shop, seconds + 1)
        sweep(shop.place)
        assert shop.run(run_id).state == "queued"
    fails(shop, run_id)
    wait(shop, 10_000)
    sweep(shop.place)
    assert shop.run(run_id).state == "failed"
    assert retry_of(shop, run_id) is None
    assert [back_off_s(number, 10) for number in range(3)] == [10, 30, 90]


def test_a_new_checkpoint_is_a_new_beginning(shop: Shop) -> None:
    """A run that fails once a day for a week is not given up on the fourth day."""
    run_id = shop.queue()
    fails(shop, run_id)
    wait(shop, 11)
    sweep(shop.place)
    start_runs(shop.place)
    assert shop.run(run_id).retries == 1
    saved = {
        "step": 5,
        "epoch": 1.0,
        "path": "checkpoints/last-step=5.ckpt",
        "bytes": 1,
        "sha256": f"{5:064x}",
    }
    write(shop, run_id, line("checkpoint", attempt=2, kind="last", **saved))
    drain(shop.place, shop.watched(run_id, offset=0), hold_end=True)
    assert shop.run(run_id).retries == 0


def test_a_retry_that_is_planned_can_be_called_off_or_done_at_once(shop: Shop) -> None:
    run_id = shop.queue()
    fails(shop, run_id)
    assert {"stop", "retry"} <= set(seen(shop, run_id).may)
    with shop.place.sessions.begin() as db:
        user = User(name="ada", role="admin")
        db.add(user)
        db.flush()
        service.stop_run(db, run_id, by=user)
    assert retry_of(shop, run_id) is None
    assert "stop" not in seen(shop, run_id).may
    wait(shop, 1000)
    sweep(shop.place)
    assert shop.run(run_id).state == "failed"
    with shop.place.sessions.begin() as db:
        service.retry_run(db, run_id, by=user)
    assert (shop.run(run_id).state, shop.run(run_id).retries) == ("queued", 0)


def test_a_run_that_was_put_away_or_failed_long_ago_stays_as_it_is(shop: Shop) -> None:
    run_id, old = shop.queue(), shop.queue()
    fails(shop, run_id)
    with shop.place.sessions.begin() as db:
        db.execute(update(Run).where(Run.id == run_id).values(archived_at=now()))
        db.execute(update(Run).where(Run.id == old).values(state="failed", failure_kind="lost"))
    wait(shop, 1000)
    sweep(shop.place)
    assert [shop.run(one).state for one in (run_id, old)] == ["failed", "failed"]
    assert broken(shop.place) == []


def test_a_failed_run_past_the_moment_of_its_retry_breaks_an_invariant(shop: Shop) -> None:
    run_id = shop.queue()
    fails(shop, run_id)
    wait(shop, 100)
    assert broken(shop.place) == [f"Run {run_id} failed, and the moment to retry it has passed."]
    sweep(shop.place)
    assert broken(shop.place) == []


# -- the laboratory's own rules

RULES = (
    RetryRule(pattern="Stale file handle", label="The file server hiccuped."),
    RetryRule(pattern=r"Xid 7\d", label="A GPU is broken: tell the administrator.", retry=False),
    RetryRule(pattern="out of memory", retry=True),
)


@pytest.mark.parametrize(
    ("kind", "sentence", "expected"),
    [
        ("user_error", "The file server hiccuped.", True),
        ("lost", "NVRM: Xid 79 fell off the bus", False),
        ("infrastructure", "A GPU is broken: tell the administrator.", False),
        ("out_of_memory", "CUDA out of memory", True),
        ("lost", "It was killed.", True),
        ("timeout", "It took too long.", False),
    ],
)
def test_the_first_rule_that_matches_decides_and_else_the_kind(
    kind: str, sentence: str, expected: bool
) -> None:
    assert is_worth_it(kind, sentence, RULES) is expected


def test_a_rules_label_is_what_the_page_says_of_the_log() -> None:
    cause = cause_of(Exit(1, None, 0), "OSError: [Errno 116] Stale file handle", rules=RULES)
    assert cause == ("infrastructure", "The file server hiccuped.")
    assert cause_of(Exit(1, None, 0), "something else", rules=RULES).kind == "lost"


def test_rules_come_from_the_environment_and_reach_the_children(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = shop.place.settings.model_copy(update={"retry_rules": RULES, "retry_limit": 5})
    for name, value in environment_of(asked).items():
        monkeypatch.setenv(name, value)
    assert (Settings().retry_rules, Settings().retry_limit) == (RULES, 5)


def test_a_pattern_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(ValidationError, match=r"SCELAB_RETRY_RULES: '\(' is no pattern"):
        RetryRule(pattern="(")
