"""A data set is prepared from the page: named, checked, encoded, told of, registered, and opened."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Lab
from tests.videos import encode, numbered_frames

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]
SHOTS = Path(__file__).parents[2] / "test-results"


def downloaded(lab: Lab) -> None:
    """Two classes of two splits, as a person unpacked them; one file did not survive."""
    root = lab.stack.settings.home / "data" / "downloads"
    for split in ("train", "val"):
        for label in ("left", "right"):
            for number in range(2):
                encode(root / split / label / f"{number}.avi", numbered_frames(20), codec="mpeg4")
    (root / "train" / "left" / "broken.avi").write_bytes(b"not a video")


def test_prepare_a_data_set_from_the_page(lab: Lab, page: Page) -> None:
    downloaded(lab)
    page.goto("/datasets")
    page.get_by_role("button", name="Prepare a data set").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Data set").click()
    page.get_by_role("option", name="UCF101").click()
    expect(dialog.get_by_text(re.compile("ucfTrainTestlist/classInd.txt"))).to_be_visible()
    dialog.get_by_role("combobox", name="Data set").click()
    page.get_by_role("option", name="Any folder of videos").click()
    dialog.get_by_label("Folder of what was downloaded").fill("nowhere")
    dialog.get_by_label("New folder").fill("prepared")
    dialog.get_by_label("Name of the data set").fill("prepared videos")
    dialog.get_by_text("Encoded smaller").click()
    dialog.get_by_label("Short side, pixels").fill("48")
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / "prepare-dialog.png")
    dialog.get_by_role("button", name="Prepare", exact=True).click()
    expect(dialog.get_by_text(re.compile("There is no folder nowhere"))).to_be_visible()
    dialog.get_by_label("Folder of what was downloaded").fill("downloads")
    dialog.get_by_role("button", name="Prepare", exact=True).click()
    expect(dialog).to_be_hidden(timeout=30_000)
    row = page.get_by_role("article", name="prepared videos")
    expect(row.get_by_text("8 files were made, 0 were there already, 1 cannot be used.")).to_be_visible(
        timeout=90_000
    )
    row.get_by_text("Files that cannot be used").click()
    expect(row.get_by_text("train/left/broken.avi")).to_be_visible()
    page.screenshot(path=SHOTS / "prepared.png")
    row.get_by_role("link", name="prepared videos").click()
    expect(page.get_by_text("8 videos in 2 classes")).to_be_visible(timeout=60_000)
