"""Indexing is a process of its own: it holds up nothing, and whatever ends it is told or tried again."""

import time
from pathlib import Path

import pytest

from backend.datasets import service
from backend.datasets.tables import Dataset
from tests.videos import encode, numbered_frames
from tests.worker.conftest import Shop, eventually
from worker.indexing import Indexer, index, index_lock, log_of


@pytest.fixture
def indexer(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Indexer:
    """Its processes read their settings from the environment, as all of ours do."""
    monkeypatch.setenv("SCELAB_HOME", str(shop.place.settings.home))
    return Indexer(shop.place)


def register(shop: Shop, *, name: str = "videos") -> int:
    with shop.place.sessions.begin() as db:
        return service.register(db, shop.place.settings, name=name, root=name, kind="video").id


@pytest.fixture
def folder(shop: Shop) -> Path:
    """Two classes, and a file that is no video."""
    folder = shop.place.settings.home / "data" / "videos"
    for split in ("train", "val"):
        for label in ("left", "right"):
            encode(folder / split / label / "0.mp4", numbered_frames(10))
    (folder / "train" / "left" / "broken.mp4").write_bytes(b"not a video")
    return folder


def dataset_of(shop: Shop, dataset_id: int) -> Dataset:
    with shop.place.looks.begin() as db:
        return service.get(db, dataset_id)


def wait(shop: Shop, indexer: Indexer, dataset_id: int, *states: str) -> Dataset:
    def arrived() -> Dataset | None:
        indexer.look()
        dataset = dataset_of(shop, dataset_id)
        return dataset if dataset.state in states and indexer.process is None else None

    return eventually(arrived, within_s=40)


def test_a_folder_is_indexed_beside_the_worker(shop: Shop, indexer: Indexer, folder: Path) -> None:
    dataset_id = register(shop)
    began = time.monotonic()
    indexer.look()
    assert time.monotonic() - began < 1.0
    dataset = wait(shop, indexer, dataset_id, "ready")
    assert dataset.classes == ["left", "right"]
    assert (folder / "scelab-index.json").exists()
    assert "5 of 5 files" in log_of(shop.place.settings, dataset_id).read_text()
    with shop.place.looks.begin() as db:
        broken, total = service.list_items(
            db, dataset_id=dataset_id, split=None, label=None, unreadable=True, q=None, page=1, size=10
        )
    assert total == 1
    assert broken[0].path == "train/left/broken.mp4"
    assert broken[0].unreadable


def test_a_folder_without_videos_fails_with_a_sentence(shop: Shop) -> None:
    (shop.place.settings.home / "data" / "videos" / "train" / "left").mkdir(parents=True)
    dataset_id = register(shop)
    index(shop.place.settings, shop.place.sessions, dataset_id)
    dataset = dataset_of(shop, dataset_id)
    assert dataset.state == "failed"
    assert dataset.failure


def test_an_index_that_died_is_done_again(shop: Shop, indexer: Indexer, folder: Path) -> None:
    dataset_id = register(shop)
    with shop.place.sessions.begin() as db:
        service.begin_index(db, dataset_id=dataset_id)
    wait(shop, indexer, dataset_id, "ready")


def test_an_index_that_another_makes_is_left_to_it(shop: Shop, indexer: Indexer, folder: Path) -> None:
    dataset_id = register(shop)
    with shop.place.sessions.begin() as db:
        service.begin_index(db, dataset_id=dataset_id)
    with index_lock(shop.place.settings, dataset_id) as is_free:
        assert is_free
        indexer.look()
        assert indexer.process is None
        index(shop.place.settings, shop.place.sessions, dataset_id)
    assert dataset_of(shop, dataset_id).state == "indexing"


def test_an_index_that_dies_again_and_again_is_given_up(
    shop: Shop, indexer: Indexer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCELAB_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    dataset = wait(shop, indexer, register(shop), "failed")
    assert "Indexing ended 2 times with status 1" in str(dataset.failure)
