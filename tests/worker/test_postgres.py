"""The same work on PostgreSQL: claim, launch, journal, sweep."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from backend.runs.claims import claim_next
from backend.settings import Settings
from tests.backend import postgres
from tests.worker.conftest import Shop, open_shop
from worker.launchers.local import LocalLauncher
from worker.runs import start_runs
from worker.sweep import mend_claims, sweep
from worker.watch import Watch


@pytest.fixture
def elsewhere(settings: Settings, launcher: LocalLauncher) -> Iterator[Shop]:
    """A workplace whose rows are in PostgreSQL."""
    bin_dir = postgres.binaries()
    if bin_dir is None:
        pytest.fail("this test needs PostgreSQL: make test-tools")
    with postgres.cluster(bin_dir) as socket:
        url = postgres.url_of(socket, "postgres")
        shop = open_shop(settings.model_copy(update={"database_url": url}), launcher)
        yield shop
        shop.place.engine.dispose()


def test_a_run_is_put_back_then_trained_then_recorded(elsewhere: Shop) -> None:
    run_id = elsewhere.queue()
    with elsewhere.place.sessions.begin() as db:
        claim_next(db, host="here")  # by a worker that dies now
    mend_claims(elsewhere.place, older_than=timedelta(0))
    sweep(elsewhere.place)
    assert start_runs(elsewhere.place) == 1
    run = elsewhere.wait(run_id, "finished", watch=Watch(elsewhere.place))
    assert run.attempt == 2
    assert elsewhere.losses(run_id) == [1, 2, 3]
    assert elsewhere.held() == [None]
