"""How busy a host was in the last hour, kept in a ring that never grows."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from edge_fixtures import Lab
from sqlalchemy import func, select

from backend.compute import service
from backend.compute.loads import SLOT_S, SLOTS, Load, load_views, note_load
from backend.compute.tables import HostLoad
from backend.compute.views import HostLoadView
from backend.db import now

pytest_plugins = ["edge_fixtures"]
NOON = datetime.fromisoformat("2026-05-04T12:00:00+00:00")


def register(lab: Lab, name: str = "node1") -> int:
    with lab.sessions.begin() as db:
        about: dict[str, Any] = {"devices": [], "cpu_count": 16, "memory_bytes": 64, "versions": {}}
        return service.register_host(db, name=name, **about).id


def note(lab: Lab, host_id: int, seconds: float, **load: Any) -> None:
    with lab.sessions.begin() as db:
        note_load(db, host_id, Load(**load), at=NOON + timedelta(seconds=seconds))


def seen(lab: Lab, seconds: float) -> HostLoadView:
    with lab.sessions.begin() as db:
        (view,) = load_views(db, service.list_hosts(db), at=NOON + timedelta(seconds=seconds))
        return view


def test_heartbeats_of_a_half_minute_are_one_mean(lab: Lab) -> None:
    host_id = register(lab)
    for seconds, percent, used in ((0, 10.0, 100), (5, 20.0, 101), (29.9, 60.0, 105)):
        note(lab, host_id, seconds, cpu_percent=percent, memory_used_bytes=used)
    view = seen(lab, 29.9)
    assert (view.cpu_percent[-1], view.memory_used_bytes[-1]) == (30.0, 102)
    assert (view.every_s, len(view.cpu_percent)) == (SLOT_S, SLOTS)
    assert view.cpu_percent[:-1] == [None] * (SLOTS - 1)
    assert view.gpu_percent == [None] * SLOTS, "nobody measured it"


def test_a_pause_is_a_gap_and_the_newest_stands_last(lab: Lab) -> None:
    host_id = register(lab)
    note(lab, host_id, 0, cpu_percent=1.0)
    note(lab, host_id, 3 * SLOT_S, cpu_percent=4.0)
    view = seen(lab, 4 * SLOT_S)
    assert view.cpu_percent[-5:] == [1.0, None, None, 4.0, None]
    assert view.began_at == NOON - timedelta(seconds=(SLOTS - 5) * SLOT_S)


def test_an_hour_later_a_row_is_written_over_and_there_are_never_more(lab: Lab) -> None:
    host_id = register(lab)
    for place in range(2 * SLOTS + 7):
        note(lab, host_id, place * SLOT_S, cpu_percent=float(place))
    with lab.sessions.begin() as db:
        assert db.scalar(select(func.count()).select_from(HostLoad)) == SLOTS
    assert seen(lab, (2 * SLOTS + 6) * SLOT_S).cpu_percent == [
        float(n) for n in range(SLOTS + 7, 2 * SLOTS + 7)
    ]


def test_what_is_older_than_an_hour_is_not_shown(lab: Lab) -> None:
    host_id = register(lab)
    note(lab, host_id, 0, cpu_percent=50.0)
    assert seen(lab, (SLOTS - 1) * SLOT_S).cpu_percent[0] == 50.0
    assert seen(lab, SLOTS * SLOT_S).cpu_percent == [None] * SLOTS


@pytest.mark.parametrize("first", [None, 30.0])
def test_what_is_measured_only_sometimes_counts_when_it_was(lab: Lab, first: float | None) -> None:
    host_id = register(lab)
    note(lab, host_id, 0, gpu_percent=first)
    note(lab, host_id, 5, gpu_percent=None if first else 30.0)
    assert seen(lab, 5).gpu_percent[-1] == 30.0


def test_pages_read_every_host_at_once(lab: Lab) -> None:
    for name in ("node1", "node2"):
        register(lab, name)
        with lab.sessions.begin() as db:
            service.heartbeat(db, name=name, load=Load(50.0, 2**30, 80.0, 2**33, 2**40))
    one, other = lab.admin.get("/api/v1/hosts/loads").json()
    assert one["host_id"] != other["host_id"]
    assert (one["cpu_percent"][-1], one["gpu_memory_used_bytes"][-1], one["disk_free_bytes"][-1]) == (
        50.0,
        2**33,
        2**40,
    )
    assert abs(datetime.fromisoformat(one["began_at"]) - (now() - timedelta(hours=1))) < timedelta(minutes=1)


def test_a_host_that_just_registered_has_measured_nothing(lab: Lab) -> None:
    register(lab)
    (host,) = lab.admin.get("/api/v1/hosts/loads").json()
    assert host["cpu_percent"] == [None] * SLOTS
