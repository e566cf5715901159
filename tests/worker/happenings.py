"""What may happen in the laboratory of the property test, as values that hypothesis chooses."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from backend.runs import service
from tests.worker.fake_trainers import DEEDS

HOSTS = ("here", "there")
VERBS: dict[str, Callable[..., Any]] = {
    "stop": service.stop_run,
    "resume": service.resume_run,
    "retry": service.retry_run,
    "archive": service.archive_run,
    "restore": service.restore_run,
    "launch": service.launch_draft,
}
TICKS = ("start", "watch", "sweep", "beat")

numbers = st.integers(min_value=0, max_value=5)
hosts = st.sampled_from(HOSTS)
asks = st.tuples(st.sampled_from([*VERBS, "priority"]), numbers)
ticks = st.tuples(st.sampled_from(TICKS), hosts)
deliveries = st.tuples(st.just("deliver"), hosts, numbers)
switches = st.tuples(st.sampled_from(["drain", "enable"]), hosts)
launches = st.tuples(
    st.just("ask"), st.integers(1, 2), st.integers(-2, 2), st.sampled_from([False] * 4 + [True])
)
rounds = st.tuples(st.just("round"), hosts)
actions = st.one_of(rounds, rounds, ticks, ticks, deliveries, asks, asks, launches, switches)
works = st.one_of(rounds, rounds, rounds, ticks, asks, launches)
waits = st.tuples(st.just("wait"), st.sampled_from([2.0, 25.0]))
deeds = st.tuples(st.just("train"), numbers, st.sampled_from(DEEDS))
soon = st.lists(st.sampled_from(["begin", "step", "finish", "die"]), max_size=3)
meanwhile = st.lists(st.one_of(works, works, waits, deeds), min_size=1, max_size=3)
