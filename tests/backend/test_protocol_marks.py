"""Where a protocol differs from a published one: every field that the source tells, and none that it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.results.grids import printed, said
from backend.results.groups import _SPLIT
from backend.results.paper import FIELDS, _named, _views, differences
from backend.results.views import Measured
from sce.results import Protocol, published_tables

WHOLE = Protocol(
    trunk="r3d50",
    pretrained_on="Kinetics-400",
    epochs=200,
    frames=8,
    views="2 x 224",
    clips=10,
    crops=3,
    splits=1,
)
OTHER = {
    "trunk": "r3d18", "pretrained_on": "demo", "epochs": 100, "frames": 16, "views": "2 x 112", "clips": 1,
    "crops": 1, "splits": 3,
}  # fmt: skip
CELL = Measured(mean=60, std=10, n=3, splits=None, failed=0, asked=3, run_ids=[])


def test_a_protocol_agrees_with_itself() -> None:
    assert list(differences(WHOLE, WHOLE)) == []


@pytest.mark.parametrize("name", OTHER)
def test_each_field_alone_is_told_with_both_values(name: str) -> None:
    own = WHOLE.model_copy(update={name: OTHER[name]})
    assert list(differences(WHOLE, own)) == [
        f"{FIELDS[name]}: published {getattr(WHOLE, name)}, here {OTHER[name]}"
    ]


@given(st.sets(st.sampled_from(sorted(OTHER))))
def test_what_the_source_does_not_say_is_never_held_against_us(silent: set[str]) -> None:
    published = WHOLE.model_copy(update=dict.fromkeys(silent))
    own = WHOLE.model_copy(update=OTHER)
    assert len(list(differences(published, own))) == len(OTHER) - len(silent)


def test_what_we_do_not_know_of_ours_is_a_difference_too() -> None:
    own = WHOLE.model_copy(update={"epochs": None})
    assert list(differences(WHOLE, own)) == ["pretraining epochs: published 200, here not known"]


def test_every_field_of_a_protocol_has_its_words() -> None:
    assert FIELDS.keys() == Protocol.model_fields.keys()


@pytest.mark.parametrize(
    ("sizes", "words"),
    [([224, 224], "2 x 224"), ([224, 224, 192, 160, 128, 96], "2 x 224 + 192 + 160 + 128 + 96"),
     ([32], "32"), ([], None)],
)  # fmt: skip
def test_views_are_written_as_the_tables_write_them(sizes: list[int], words: str | None) -> None:
    assert _views([{"size": size} for size in sizes]) == words


def test_published_views_are_written_that_way() -> None:
    told = {row.protocol.views for table in published_tables() for row in table.rows} - {None}
    assert told == {"2 x 224", "2 x 224 + 192 + 160 + 128 + 96"}


@pytest.mark.parametrize(
    ("root", "name"),
    [("/data/k400/", "Kinetics-400"), ("/data/demo", "demo"), ("ImageNet", "ImageNet"), ("", None)],
)
def test_pretraining_data_goes_by_its_folder(root: str, name: str | None) -> None:
    assert _named(root) == name


@pytest.mark.parametrize(
    ("split", "stem", "number"),
    [
        ("test1", "test", "1"),
        ("testlist01", "testlist", "1"),
        ("val_3", "val", "3"),
        ("train-02", "train", "2"),
    ],
)
def test_numbered_splits_are_told_from_their_name(split: str, stem: str, number: str) -> None:
    found = _SPLIT.match(split)
    assert found is not None
    assert (found[1], found[2]) == (stem, number)


def test_a_split_without_number_is_its_own() -> None:
    assert _SPLIT.match("val") is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "60.0 ± 10.0 (n = 3)"),
        ({"std": None, "n": 1}, "60.0 (n = 1)"),
        ({"splits": 3}, "60.0 ± 10.0 (n = 3, 3 splits)"),
        ({"failed": 1, "asked": 4}, "60.0 ± 10.0 (n = 3, 1 of 4 failed)"),
        ({"reasons": ["epochs"]}, "60.0 ± 10.0* (n = 3)"),
        ({"mean": None, "std": None, "n": 0}, ""),
        ({"mean": None, "std": None, "n": 0, "failed": 3}, "3 of 3 failed"),
    ],
)
def test_a_cell_in_words_hides_nothing(changes: dict[str, object], words: str) -> None:
    assert said(CELL.model_copy(update=changes)) == words


def test_no_cell_is_an_empty_one() -> None:
    assert said(None) == ""


def test_published_digits_are_kept() -> None:
    assert [printed(value) for value in (43.0, 67.6, 76.14, 84.6)] == ["43.0", "67.6", "76.14", "84.6"]
