"""Claims: each run once, the first that fits, and a large one at the head is not starved."""

import threading
import time
from collections import Counter

import pytest
from makers import PRETRAIN, Lab, end, progress, start
from sqlalchemy import select

from backend.compute.tables import Device, Host
from backend.datasets.tables import Dataset
from backend.runs.claims import fail, mark_gone, record_handle, requeue
from backend.runs.reading import run_view
from backend.runs.tables import Attempt, Run


def wanting(devices: int, accelerator: str = "auto") -> dict[str, object]:
    return {**PRETRAIN, "compute": {"devices": devices, "accelerator": accelerator}}


@pytest.fixture
def ready(record: Lab) -> Lab:
    record.dataset()
    record.host()
    return record


def test_a_claim_holds_its_device_until_it_is_given_back(ready: Lab) -> None:
    first, second = ready.launch().id, ready.launch().id
    claim = ready.claim()
    assert claim is not None
    assert (claim.run_id, claim.attempt, claim.device_kind, claim.device_numbers) == (first, 1, "cpu", (0,))
    assert ready.claim() is None
    ready.tell(first, start(), end("finished"))
    again = ready.claim()
    assert again is not None
    assert again.run_id == second


def test_priority_comes_before_age(ready: Lab) -> None:
    ready.launch()
    urgent = ready.launch(priority=5).id
    claim = ready.claim()
    assert claim is not None
    assert claim.run_id == urgent


def test_threads_never_claim_the_same_run(record: Lab) -> None:
    record.dataset()
    hosts = [f"host{number}" for number in range(4)]
    for host in hosts:
        record.host(host, cpu=10)
    ids = {record.launch().id for _ in range(24)}
    won: list[int] = []

    def take(host: str) -> None:
        while (claim := record.claim(host)) is not None:
            won.append(claim.run_id)

    threads = [threading.Thread(target=take, args=(host,)) for host in hosts * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(won) == Counter(ids)
    with record.sessions() as db:
        held = db.execute(select(Device.run_id, Device.attempt).where(Device.run_id.is_not(None))).all()
    assert Counter(run_id for run_id, _ in held) == Counter(ids)


def test_a_large_run_at_the_head_keeps_devices_free(record: Lab) -> None:
    record.dataset()
    record.host(cpu=0, gpu=2)
    small = record.launch(wanting(1)).id
    assert record.claim() is not None
    large, behind = record.launch(wanting(2)).id, record.launch(wanting(1)).id
    assert record.claim() is None
    record.tell(small, start(), end("finished"))
    claim = record.claim()
    assert claim is not None
    assert (claim.run_id, claim.device_numbers) == (large, (0, 1))
    assert record.run(behind).state == "queued"


def test_a_run_that_a_host_can_never_carry_holds_nobody_up_there(record: Lab) -> None:
    record.dataset()
    record.host("small", cpu=0, gpu=1)
    record.host("large", cpu=0, gpu=4)
    record.launch(wanting(4))
    little = record.launch(wanting(1)).id
    claim = record.claim("small")
    assert claim is not None
    assert claim.run_id == little


def test_a_cpu_run_passes_one_that_waits_for_gpus(record: Lab) -> None:
    record.dataset()
    record.host(cpu=1, gpu=1)
    record.launch(wanting(1, "gpu"))
    record.claim()
    record.launch(wanting(1, "gpu"))
    on_cpu = record.launch(wanting(1, "cpu")).id
    claim = record.claim()
    assert claim is not None
    assert (claim.run_id, claim.device_kind) == (on_cpu, "cpu")


def test_a_run_waits_for_its_data_set(record: Lab) -> None:
    dataset_id = record.dataset(state="indexing")
    record.host()
    run_id = record.launch().id
    assert record.claim() is None
    with record.sessions() as db:
        assert run_view(db, db.get_one(Run, run_id)).waits_for == "Data set demo is being indexed."
    with record.sessions.begin() as db:
        db.get_one(Dataset, dataset_id).state = "ready"
    assert record.claim() is not None


def test_a_drained_host_takes_nothing(ready: Lab) -> None:
    ready.launch()
    with ready.sessions.begin() as db:
        db.scalars(select(Host)).one().enabled = False
    assert ready.claim() is None


def test_a_queued_run_says_in_words_what_it_waits_for(ready: Lab) -> None:
    ready.launch()
    ready.claim()
    ids = [ready.launch().id, ready.launch().id]
    with ready.sessions() as db:
        words = [run_view(db, db.get_one(Run, run_id)).waits_for for run_id in ids]
    assert words == [
        "It is next: it waits for 1 device to become free.",
        "1 run is ahead of it; it needs 1 device.",
    ]


def test_a_queued_run_says_that_the_disk_is_full_until_there_is_room(ready: Lab) -> None:
    run_id = ready.launch().id
    words = []
    for free in (1_200_000_000, 2_000_000_000):
        with ready.sessions.begin() as db:
            host = db.scalars(select(Host)).one()
            host.disk_free_bytes, host.disk_least_bytes = free, 2_000_000_000
            db.flush()
            words.append(run_view(db, db.get_one(Run, run_id)).waits_for)
            name = host.name
    assert words == [
        f"The runs disk of {name} has 1.2 GB left, and no run starts below 2.0 GB: "
        "make room, or lower SCELAB_MIN_FREE_DISK_GB.",
        "A worker is about to start it.",
    ]


def test_a_definition_of_another_version_fails_with_its_field_and_holds_nobody_up(ready: Lab) -> None:
    old = ready.launch().id
    with ready.sessions.begin() as db:
        run = db.get_one(Run, old)
        run.definition = {**run.definition, "gone": 1}
    fine = ready.launch().id
    claim = ready.claim()
    assert claim is not None
    assert claim.run_id == fine
    assert (ready.run(old).state, ready.run(old).failure_kind) == ("failed", "user_error")
    assert "gone" in (ready.run(old).failure_sentence or "")


def test_a_claim_that_was_never_launched_goes_back_and_gets_a_new_number(ready: Lab) -> None:
    run_id = ready.launch().id
    ready.claim()
    with ready.sessions.begin() as db:
        assert requeue(db, run_id=run_id, attempt=1, sentence="It was never launched.")
    claim = ready.claim()
    assert claim is not None
    assert claim.attempt == 2


def test_the_handle_is_kept_with_its_attempt(ready: Lab) -> None:
    run_id = ready.launch().id
    ready.claim()
    with ready.sessions.begin() as db:
        record_handle(db, run_id=run_id, attempt=1, handle="pid 7")
    with ready.sessions() as db:
        assert db.scalars(select(Attempt)).one().handle == "pid 7"


def test_a_late_word_of_an_older_attempt_changes_nothing(ready: Lab) -> None:
    run_id = ready.launch().id
    ready.claim()
    with ready.sessions.begin() as db:
        requeue(db, run_id=run_id, attempt=1, sentence="Lost.")
    ready.claim()
    with ready.sessions.begin() as db:
        assert not fail(db, run_id=run_id, attempt=1, kind="lost", sentence="late")
        assert not mark_gone(db, run_id=run_id, attempt=1, sentence="late")
        assert not requeue(db, run_id=run_id, attempt=1, sentence="late")
    assert (ready.run(run_id).state, ready.run(run_id).attempt) == ("starting", 2)


@pytest.mark.parametrize(("state", "comes"), [("running", "failed"), ("stopping", "stopped")])
def test_processes_that_went_without_a_word_end_the_run(ready: Lab, state: str, comes: str) -> None:
    run_id = ready.running()
    with ready.sessions.begin() as db:
        db.execute(Run.__table__.update().values(state=state))
    with ready.sessions.begin() as db:
        assert mark_gone(db, run_id=run_id, attempt=1, sentence="It ended without a word.")
    assert ready.run(run_id).state == comes
    with ready.sessions() as db:
        assert db.scalars(select(Device.run_id)).all() == [None]
        assert db.scalars(select(Attempt)).one().outcome == comes


def test_a_large_run_gets_the_host_that_drains_first_while_others_go_on_elsewhere(record: Lab) -> None:
    """It keeps its host from one claim to the next, though the other one looks better meanwhile."""
    record.dataset()
    record.host("here", cpu=2)
    record.host("there", cpu=2)
    held = [record.launch().id for _ in range(3)]
    for host in ("here", "here", "there"):
        assert record.claim(host) is not None
    large, small = record.launch(wanting(2)).id, [record.launch().id for _ in range(3)]
    assert record.claim("there") is None
    assert where_kept(record, large) == "there"
    record.tell(held[0], start(), end("finished"))
    assert claimed(record, "here") == small[0]
    record.tell(held[1], start(), end("finished"))
    record.tell(small[0], start(), end("finished"))
    assert where_kept(record, large) == "there"
    assert claimed(record, "here") == large
    assert where_kept(record, large) is None


def claimed(record: Lab, host: str) -> int | None:
    claim = record.claim(host)
    return claim.run_id if claim else None


def where_kept(record: Lab, run_id: int) -> str | None:
    asked = select(Host.name).join(Run, Run.reserved_host_id == Host.id).where(Run.id == run_id)
    with record.sessions() as db:
        return db.scalar(asked)


def test_who_ends_before_slips_past_and_who_is_late_does_not(record: Lab) -> None:
    record.dataset()
    record.host(cpu=2)
    long = record.running()
    record.tell(long, progress(eta_s=36_000.0))
    record.launch(wanting(2))
    unknown, slow, quick = (record.launch().id for _ in range(3))
    with record.sessions.begin() as db:
        db.get_one(Run, slow).expected_s = 30_000.0
        db.get_one(Run, quick).expected_s = 3_000.0
    assert claimed(record, "here") == quick
    assert claimed(record, "here") is None
    assert {record.run(run_id).state for run_id in (unknown, slow)} == {"queued"}


def test_a_claim_that_came_to_nothing_goes_back_to_its_place_among_equals(ready: Lab) -> None:
    first, _ = ready.launch().id, ready.launch().id
    ready.claim()
    with ready.sessions.begin() as db:
        requeue(db, run_id=first, attempt=1, sentence="It was never launched.")
    assert claimed(ready, "here") == first


def test_a_long_queue_is_claimed_from_in_no_time(record: Lab) -> None:
    """Most of them wait behind a large run, so that nobody's turn can be told without reading on."""
    dataset_id = record.dataset()
    record.host("here", cpu=2)
    record.host("there", cpu=2)
    record.running()
    record.runs(1, devices=2, dataset_id=dataset_id)
    record.runs(5000, devices=2, dataset_id=dataset_id)
    began = time.monotonic()
    assert record.claim("here") is None
    assert time.monotonic() - began < 1.0


def test_what_a_queued_run_waits_for_names_who_is_kept_what_is_free(record: Lab) -> None:
    record.dataset()
    record.host("here", cpu=2)
    record.running()
    large, small = record.launch(wanting(2)).id, record.launch().id
    with record.sessions() as db:
        words = [run_view(db, db.get_one(Run, run_id)).waits_for for run_id in (large, small)]
    assert words == [
        "It is next: it waits for 2 devices to become free.",
        f"What is free on here is kept for run {large}, which is ahead of it.",
    ]


def test_a_run_goes_only_to_a_host_with_every_label_it_requires(record: Lab) -> None:
    record.dataset()
    record.host("here", cpu=4, gpu_model="t4", room="a")
    record.host("there", cpu=4, gpu_model="a100", room="a")
    asked = {"labels": ["gpu_model=a100", "room=a"]}
    run_id = record.launch({**PRETRAIN, "compute": asked}).id
    assert claimed(record, "here") is None
    assert claimed(record, "there") == run_id


def test_a_run_whose_label_no_host_has_any_more_says_so_and_holds_nobody_up(record: Lab) -> None:
    record.dataset()
    record.host("here", cpu=1, room="a")
    run_id = record.launch({**PRETRAIN, "compute": {"labels": ["room=a"]}}).id
    other = record.launch().id
    with record.sessions.begin() as db:
        db.scalars(select(Host)).one().labels = {"room": "b"}
    with record.sessions() as db:
        words = run_view(db, db.get_one(Run, run_id)).waits_for
    assert words == "No online host has label room=a."
    assert claimed(record, "here") == other
