"""A preparation is a process of its own: it is told of, stopped, goes on, and ends in a registered data set."""

from pathlib import Path

import pytest

from backend.datasets import preparation, service
from backend.datasets.tables import Preparation
from tests.videos import encode, numbered_frames
from tests.worker.conftest import Shop, eventually
from worker.indexing import index_lock
from worker.preparing import Preparer, log_of, work_off


@pytest.fixture
def preparer(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Preparer:
    """Its processes read their settings from the environment, as all of ours do."""
    monkeypatch.setenv("SCELAB_HOME", str(shop.place.settings.home))
    return Preparer(shop.place)


@pytest.fixture
def folder(shop: Shop) -> Path:
    folder = shop.place.settings.home / "data" / "src"
    for split in ("train", "val"):
        for label in ("left", "right"):
            encode(folder / split / label / "0.avi", numbered_frames(6), codec="mpeg4")
    (folder / "train" / "left" / "broken.avi").write_bytes(b"not a video")
    return folder


def ask(shop: Shop, **change: object) -> int:
    asked = {"set_name": "videos", "name": "mine", "source": "src", "target": "dst", "how": "encode"}
    with shop.place.sessions.begin() as db:
        more = {"short_side": 48, "fps": None}
        return preparation.ask(db, shop.place.settings, **{**asked, **more, **change}).id  # type: ignore[arg-type]  # mixed


def seen(shop: Shop, number: int) -> Preparation:
    with shop.place.looks.begin() as db:
        return preparation.get(db, number)


def test_a_folder_is_prepared_beside_the_worker_and_registered(
    shop: Shop, preparer: Preparer, folder: Path
) -> None:
    number = ask(shop)

    def done() -> Preparation | None:
        preparer.look()
        row = seen(shop, number)
        return row if row.state == "finished" and preparer.process is None else None

    row = eventually(done, within_s=120)
    assert (row.stage, row.done, row.total, row.num_bad) == ("convert", 5, 5, 1)
    assert row.report is not None
    assert row.report["bad"][0]["path"] == "train/left/broken.avi"
    assert (folder.parent / "dst" / "train" / "right" / "0.mp4").is_file()
    with shop.place.looks.begin() as db:
        (dataset,) = service.list_datasets(db)
    assert (dataset.name, dataset.state, dataset.id) == ("mine", "waiting", row.dataset_id)


def test_what_is_not_the_set_fails_with_what_to_fetch(shop: Shop, folder: Path) -> None:
    number = ask(shop, set_name="hmdb51", how="link", short_side=None)
    work_off(shop.place.settings, shop.place.sessions, number)
    row = seen(shop, number)
    assert row.state == "failed"
    assert "test_train_splits.rar" in str(row.sentence)


def test_a_name_that_was_taken_meanwhile_is_told(shop: Shop, folder: Path) -> None:
    number = ask(shop, target="", how="link", short_side=None)
    (folder.parent / "other").mkdir()
    with shop.place.sessions.begin() as db:
        service.register(db, shop.place.settings, name="mine", root="other", kind="video")
    work_off(shop.place.settings, shop.place.sessions, number)
    assert "The name 'mine' is taken" in str(seen(shop, number).sentence)


def test_a_stop_is_obeyed_after_a_file_and_the_rest_is_made_later(
    shop: Shop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = ask(shop)
    monkeypatch.setattr("sce.data.prepare.progress.Pace.says", lambda *_: True)
    real = preparation.progress

    def stop_after_one(db: object, **told: object) -> bool:
        goes_on = real(db, **told)  # type: ignore[arg-type]  # passed on
        if told["done"] == 1:
            preparation.stop(db, preparation_id=number)  # type: ignore[arg-type]  # passed on
        return goes_on

    monkeypatch.setattr(preparation, "progress", stop_after_one)
    work_off(shop.place.settings, shop.place.sessions, number)
    assert seen(shop, number).state == "stopped"
    monkeypatch.setattr(preparation, "progress", real)
    with shop.place.sessions.begin() as db:
        preparation.go_on(db, preparation_id=number)
    work_off(shop.place.settings, shop.place.sessions, number)
    row = seen(shop, number)
    assert row.state == "finished"
    assert row.report is not None
    assert row.report["kept"] >= 1
    assert row.report["kept"] + row.report["made"] == 4


def test_one_that_another_makes_is_left_to_it(shop: Shop, preparer: Preparer, folder: Path) -> None:
    number = ask(shop)
    with shop.place.sessions.begin() as db:
        preparation.begin(db, preparation_id=number)
    with index_lock(shop.place.settings, number, "preparing") as is_free:
        assert is_free
        preparer.look()
        work_off(shop.place.settings, shop.place.sessions, number)
    assert (seen(shop, number).state, preparer.process) == ("running", None)


def test_one_that_dies_again_and_again_is_given_up(
    shop: Shop, preparer: Preparer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCELAB_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    number = ask(shop)

    def given_up() -> bool:
        preparer.look()
        return seen(shop, number).state == "failed"

    eventually(given_up, within_s=120)
    assert "It ended 2 times with status 1" in str(seen(shop, number).sentence)
    assert log_of(shop.place.settings, number).is_file()
