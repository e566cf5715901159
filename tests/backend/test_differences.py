"""What a definition changed, in the words of its fields."""

import pytest

from backend.runs.differences import differences, differences_to_recipe

RECIPE = {"data": {"root": "demo", "num_frames": 8}, "views": {"views": [{"size": 64}, {"size": 64}]}}


def test_only_what_differs_is_listed_by_its_path() -> None:
    after = {"data": {"root": "demo", "num_frames": 16}, "views": {"views": [{"size": 64}, {"size": 48}]}}
    changes = [(change.field, change.before, change.after) for change in differences(RECIPE, after)]
    assert changes == [("data.num_frames", 8, 16), ("views.views.1.size", 64, 48)]


def test_a_field_that_one_side_lacks_is_none_there() -> None:
    (change,) = differences({"method": {"kind": "sce"}}, {"method": {"kind": "sce", "contrast": 0.5}})
    assert (change.field, change.before, change.after) == ("method.contrast", None, 0.5)


@pytest.mark.parametrize("found", ["/srv/data/demo", "/home/demo"])
def test_a_recipes_folder_is_the_same_once_it_is_found(found: str) -> None:
    after = {**RECIPE, "data": {"root": found, "num_frames": 8}}
    assert differences_to_recipe(RECIPE, after) == []


@pytest.mark.parametrize("other", ["/srv/data/kinetics400", "/srv/demo/other", "demo2"])
def test_another_folder_is_a_difference(other: str) -> None:
    after = {**RECIPE, "data": {"root": other, "num_frames": 8}}
    assert [change.field for change in differences_to_recipe(RECIPE, after)] == ["data.root"]
