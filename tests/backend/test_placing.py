"""Placement, reservations and backfill, as values: nobody overtakes whom he would delay, and nobody starves."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.compute.leases import HostRoom
from backend.runs.placing import Holder, Kept, Plan, Spot, Wish, make_plan

HOUR = 3600.0


def room(name: str = "a", *, cpu: int = 0, gpu: int = 0, busy: int = 0, labels: str = "") -> HostRoom:
    """``busy`` of its devices are held; GPUs where it has any."""
    total = Counter({kind: count for kind, count in (("cpu", cpu), ("gpu", gpu)) if count})
    free = total - Counter({"gpu" if gpu else "cpu": busy})
    return HostRoom(name, True, 0.0, total, free, labels=frozenset(labels.split()))


def holder(run_id: int, host: str = "a", devices: int = 1, left_s: float | None = None) -> Holder:
    return Holder(run_id, Spot(host, "cpu"), devices, left_s)


def where(plan: Plan) -> dict[int, str]:
    return {run_id: start.spot.host for run_id, start in plan.starts.items()}


def kept(plan: Plan) -> dict[str, int]:
    return {spot.host: one.run_id for spot, one in plan.kept.items()}


def test_a_run_goes_to_the_fullest_host_that_fits_and_leaves_the_others_whole() -> None:
    rooms = [room("empty", cpu=4), room("half", cpu=4, busy=2), room("full", cpu=4, busy=4)]
    assert where(make_plan([Wish(1, 1), Wish(2, 1), Wish(3, 4)], rooms)) == {1: "half", 2: "half", 3: "empty"}


def test_a_run_that_its_best_host_does_not_take_may_be_taken_by_the_one_that_asks() -> None:
    rooms = [room("full", cpu=4, busy=3), room("asks", cpu=4)]
    assert where(make_plan([Wish(1, 1, waited_s=1.0)], rooms, asking="asks")) == {1: "full"}
    assert where(make_plan([Wish(1, 1, waited_s=11.0)], rooms, asking="asks")) == {1: "asks"}


def test_a_run_of_a_whole_host_is_kept_one_host_and_small_ones_go_elsewhere() -> None:
    rooms = [room("a", cpu=4, busy=2), room("b", cpu=4, busy=3)]
    plan = make_plan([Wish(1, 4), Wish(2, 1), Wish(3, 1)], rooms)
    assert (kept(plan), where(plan)) == ({"a": 1}, {2: "b"})


def test_the_reservation_is_where_it_will_fit_soonest() -> None:
    rooms = [room("a", cpu=2, busy=1), room("b", cpu=2, busy=2)]
    running = [holder(7, "a", left_s=10 * HOUR), holder(8, "b", 2, left_s=HOUR)]
    assert kept(make_plan([Wish(1, 2)], rooms, running)) == {"b": 1}


def test_a_reservation_stays_where_it_was() -> None:
    """Or a large run would begin to wait anew each time that another host looks better for a while."""
    rooms = [room("a", cpu=2, busy=2), room("b", cpu=2, busy=1)]
    assert kept(make_plan([Wish(1, 2, kept_host="a")], rooms)) == {"a": 1}


def test_a_reservation_on_a_host_that_went_away_is_given_elsewhere() -> None:
    assert kept(make_plan([Wish(1, 2, kept_host="gone")], [room("b", cpu=2, busy=1)])) == {"b": 1}


@pytest.mark.parametrize(
    ("expected_s", "left_s", "slips_past"),
    [
        (HOUR, 3 * HOUR, True),
        (2 * HOUR, 3 * HOUR, False),  # an estimate may be half too short
        (None, 3 * HOUR, False),
        (HOUR, None, False),
    ],
)
def test_a_small_run_slips_past_only_if_it_certainly_ends_before(
    expected_s: float | None, left_s: float | None, slips_past: bool
) -> None:
    plan = make_plan(
        [Wish(1, 2), Wish(2, 1, expected_s=expected_s)], [room(cpu=2, busy=1)], [holder(7, left_s=left_s)]
    )
    assert (2 in plan.starts) is slips_past


def test_those_who_slip_past_cannot_put_the_moment_off() -> None:
    """The holder now says that it needs three hours more; what was said before still counts."""
    waiting, small = Wish(1, 2, kept_host="a", kept_for_s=600.0), Wish(2, 1, expected_s=HOUR)
    plan = make_plan([waiting, small], [room(cpu=2, busy=1)], [holder(7, left_s=3 * HOUR)])
    assert plan.kept_for(1) == Kept(1, Spot("a", "cpu"), 600.0)
    assert where(plan) == {}


def test_a_run_that_could_take_either_kind_is_kept_one_place_and_holds_no_other_up() -> None:
    """It waits for the GPU host; the CPU host, where it could run as well, is full too."""
    rooms = [room("gpus", gpu=2, cpu=2, busy=1), room("cpus", cpu=2, busy=2)]
    plan = make_plan([Wish(1, 2), Wish(2, 1, "gpu"), Wish(3, 1, "cpu"), Wish(4, 1, "auto")], rooms)
    assert [(one.run_id, spot.host, spot.kind) for spot, one in plan.kept.items()] == [(1, "gpus", "gpu")]
    assert where(plan) == {3: "gpus"}


def test_pools_that_share_no_device_have_a_head_each() -> None:
    rooms = [room("a", cpu=2, busy=1, labels="room=a"), room("b", cpu=2, busy=1, labels="room=b")]
    large = [Wish(1, 2, labels=("room=a",)), Wish(2, 2, labels=("room=b",))]
    plan = make_plan([*large, Wish(3, 1), Wish(4, 1)], rooms)
    assert (kept(plan), where(plan)) == ({"a": 1, "b": 2}, {})


def test_the_second_large_run_keeps_no_second_host_idle() -> None:
    rooms = [room("a", cpu=2, busy=1), room("b", cpu=2, busy=1)]
    plan = make_plan([Wish(1, 2), Wish(2, 2), Wish(3, 1)], rooms)
    assert (len(plan.kept), where(plan)) == (1, {3: "b"})


sizes = st.integers(1, 4)


@given(
    large=st.integers(2, 4),
    small=st.lists(st.tuples(st.integers(1, 2), st.integers(1, 6)), min_size=1, max_size=40),
    hosts=st.lists(sizes, min_size=1, max_size=3).filter(lambda found: max(found) == 4),
)
def test_a_large_run_starts_however_many_small_ones_keep_coming(
    large: int, small: list[tuple[int, int]], hosts: list[int]
) -> None:
    """Small ones arrive in every round and never cease, some of known length; the large one came second."""
    running: list[tuple[Holder, int]] = []
    names = [f"h{number}" for number in range(len(hosts))]
    kept_host, started_in = None, None
    for moment in range(200):
        running = [(one, end) for one, end in running if end > moment]
        rooms = [
            room(name, cpu=total, busy=sum(one.devices for one, _ in running if one.spot.host == name))
            for name, total in zip(names, hosts, strict=True)
        ]
        lengths = {moment * 100 + n: small[(moment + n) % len(small)] for n in range(8)}
        early = [Wish(-1, small[0][0])] if moment == 0 else []
        wishes = [*early, Wish(0, large, kept_host=kept_host)]
        wishes += [Wish(number + 1, devices) for number, (devices, _) in lengths.items()]
        plan = make_plan(wishes, rooms, [one for one, _ in running])
        if 0 in plan.starts:
            started_in = moment
            break
        kept_host = next((one.spot.host for one in plan.kept.values() if one.run_id == 0), kept_host)
        for run_id, start in plan.starts.items():
            length = lengths[run_id - 1][1] if run_id > 0 else small[0][1]
            running.append((Holder(run_id, start.spot, start.wish.devices), moment + length))
    assert started_in is not None
    assert started_in <= 6
