"""Published numbers: as printed, each with its protocol, none of them doubtful."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

import sce.results
from sce.results import Protocol, Table, published_as, published_tables

TABLES = {table.name: table for table in published_tables()}
MULTI = "2 x 224 + 192 + 160 + 128 + 96"


def value(table: str, method: str, column: str, label: str = "") -> float:
    found = [row for row in TABLES[table].rows if (row.method, row.label) == (method, label)]
    assert len(found) == 1
    return found[0].values[column]


@pytest.mark.parametrize(
    ("label", "top1"),
    [("100 epochs", 72.1), ("200 epochs", 72.7), ("300 epochs", 73.3), ("1000 epochs", 74.1),
     ("200 epochs, multi-crop", 75.4)],
)  # fmt: skip
def test_imagenet_linear_numbers_are_the_published_ones(label: str, top1: float) -> None:
    assert value("imagenet-linear", "SCE", "linear", label) == top1


@pytest.mark.parametrize(
    ("label", "numbers"),
    [("8 frames", (67.6, 94.1, 81.5, 70.5, 43.0)), ("16 frames", (69.6, 95.3, 83.9, 74.7, 45.9))],
)
def test_video_numbers_are_the_published_ones(label: str, numbers: tuple[float, ...]) -> None:
    columns = [column.key for column in TABLES["video-r3d50"].columns]
    assert tuple(value("video-r3d50", "SCE", key, label) for key in columns) == numbers


@pytest.mark.parametrize("method", ["SimCLR", "BYOL", "NNCLR", "SCE", "Supervised"])
def test_a_transfer_rows_average_is_that_of_its_eleven_sets(method: str) -> None:
    """A digit that was copied wrongly would move it."""
    (row,) = [row for row in TABLES["image-transfer"].rows if row.method == method]
    sets = [number for key, number in row.values.items() if key != "avg"]
    assert len(sets) == 11
    assert sum(sets) / 11 == pytest.approx(row.values["avg"], abs=0.06)


def test_the_others_tables_have_the_published_corners() -> None:
    assert value("voc-svm", "WCL", "k16") == 80.24
    assert value("voc-svm", "SCE", "full", "200 epochs, multi-crop") == 88.24
    assert value("coco", "Truncated-Triplet", "box") == 41.7
    assert value("coco", "SCE", "mask", "200 epochs, multi-crop") == 36.0


def test_every_table_names_its_source_and_is_whole() -> None:
    for table in published_tables():
        assert "arXiv" in table.source
        for row in table.rows:
            assert row.values.keys() == {column.key for column in table.columns}, (table.name, row.method)


def test_nothing_doubtful_is_shown() -> None:
    for file in Path(sce.results.__file__).parent.glob("*.yaml"):
        assert "?" not in file.read_text(), file.name
        assert "CVRL" not in file.read_text(), "its protocol was never read again"


def test_a_numbers_protocol_is_its_columns_over_its_rows_over_its_tables() -> None:
    table = TABLES["video-r3d50"]
    whole = table.protocol_of(table.rows[1], table.columns[2])
    expected = {"trunk": "r3d50", "pretrained_on": "Kinetics-400", "epochs": 200, "frames": 16}
    assert whole == Protocol(**expected, clips=10, crops=3, splits=1)
    assert (
        TABLES["imagenet-linear"].protocol_of(TABLES["imagenet-linear"].rows[4], table.columns[0]).views
        == MULTI
    )


def table_of(**changes: object) -> Table:
    column = {"key": "a", "label": "A", "kind": "linear", "dataset": "UCF101", "metric": "top1"}
    row = {"method": "SCE", "values": {"a": 50}}
    whole = {"name": "t", "title": "T", "source": "s", "protocol": {}, "columns": [column], "rows": [row]}
    return Table.model_validate(yaml.safe_load(yaml.safe_dump({**whole, **changes})))


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": [{"method": "SCE", "values": {"b": 50}}]},
        {"rows": [{"method": "SCE", "values": {"a": 101}}]},
        {"rows": []},
        {"protocol": {"epoch": 5}},
    ],
)
def test_a_table_that_is_not_whole_is_refused(changes: dict[str, object]) -> None:
    table_of()
    with pytest.raises(ValidationError):
        table_of(**changes)


@pytest.mark.parametrize(
    ("ours", "known"),
    [("ucf101", "UCF101"), ("UCF-101", "UCF101"), ("K400", "Kinetics-400"), ("kinetics_400", "Kinetics-400"),
     ("digits", None), ("", None)],
)  # fmt: skip
def test_a_laboratorys_name_of_a_data_set_is_understood(ours: str, known: str | None) -> None:
    assert published_as(ours) == known


# What an evaluation writes into its result, by its kind.
WRITTEN = {
    "linear": r"top1|top5|best_top1",
    "finetune": r"top1|top5|best_top1",
    "retrieval": r"R@\d+",
    "svm": r"mAP@(\d+|full)",
    "transfer": r"top1|mean_per_class",
}
NOT_MEASURED = {"avg", "voc07", "box", "mask"}
"""Means of several sets, and what other code bases measure."""


def test_a_columns_number_is_one_that_its_evaluation_writes() -> None:
    """A column of another name would stay empty whatever was run."""
    asked = [one for table in published_tables() for one in table.columns if one.key not in NOT_MEASURED]
    assert [one.key for one in asked if not re.fullmatch(WRITTEN[one.kind], one.metric)] == []
