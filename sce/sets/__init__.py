"""The catalogue of data sets: what must be downloaded by hand, where it goes, what a whole one holds. Data only."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class UnknownSet(ValueError):
    """No data set of that name is in the catalogue; the message suggests the nearest."""


class Download(BaseModel):
    """One thing to fetch by hand. ``where`` is its place below the source folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    url: str
    where: str
    optional: bool = False


class DataSet(BaseModel):
    """A data set as its makers hand it out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    kind: Literal["video", "image"]
    num_classes: int
    """0 where anything goes."""
    items: dict[str, int]
    """Official size of each split."""
    splits: tuple[str, ...]
    """Splits without which it is not whole."""
    downloads: tuple[Download, ...]
    class_list: str = ""
    """Names of the classes that are taken of a larger set: shipped here, or put beside the folders."""
    short_side: int | None = None
    """Short side that the published recipes re-encode to."""
    fps: float | None = None
    """Rate at which the published recipes cut frames."""
    shrinks: bool = False
    """Its videos vanish from the internet: fewer than the official number is no fault."""
    is_binary: bool = False
    """Its pictures lie in large binary files, which are written as image folders once."""


@cache
def all_sets() -> tuple[DataSet, ...]:
    text = files(__package__).joinpath("sets.yaml").read_text(encoding="utf-8")
    return tuple(DataSet.model_validate(row) for row in yaml.safe_load(text))


def find_set(name: str) -> DataSet:
    """Raises UnknownSet."""
    by_name = {one.name: one for one in all_sets()}
    if name in by_name:
        return by_name[name]
    near = get_close_matches(name.lower().replace("_", "").replace("-", ""), by_name, 1, 0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(by_name)}."
    raise UnknownSet(f"There is no data set {name!r} in the catalogue. {hint}")


def shipped_classes(one: DataSet) -> tuple[str, ...]:
    """The class list that comes with us; nothing where the user brings it."""
    file = files(__package__).joinpath(one.class_list) if one.class_list else None
    return tuple(file.read_text(encoding="utf-8").split()) if file is not None and file.is_file() else ()


def instructions(one: DataSet) -> str:
    """What to fetch and where to put it, for a terminal."""
    lines = [f"{one.title} is downloaded by hand; nothing is fetched for you. Put below SRC:"]
    for number, download in enumerate(one.downloads, 1):
        optional = " (may be left out)" if download.optional else ""
        lines.append(f"  {number}. {download.what}{optional}")
        lines += [f"     from {download.url}"] if download.url else []
        lines.append(f"     to   SRC/{download.where}")
    return "\n".join(lines)
