"""The digits of scikit-learn as an image folder."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sce.data.digits import SIDE, make_digits
from sce.data.index import load_index


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    make_digits(folder)
    return folder


def test_all_digits_are_there_with_a_fifth_to_score(digits: Path) -> None:
    index = load_index(digits)
    assert index.kind == "image"
    assert index.classes == tuple("0123456789")
    assert (len(index.splits["train"]), len(index.splits["val"])) == (1438, 359)
    assert not index.unreadable


def test_a_picture_is_a_grown_scan(digits: Path) -> None:
    picture = np.asarray(Image.open(next((digits / "train" / "0").iterdir())))
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.max() > 200


def test_making_them_again_changes_nothing(digits: Path) -> None:
    before = {file: file.read_bytes() for file in digits.rglob("*.png")}
    make_digits(digits)
    assert {file: file.read_bytes() for file in digits.rglob("*.png")} == before
