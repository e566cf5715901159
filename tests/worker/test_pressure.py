"""When processes that are there are asked to leave, and when they are ended: a table of times."""

import pytest

from backend.runs.life import RUNNING, STARTING, STOPPING, RunState
from worker.watch import Pressure, pressure_on

GRACE_S = 60.0


@pytest.mark.parametrize(
    ("state", "state_for_s", "over_for_s", "wanted"),
    [
        (RUNNING, 1e6, None, Pressure.NONE),
        (RUNNING, 10, 5, Pressure.NONE),  # it is putting its things away
        (RUNNING, 10, 16, Pressure.END),
        (STOPPING, 59, None, Pressure.NONE),
        (STOPPING, 61, None, Pressure.ASK),
        (STOPPING, 71, None, Pressure.END),
        (STOPPING, 5, 16, Pressure.END),
        (STARTING, 600, None, Pressure.NONE),
        (STARTING, 1801, None, Pressure.END),
    ],
)
def test_pressure_rises_with_time(
    state: RunState, state_for_s: float, over_for_s: float | None, wanted: Pressure
) -> None:
    assert pressure_on(state=state, state_for_s=state_for_s, over_for_s=over_for_s, grace_s=GRACE_S) is wanted
