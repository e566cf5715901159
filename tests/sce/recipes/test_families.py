"""The families of views, against the table of augmentations, and how a recipe takes one."""

import pytest

from sce.definition import View, Views
from sce.recipes import UnknownFamily, family_names, load_family

IMAGES, VIDEOS = (0.2, 1.0), (0.2, 0.766)
PLAIN, WEAK = (0.4, 0.4, 0.2, 0.1), None
STRONG, MOCO = (0.8, 0.8, 0.4, 0.2), (0.4, 0.4, 0.4, 0.1)
# A row a view: size, scale, jitter, grey, blur, solarize. All flip with probability 0.5.
TABLE = {
    "A-img": [(224, IMAGES, PLAIN, 0.2, 1.0, 0.0), (224, IMAGES, PLAIN, 0.2, 0.1, 0.2)],
    "A-img6": [
        (224, IMAGES, PLAIN, 0.2, 1.0, 0.0),
        (224, IMAGES, PLAIN, 0.2, 0.1, 0.2),
        (192, (0.172, 0.86), PLAIN, 0.2, 0.5, 0.2),
        (160, (0.143, 0.715), PLAIN, 0.2, 0.5, 0.2),
        (128, (0.114, 0.571), PLAIN, 0.2, 0.5, 0.2),
        (96, (0.086, 0.429), PLAIN, 0.2, 0.5, 0.2),
    ],
    "A-dino": [
        (224, (0.14, 1.0), PLAIN, 0.2, 1.0, 0.0),
        (224, (0.14, 1.0), PLAIN, 0.2, 0.1, 0.2),
        *[(96, (0.05, 0.14), PLAIN, 0.2, 0.5, 0.2)] * 8,
    ],
    "A-vit": [
        (224, (0.4, 1.0), PLAIN, 0.2, 1.0, 0.0),
        (224, (0.4, 1.0), PLAIN, 0.2, 0.1, 0.2),
        *[(96, (0.05, 0.4), PLAIN, 0.2, 0.5, 0.2)] * 10,
    ],
    "A-mocov2": [(224, IMAGES, MOCO, 0.2, 0.5, 0.0)] * 2,
    "A-weak-strong": [(224, IMAGES, WEAK, 0.0, 0.0, 0.0), (224, IMAGES, PLAIN, 0.2, 0.5, 0.0)],
    "A-cifar": [(32, IMAGES, WEAK, 0.0, 0.0, 0.0), (32, IMAGES, MOCO, 0.2, 0.5, 0.0)],
    "B-base": [(224, VIDEOS, PLAIN, 0.2, 1.0, 0.0), (224, VIDEOS, PLAIN, 0.2, 0.1, 0.2)],
    "B-strong": [(224, VIDEOS, STRONG, 0.2, 1.0, 0.0), (224, VIDEOS, STRONG, 0.2, 0.1, 0.2)],
    "B-4views": [
        (224, VIDEOS, STRONG, 0.2, 1.0, 0.0),
        (224, VIDEOS, STRONG, 0.2, 0.1, 0.2),
        (224, VIDEOS, STRONG, 0.2, 0.5, 0.2),
        (224, VIDEOS, STRONG, 0.2, 0.5, 0.2),
    ],
}


def row_of_view(view: View) -> tuple[object, ...]:
    """The view in the columns of the table."""
    jitter = view.jitter
    factors = (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
    shown = factors if jitter.p else None
    return (view.size, view.scale, shown, view.grey_p, view.blur_p, view.solarize_p)


@pytest.mark.parametrize("name", family_names())
def test_a_family_is_the_row_of_its_table(name: str) -> None:
    views = Views.model_validate(load_family(name)).views
    assert [row_of_view(view) for view in views] == TABLE[name]
    assert {view.jitter.p for view in views} <= {0.0, 0.8}
    assert {(view.flip_p, view.ratio, view.blur_kernel) for view in views} == {(0.5, (0.75, 1.3333), 23)}


def test_images_and_videos_have_their_own_colours() -> None:
    for name in family_names():
        mean = load_family(name)["mean"][0]
        expected = 0.4914 if name == "A-cifar" else 0.485 if name.startswith("A-") else 0.45
        assert mean == expected


def test_an_unknown_family_is_told_with_the_nearest_name() -> None:
    with pytest.raises(UnknownFamily, match="Did you mean 'B-strong'"):
        load_family("B-stronk")
