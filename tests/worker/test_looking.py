"""A worker answers the inspector's questions with the real program, keeps its quota, and lets no failure wait."""

import json
from pathlib import Path

import pytest

from backend.inspections.service import waiting
from sce.definition import Pretrain
from tests.sce.tiny import make_videos, tiny
from tests.worker.conftest import Shop
from worker import looking
from worker.looking import ViewMaker, hold_quota


def question(shop: Shop, name: str, definition: Pretrain, item: str) -> Path:
    folder = shop.place.settings.views_dir / name
    folder.mkdir(parents=True)
    asked = {"definition": definition.model_dump(mode="json"), "item": item, "seed": 1, "epoch": 2}
    (folder / "asked.json").write_text(json.dumps(asked))
    return folder


def test_a_question_is_answered_and_one_that_cannot_be_says_why(shop: Shop, tmp_path: Path) -> None:
    definition = tiny(make_videos(tmp_path / "videos"))
    good = question(shop, "good", definition, "train/a/00.mp4")
    bad = question(shop, "bad", definition, "train/a/none.mp4")
    ViewMaker(shop.place).work()
    answer = json.loads((good / "views.json").read_text())
    assert (answer["seed"], answer["epoch"], len(answer["views"])) == (1, 2, 2)
    assert all((good / view[part]).stat().st_size for view in answer["views"] for part in ("source", "view"))
    assert (bad / "failed").read_text().startswith("train/a/none.mp4 is no readable item")
    assert waiting(shop.place.settings) == []


def test_a_program_that_takes_too_long_is_ended(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = question(shop, "slow", tiny(tmp_path), "0")
    monkeypatch.setattr(looking, "PATIENCE_S", 0.01)
    ViewMaker(shop.place).work()
    assert "took longer" in (folder / "failed").read_text()


def test_a_closing_worker_leaves_what_waits_for_the_next_one(shop: Shop, tmp_path: Path) -> None:
    question(shop, "later", tiny(tmp_path), "0")
    maker = ViewMaker(shop.place)
    maker.close()
    maker.work()
    assert [folder.name for folder in waiting(shop.place.settings)] == ["later"]


def test_the_oldest_answers_leave_when_the_quota_is_full(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second", "asked"):
        folder = question(shop, name, tiny(tmp_path), "0")
        (folder / "view-0.mp4").write_bytes(bytes(1000))
        if name != "asked":
            (folder / "views.json").touch()
    monkeypatch.setattr(looking, "SHARE", 0.0)
    assert hold_quota(shop.place.settings) == 2
    assert [folder.name for folder in shop.place.settings.views_dir.iterdir()] == ["asked"]
