"""Previews: played from the middle, made once, and never a way out of the data roots."""

from typing import Any

import pytest
from edge_fixtures import Lab

from backend.datasets import service
from backend.datasets.media import Asked

pytest_plugins = ["edge_fixtures"]

VIDEO = bytes(range(256)) * 40
PROBED = dict.fromkeys(("num_frames", "fps", "duration_s", "width", "height", "codec", "bytes"))


def an_item(lab: Lab, path: str = "train/a.avi", *, kind: str = "video", broken: str | None = None) -> int:
    """The number of the one item of an indexed data set."""
    root = lab.settings.roots[1] / "set"
    root.mkdir()
    item: dict[str, Any] = {"path": path, "label": 0, **PROBED}
    unreadable = [{"path": path, "split": "train", "reason": broken}] if broken else []
    splits = {"train": [] if broken else [item]}
    index = {"classes": ["one"], "splits": splits, "unreadable": unreadable, "fingerprint": "f"}
    with lab.sessions.begin() as db:
        dataset = service.register(db, lab.settings, name="set", root=str(root), kind=kind)
        service.store_index(db, dataset_id=dataset.id, index=index)  # type: ignore[arg-type]  # plain data
        whole = dict.fromkeys(("split", "label", "unreadable", "q"))
        return service.list_items(db, dataset_id=dataset.id, page=1, size=1, **whole)[0][0].id


def put_preview(lab: Lab, item_id: int, suffix: str = ".mp4", content: bytes = VIDEO) -> None:
    lab.settings.previews_dir.mkdir(parents=True)
    (lab.settings.previews_dir / f"{item_id}{suffix}").write_bytes(content)


def preview_of(item_id: int) -> str:
    return f"/api/v1/media/{item_id}/preview"


def test_a_preview_that_was_made_is_sent_whole(lab: Lab) -> None:
    item_id = an_item(lab)
    put_preview(lab, item_id)
    answer = lab.admin.get(preview_of(item_id))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")
    assert answer.content == VIDEO


def test_a_player_may_ask_for_a_part(lab: Lab) -> None:
    item_id = an_item(lab)
    put_preview(lab, item_id)
    answer = lab.admin.get(preview_of(item_id), headers={"Range": "bytes=1000-1099"})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes 1000-1099/{len(VIDEO)}"
    assert answer.content == VIDEO[1000:1100]


def test_a_part_that_is_not_there_is_refused(lab: Lab) -> None:
    item_id = an_item(lab)
    put_preview(lab, item_id)
    assert lab.admin.get(preview_of(item_id), headers={"Range": "bytes=99999-"}).status_code == 416


def test_a_preview_that_is_missing_is_asked_for_and_comes_later(lab: Lab) -> None:
    wishes: list[tuple[str, tuple[int, ...]]] = []
    lab.app.state.readers.configure(info={"publish": lambda name, args: wishes.append((name, args))})
    item_id = an_item(lab)
    answers = [lab.admin.get(preview_of(item_id)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert answers[0].headers["Retry-After"] == "1"
    assert wishes == [("worker.make_preview", (item_id,))]


def test_a_wish_is_repeated_after_a_while() -> None:
    time = [0.0]
    asked = Asked(again_after_s=15, clock=lambda: time[0])
    assert [asked.is_new(1), asked.is_new(1), asked.is_new(2)] == [True, False, True]
    time[0] = 16
    assert asked.is_new(1)


def test_a_preview_that_cannot_be_made_says_why(lab: Lab) -> None:
    item_id = an_item(lab)
    put_preview(lab, item_id, ".failed", b"The decoder broke down over it.")
    answer = lab.admin.get(preview_of(item_id))
    assert (answer.status_code, answer.json()["detail"]) == (404, "The decoder broke down over it.")


def test_an_unreadable_item_says_why(lab: Lab) -> None:
    item_id = an_item(lab, broken="It has no frames.")
    assert "It has no frames." in lab.admin.get(preview_of(item_id)).json()["detail"]


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "image/png"), (".JPG", "image/jpeg")])
def test_an_image_is_sent_as_it_is(lab: Lab, suffix: str, kind: str) -> None:
    item_id = an_item(lab, f"one{suffix}", kind="image")
    (lab.settings.roots[1] / "set" / f"one{suffix}").write_bytes(b"picture")
    answer = lab.admin.get(preview_of(item_id))
    assert (answer.content, answer.headers["Content-Type"]) == (b"picture", kind)


@pytest.mark.parametrize("suffix", [".svg", ".html", ".tif"])
def test_a_type_that_browsers_run_or_do_not_know_is_never_sent_as_it_is(lab: Lab, suffix: str) -> None:
    item_id = an_item(lab, f"one{suffix}", kind="image")
    (lab.settings.roots[1] / "set" / f"one{suffix}").write_text("<script>alert(1)</script>")
    answer = lab.admin.get(preview_of(item_id))
    assert answer.status_code == 202
    assert "script" not in answer.text


@pytest.mark.parametrize(
    "path", ["../secret.png", "/etc/secret.png", "a/../../secret.png", "link.png", "folder.png", "gone.png"]
)
def test_an_image_outside_its_data_set_is_not_there(lab: Lab, path: str) -> None:
    item_id = an_item(lab, path, kind="image")
    secret = lab.settings.roots[1] / "secret.png"
    secret.write_bytes(b"PRIVATE")
    (lab.settings.roots[1] / "set" / "link.png").symlink_to(secret)
    (lab.settings.roots[1] / "set" / "folder.png").mkdir()
    answer = lab.admin.get(preview_of(item_id))
    assert answer.status_code == 404
    assert b"PRIVATE" not in answer.content


def test_a_data_root_that_was_taken_away_shows_nothing_more(lab: Lab) -> None:
    item_id = an_item(lab, "one.png", kind="image")
    (lab.settings.roots[1] / "set" / "one.png").write_bytes(b"picture")
    lab.app.state.settings = lab.settings.model_copy(update={"data_roots": ()})
    lab.app.state.settings.__dict__.pop("roots", None)
    assert lab.admin.get(preview_of(item_id)).status_code == 404
