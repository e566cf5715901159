"""How two definitions differ, field by field."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from backend.runs.views import Change


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[Change]:
    """Fields that differ, by dotted path, in the order of ``after``; a field that is missing is None."""
    old, new = dict(leaves(before)), dict(leaves(after))
    paths = [*new, *(path for path in old if path not in new)]
    return [
        Change(field=path, before=old.get(path), after=new.get(path))
        for path in paths
        if old.get(path) != new.get(path)
    ]


def differences_to_recipe(recipe: Mapping[str, object], after: Mapping[str, object]) -> list[Change]:
    """As ``differences``; a recipe's relative data folder is no other one once it is found under a data root."""
    return [change for change in differences(recipe, after) if not _is_found_root(change)]


def _is_found_root(change: Change) -> bool:
    if not change.field.endswith("data.root") or not isinstance(change.before, str):
        return False
    asked, found = PurePath(change.before), PurePath(str(change.after))
    return not asked.is_absolute() and found.parts[-len(asked.parts) :] == asked.parts


def leaves(tree: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value that holds no further ones, with its dotted path."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list | tuple) and tree and not _is_plain(tree):
        for number, value in enumerate(tree):
            yield from leaves(value, f"{path}.{number}")
    else:
        yield path, list(tree) if isinstance(tree, tuple) else tree


def _is_plain(values: Sequence[object]) -> bool:
    """A list of numbers or words is read as one value, such as a range or the ranks of a retrieval."""
    return not any(isinstance(value, Mapping | list | tuple) for value in values)
