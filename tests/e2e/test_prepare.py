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


def ucf101(lab: Lab) -> None:
    """UCF101 as it is unpacked, three short videos a class; one is missing and one did not survive."""
    root = lab.stack.settings.home / "data" / "UCF"
    lists, names = root / "ucfTrainTestlist", [f"Class{number:03}" for number in range(101)]
    lists.mkdir(parents=True)
    numbered = "".join(f"{place} {name}\n" for place, name in enumerate(names, 1))
    (lists / "classInd.txt").write_text(numbered)
    clips = {name: [f"{name}/v_{name}_g{group:02}_c01.avi" for group in (1, 2, 3)] for name in names}
    video = encode(root / "one.avi", numbered_frames(60), codec="mpeg4").rename(root / "one").read_bytes()
    for clip in (clip for of_class in clips.values() for clip in of_class):
        (root / "UCF-101" / clip).parent.mkdir(parents=True, exist_ok=True)
        (root / "UCF-101" / clip).write_bytes(video)
    (root / "UCF-101" / clips["Class007"][1]).unlink()
    (root / "UCF-101" / clips["Class009"][1]).write_bytes(b"not a video")
    learned = [f"{clip} {place}\n" for place, name in enumerate(names, 1) for clip in clips[name][1:]]
    for split in ("01", "02", "03"):
        (lists / f"testlist{split}.txt").write_text("".join(f"{clips[name][0]}\n" for name in names))
        (lists / f"trainlist{split}.txt").write_text("".join(learned))


def test_a_preparation_of_ucf101_is_stopped_goes_on_and_is_learned_from(lab: Lab, page: Page) -> None:
    ucf101(lab)
    page.goto("/datasets")
    page.get_by_role("button", name="Prepare a data set").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Data set").click()
    page.get_by_role("option", name="UCF101", exact=True).click()
    dialog.get_by_label("Folder of what was downloaded").fill("UCF")
    dialog.get_by_label("New folder").fill("ucf101")
    dialog.get_by_text("Encoded smaller").click()
    dialog.get_by_label("Short side, pixels").fill("64")
    dialog.get_by_role("button", name="Prepare", exact=True).click()
    row = page.get_by_role("article", name="ucf101")
    expect(row.get_by_text(re.compile("Files brought: [1-9]"))).to_be_visible(timeout=90_000)
    row.get_by_role("button", name="Stop").click()
    expect(row.get_by_text("What was made is kept")).to_be_visible(timeout=60_000)
    row.get_by_role("button", name="Go on").click()
    expect(row.get_by_text(re.compile("were there already, 2 cannot be used"))).to_be_visible(timeout=120_000)
    row.get_by_text("Files that cannot be used").click()
    expect(row.get_by_text("v_Class009_g02_c01.avi")).to_be_visible()
    expect(row.get_by_text("The file is not there")).to_be_visible()
    learn_from(lab, page, "ucf101")


def learn_from(lab: Lab, page: Page, root: str) -> None:
    page.goto("/launch?recipe=demo-sce")
    for path, value in {"data.root": root, "data.train_split": "train-1", "data.val_split": "test-1"}.items():
        page.locator(f'[id="field-{path}"]').fill(value)
    page.locator('[id="field-optimisation.epochs"]').fill("2")
    page.get_by_label("Name", exact=True).fill("on prepared videos")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\d+"))
    run_id = int(page.url.rstrip("/").rpartition("/")[2].partition("?")[0])
    lab.wait(run_id, "running", "finished")
    lab.api.post("/runs/bulk", json={"ids": [run_id], "action": "stop"})


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
