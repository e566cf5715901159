"""Published results, as data: each number with its protocol and where it was read. Nothing here is remembered.

A table file holds ``title``, ``source``, the ``protocol`` that its rows share, its ``columns`` and its ``rows``.
A row may change parts of the protocol. Values are percent, as printed.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

FOLDER = Path(__file__).parent

Percent = Annotated[float, Field(ge=0, le=100)]
Kind = Literal["linear", "finetune", "retrieval", "knn", "svm", "transfer", "detection"]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Protocol(_Fact):
    """What two numbers must share to be compared. None is what the source does not say."""

    trunk: Literal["r18", "r50", "r3d18", "r3d50"] | None = None
    pretrained_on: str | None = None
    epochs: PositiveInt | None = None
    """Epochs of the pretraining."""
    frames: PositiveInt | None = None
    """Frames of a clip."""
    views: str | None = None
    """Views of pretraining, as in '2 x 224'."""
    clips: PositiveInt | None = None
    """Clips of a scored video."""
    crops: PositiveInt | None = None
    """Crops of a scored clip."""
    splits: PositiveInt | None = None
    """Splits that the number is the mean of."""


class Column(_Fact):
    """One measured thing."""

    key: str
    label: str
    kind: Kind
    dataset: str
    """Its name in ``DATASETS``."""
    metric: str
    """Its name in our evaluations' scores, as in top1 or R@1."""
    protocol: Protocol = Protocol()
    """What this column changes of the table's protocol."""


class Row(_Fact):
    """One line of a published table."""

    method: str
    """Name as printed."""
    family: str | None = None
    """Our name of the method, when it is one that SCE Lab trains."""
    label: str = ""
    """What sets this line apart from the method's others, as in '16 frames'."""
    protocol: Protocol = Protocol()
    values: dict[str, Percent] = Field(min_length=1)
    """Percent, by column."""


class Table(_Fact):
    """A published table."""

    name: str
    title: str
    source: str
    protocol: Protocol
    columns: tuple[Column, ...] = Field(min_length=1)
    rows: tuple[Row, ...] = Field(min_length=1)
    tolerance: PositiveFloat | None = None
    """Points by which a reproduction may differ, where that is known."""

    @model_validator(mode="after")
    def _values_have_columns(self) -> "Table":
        keys = [column.key for column in self.columns]
        if len(set(keys)) != len(keys):
            raise ValueError("each column's key is its own")
        for row in self.rows:
            if strange := row.values.keys() - set(keys):
                raise ValueError(f"{row.method} has values of no column: {', '.join(sorted(strange))}")
        for column in self.columns:
            if column.dataset not in DATASETS:
                raise ValueError(
                    f"column {column.key} names the data set {column.dataset}, which is not known"
                )
        return self

    def protocol_of(self, row: Row, column: Column) -> Protocol:
        """The whole protocol of one number: the column's over the row's over the table's."""
        parts = [
            part.model_dump(exclude_none=True) for part in (self.protocol, row.protocol, column.protocol)
        ]
        merged: dict[str, Any] = {}
        for part in parts:
            merged |= part
        return Protocol(**merged)


# Names that a laboratory may give to the same data, reduced to letters and digits.
DATASETS: dict[str, tuple[str, ...]] = {
    "ImageNet": ("imagenet", "imagenet1k", "in1k", "ilsvrc2012"),
    "Kinetics-400": ("kinetics400", "k400"),
    "Kinetics-200": ("kinetics200", "k200", "minikinetics", "minikinetics200"),
    "UCF101": ("ucf101", "ucf"),
    "HMDB51": ("hmdb51", "hmdb"),
    "Food101": ("food101",),
    "CIFAR-10": ("cifar10",),
    "CIFAR-100": ("cifar100",),
    "SUN397": ("sun397",),
    "Stanford Cars": ("cars", "stanfordcars"),
    "FGVC Aircraft": ("aircraft", "fgvcaircraft"),
    "VOC2007": ("voc2007", "voc07"),
    "DTD": ("dtd",),
    "Oxford Pets": ("pets", "oxfordpets"),
    "Caltech101": ("caltech101",),
    "Oxford Flowers": ("flowers", "flowers102"),
    "COCO": ("coco", "coco2017"),
    "11 sets": (),
}


def published_as(name: str) -> str | None:
    """The published name of a data set that a laboratory calls ``name``; None if it is not one of them."""
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return next((known for known, aliases in DATASETS.items() if plain in aliases), None)


@cache
def published_tables() -> tuple[Table, ...]:
    """Every table, in the order of their files."""
    files = sorted(FOLDER.glob("*.yaml"))
    return tuple(Table(name=file.stem[3:], **yaml.safe_load(file.read_text())) for file in files)
