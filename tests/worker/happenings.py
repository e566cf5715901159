"""What may happen in the laboratory of the property test, as values that hypothesis chooses."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from backend.runs import service
from tests.worker.fake_trainers import DEEDS

HOSTS = ("here", "there")
LABELS = {"here": {"room": "a"}, "there": {"room": "b", "net": "fast"}}
"""Of the hosts; nobody changes them."""


def labels_of(host: str) -> list[str]:
    return [f"{name}={value}" for name, value in LABELS[host].items()]


PEOPLE = ("ada", "bob")
EXPERIMENTS = ("spring", "autumn")
VERBS: dict[str, Callable[..., Any]] = {
    "stop": service.stop_run,
    "resume": service.resume_run,
    "retry": service.retry_run,
    "archive": service.archive_run,
    "restore": service.restore_run,
    "launch": service.launch_draft,
}
TICKS = ("start", "watch", "sweep", "beat")
Action = tuple[Any, ...]
"""What is done, and with what: ("start", "here")."""

numbers = st.integers(min_value=0, max_value=5)
hosts = st.sampled_from(HOSTS)
mostly = st.sampled_from([True, True, False])
asks = st.tuples(st.sampled_from([*VERBS, "priority", "top", "bottom"]), numbers)
ticks = st.tuples(st.sampled_from(TICKS), hosts)
deliveries = st.tuples(st.just("deliver"), hosts, numbers)
switches = st.tuples(st.sampled_from(["drain", "enable"]), hosts)
subjects = st.sampled_from(
    [*(("user", name) for name in PEOPLE), *(("experiment", name) for name in EXPERIMENTS)]
)
limits = st.tuples(
    st.just("limit"), subjects, st.sampled_from(["runs", "devices"]), st.sampled_from([0, 1, 1, 2, 3, None])
)
launches = st.tuples(
    st.just("ask"),
    st.sampled_from([1, 1, 1, 2, 2]),
    st.integers(-2, 2),
    st.sampled_from([False] * 4 + [True]),
    st.sampled_from([()] * 4 + [("room=a",), ("room=b",), ("room=b", "net=fast")]),
    st.sampled_from(PEOPLE),
    st.sampled_from(EXPERIMENTS),
)
rounds = st.tuples(st.just("round"), hosts)
thaws = st.tuples(st.just("thaw"), numbers)
renewals = st.just(("renew",))
actions = st.one_of(
    rounds, rounds, ticks, ticks, deliveries, asks, asks, launches, switches, limits, thaws, renewals
)
works = st.one_of(rounds, rounds, rounds, ticks, asks, launches, thaws)
waits = st.tuples(st.just("wait"), st.sampled_from([2.0, 25.0]))
deeds = st.tuples(st.just("train"), numbers, st.sampled_from(DEEDS))
soon = st.lists(st.sampled_from(["begin", "step", "finish", "die"]), max_size=3)
late = st.lists(st.sampled_from(["late", "late", "step", "save", "finish", "die", "hang"]), max_size=3)
meanwhile = st.lists(st.one_of(works, works, waits, deeds, limits, renewals), min_size=1, max_size=3)
