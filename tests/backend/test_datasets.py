"""Data sets: which folders may be one, what an index leaves in the record, and how it is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from edge_fixtures import Lab
from sqlalchemy.orm import Session

from backend.datasets import service
from backend.datasets.lookups import items_at, split_sizes
from backend.datasets.service import IndexData, ItemData
from backend.errors import Invalid

pytest_plugins = ["edge_fixtures"]


def item(path: str, label: int | None = 0, **more: Any) -> ItemData:
    probed = {"num_frames": 48, "fps": 12.0, "duration_s": 4.0, "width": 64, "height": 48, "bytes": 1000}
    return ItemData(path=path, label=label, **{**probed, "codec": "h264", **more})  # type: ignore[typeddict-item]  # a test's shorthand


def index(
    splits: dict[str, Sequence[ItemData]],
    *,
    unreadable: Sequence[tuple[str, str, str]] = (),
    mark: str = "one",
) -> IndexData:
    broken = [{"path": path, "split": split, "reason": reason} for path, split, reason in unreadable]
    return IndexData(classes=["bend", "jump"], splits=splits, unreadable=broken, fingerprint=mark)  # type: ignore[typeddict-item]  # plain dicts


FIRST = index(
    {
        "train": [item("train/bend/a.mp4"), item("train/jump/b.mp4", 1), item("train/jump/c.mp4", 1)],
        "val": [item("val/bend/d.mp4")],
    },
    unreadable=[("train/bend/torn.mp4", "train", "It has no video stream.")],
)


def folder(lab: Lab, name: str = "clips") -> Path:
    path = lab.settings.roots[1] / name
    path.mkdir()
    return path


def registered(lab: Lab, index: IndexData | None = FIRST) -> int:
    """A data set that was registered, and indexed if there is an index."""
    with lab.sessions.begin() as db:
        dataset = service.register(db, lab.settings, name="clips", root=str(folder(lab)), kind="video")
        if index is not None:
            service.begin_index(db, dataset_id=dataset.id)
            service.store_index(db, dataset_id=dataset.id, index=index)
        return dataset.id


def ids_by_path(db: Session, dataset_id: int) -> dict[str, int]:
    whole = dict.fromkeys(("split", "label", "unreadable", "q"))
    items, _ = service.list_items(db, dataset_id=dataset_id, page=1, size=200, **whole)
    return {item.path: item.id for item in items}


# -- which folders


def test_a_relative_folder_is_looked_up_in_the_data_roots(lab: Lab) -> None:
    assert service.resolve_root(lab.settings, folder(lab).name) == folder_of(lab, "clips")


def folder_of(lab: Lab, name: str) -> Path:
    return (lab.settings.roots[1] / name).resolve()


def test_a_link_inside_a_root_to_a_folder_inside_is_followed(lab: Lab) -> None:
    (lab.settings.roots[1] / "link").symlink_to(folder(lab))
    assert service.resolve_root(lab.settings, "link") == folder_of(lab, "clips")


@pytest.mark.parametrize("root", ["..", "clips/../../..", "/etc", "/", "a/../../roots-of-others", "~root"])
def test_a_folder_under_no_data_root_is_refused(lab: Lab, root: str) -> None:
    folder(lab)
    with pytest.raises(Invalid) as caught:
        service.resolve_root(lab.settings, root)
    assert set(caught.value.fields) == {"root"}


def test_a_folder_beside_a_root_with_a_longer_name_is_refused(lab: Lab) -> None:
    beside = Path(f"{lab.settings.roots[1]}-of-others")
    beside.mkdir()
    with pytest.raises(Invalid, match="SCELAB_DATA_ROOTS"):
        service.resolve_root(lab.settings, str(beside))


def test_a_link_that_leads_out_of_a_root_is_refused(lab: Lab) -> None:
    (lab.settings.roots[1] / "out").symlink_to("/etc")
    with pytest.raises(Invalid, match="no folder out"):
        service.resolve_root(lab.settings, "out")


@pytest.mark.parametrize("root", ["nothing", "x" * 300, "a\x00b"])
def test_a_folder_that_is_none_is_refused(lab: Lab, root: str) -> None:
    with pytest.raises(Invalid):
        service.resolve_root(lab.settings, root)


@pytest.mark.parametrize("root", ["../..", "/etc", "out", "..%2f..", "file:///etc", "%2e%2e"])
def test_the_api_refuses_it_at_the_field(lab: Lab, root: str) -> None:
    (lab.settings.roots[1] / "out").symlink_to("/etc")
    answer = lab.admin.post("/api/v1/datasets", json={"name": "etc", "root": root})
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"] == "root"


@pytest.mark.parametrize("name", ["../x", "<script>", "a/b", "", " lead", "x" * 129, "a\nb"])
def test_a_name_is_a_plain_name(lab: Lab, name: str) -> None:
    folder(lab)
    answer = lab.admin.post("/api/v1/datasets", json={"name": name, "root": "clips"})
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"] == "name"


# -- its life


def test_a_registered_folder_waits_for_its_index(lab: Lab) -> None:
    folder(lab)
    answer = lab.admin.post("/api/v1/datasets", json={"name": "clips", "root": "clips"})
    assert answer.status_code == 201
    assert answer.json()["state"] == "waiting"
    assert answer.json()["root"] == str(folder_of(lab, "clips"))


@pytest.mark.parametrize(("name", "root", "field"), [("clips", "other", "name"), ("again", "clips", "root")])
def test_a_name_or_folder_is_taken_once(lab: Lab, name: str, root: str, field: str) -> None:
    registered(lab)
    folder(lab, "other")
    answer = lab.admin.post("/api/v1/datasets", json={"name": name, "root": root})
    assert answer.status_code == 409
    assert [one["field"] for one in answer.json()["fields"]] == [field]


def test_only_one_worker_indexes_a_data_set(lab: Lab) -> None:
    dataset_id = registered(lab, index=None)
    with lab.sessions.begin() as db:
        assert service.begin_index(db, dataset_id=dataset_id) is not None
        assert service.begin_index(db, dataset_id=dataset_id) is None


def test_a_data_set_that_is_being_indexed_is_not_indexed_again(lab: Lab) -> None:
    dataset_id = registered(lab, index=None)
    with lab.sessions.begin() as db:
        service.begin_index(db, dataset_id=dataset_id)
    assert lab.admin.post(f"/api/v1/datasets/{dataset_id}/index").status_code == 409


def test_an_index_that_ended_without_a_word_is_done_again(lab: Lab) -> None:
    dataset_id = registered(lab, index=None)
    with lab.sessions.begin() as db:
        service.begin_index(db, dataset_id=dataset_id)
        service.put_back(db, dataset_id=dataset_id)
        assert service.ids_in(db, "waiting") == [dataset_id]


def test_a_failed_index_says_why_and_may_be_tried_again(lab: Lab) -> None:
    dataset_id = registered(lab, index=None)
    with lab.sessions.begin() as db:
        service.index_failed(db, dataset_id=dataset_id, sentence="The folder is empty.")
    shown = lab.admin.get(f"/api/v1/datasets/{dataset_id}").json()
    assert (shown["state"], shown["failure"]) == ("failed", "The folder is empty.")
    again = lab.admin.post(f"/api/v1/datasets/{dataset_id}/index").json()
    assert (again["state"], again["failure"]) == ("waiting", None)


# -- what is read


def test_a_data_set_is_counted_by_split_and_class(lab: Lab) -> None:
    shown = lab.admin.get(f"/api/v1/datasets/{registered(lab)}").json()
    assert (shown["state"], shown["num_items"], shown["num_unreadable"]) == ("ready", 4, 1)
    assert shown["splits"] == [
        {"name": "train", "num_items": 3, "num_unreadable": 1, "duration_s": 12.0, "bytes": 3000},
        {"name": "val", "num_items": 1, "num_unreadable": 0, "duration_s": 4.0, "bytes": 1000},
    ]
    assert shown["classes"] == [
        {"name": "bend", "label": 0, "counts": {"train": 1, "val": 1}},
        {"name": "jump", "label": 1, "counts": {"train": 2}},
    ]


def test_items_come_by_split_and_position_the_unreadable_last(lab: Lab) -> None:
    page = lab.admin.get(f"/api/v1/datasets/{registered(lab)}/items?split=train").json()
    assert [one["path"].rpartition("/")[2] for one in page["items"]] == [
        "a.mp4",
        "b.mp4",
        "c.mp4",
        "torn.mp4",
    ]
    assert page["items"][0]["class_name"] == "bend"
    assert page["items"][3]["unreadable"] == "It has no video stream."


@pytest.mark.parametrize(
    ("asked", "paths"),
    [
        ("label=1", {"b.mp4", "c.mp4"}),
        ("unreadable=true", {"torn.mp4"}),
        ("unreadable=false&split=val", {"d.mp4"}),
        ("q=JUMP/c", {"c.mp4"}),
        ("q=%25", set()),
        ("q=_.mp4", set()),
        ("split=none", set()),
    ],
)
def test_items_are_filtered(lab: Lab, asked: str, paths: set[str]) -> None:
    page = lab.admin.get(f"/api/v1/datasets/{registered(lab)}/items?{asked}").json()
    assert {one["path"].rpartition("/")[2] for one in page["items"]} == paths
    assert page["total"] == len(paths)


def test_items_come_a_page_at_a_time(lab: Lab) -> None:
    page = lab.admin.get(f"/api/v1/datasets/{registered(lab)}/items?page=2&size=2").json()
    assert [one["path"].rpartition("/")[2] for one in page["items"]] == ["c.mp4", "torn.mp4"]
    assert page["total"] == 5


def test_a_retrieval_finds_items_by_their_position(lab: Lab) -> None:
    dataset_id = registered(lab)
    with lab.sessions.begin() as db:
        found = items_at(db, dataset_id, "train", [0, 2, 99])
        assert {position: row.path for position, row in found.items()} == {
            0: "train/bend/a.mp4",
            2: "train/jump/c.mp4",
        }
        assert split_sizes(db, dataset_id) == {"train": 3, "val": 1}


# -- indexed again


def test_items_that_did_not_change_keep_their_numbers_though_positions_move(lab: Lab) -> None:
    dataset_id = registered(lab)
    turned = index({"train": list(reversed(FIRST["splits"]["train"])), "val": []}, mark="two")
    with lab.sessions.begin() as db:
        before = ids_by_path(db, dataset_id)
        service.store_index(db, dataset_id=dataset_id, index=turned)
        after = ids_by_path(db, dataset_id)
        assert items_at(db, dataset_id, "train", [0])[0].path == "train/jump/c.mp4"
    assert after == {
        path: number for path, number in before.items() if path.startswith("train/") and "torn" not in path
    }


def test_a_file_that_changed_is_a_new_item_with_a_number_never_used(lab: Lab) -> None:
    dataset_id = registered(lab)
    changed = index({"train": [], "val": [item("val/bend/d.mp4", bytes=2000)]}, mark="two")
    with lab.sessions.begin() as db:
        before = ids_by_path(db, dataset_id)
        service.store_index(db, dataset_id=dataset_id, index=changed)
        after = ids_by_path(db, dataset_id)
    assert set(after) == {"val/bend/d.mp4"}
    assert after["val/bend/d.mp4"] > max(before.values())


def test_a_list_that_names_a_file_twice_keeps_both(lab: Lab) -> None:
    twice = index({"train": [item("a.mp4"), item("a.mp4")]}, mark="twice")
    dataset_id = registered(lab, index=twice)
    longer = index({"train": [item("b.mp4"), item("a.mp4"), item("a.mp4")]}, mark="longer")
    with lab.sessions.begin() as db:
        service.store_index(db, dataset_id=dataset_id, index=longer)
        assert {row.path for row in items_at(db, dataset_id, "train", [1, 2]).values()} == {"a.mp4"}
        assert split_sizes(db, dataset_id) == {"train": 3}
