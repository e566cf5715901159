"""A trunk from elsewhere: imported in the browser, measured, and seen beside the published numbers."""

import re
import shutil

import pytest
import torch
from playwright.sync_api import Page, expect

from sce.definition import R3d18
from sce.recipes import load_recipe
from sce.trunks import build_trunk
from tests.e2e.conftest import Lab, eventually
from tests.e2e.test_journey import PLAYED, setting

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]
TITLE = load_recipe("k400-r3d18").title
# The recipe's own clips and views would take minutes on two cores.
SMALLER = {"data.root": "HMDB51", "data.num_frames": "2", "data.clip_s": "0.5", "protocol.views.clips": "1"}
LINEAR = {"protocol.optimisation.epochs": "2", "protocol.optimisation.batch_size": "20"}


def released_encoder(lab: Lab) -> str:
    """A video trunk as the authors publish theirs, ``blocks.*`` without prefix; and one that lost a weight."""
    folder = lab.stack.settings.imports_dir
    folder.mkdir(parents=True, exist_ok=True)
    state = {key.removeprefix("model."): value for key, value in build_trunk(R3d18()).state_dict().items()}
    torch.save(state, folder / "sce_r3d18.pth")
    del state["blocks.1.res_blocks.0.branch2.conv_a.weight"]
    torch.save(state, folder / "torn.pth")
    return "sce_r3d18.pth"


def hmdb(lab: Lab) -> None:
    """The demo videos under a name that the published tables know."""
    root = lab.stack.settings.home / "data" / "HMDB51"
    if not root.exists():
        demo = lab.stack.settings.home / "data" / "demo"
        for split in ("train", "val"):
            shutil.copytree(demo / split, root / split)
        made = lab.api.post("/datasets", json={"name": "HMDB51", "root": "HMDB51", "kind": "video"}).json()
        eventually(
            lambda: lab.api.get(f"/datasets/{made['id']}").json()["state"] == "ready",
            within_s=120,
            what="the videos to be indexed",
        )


def test_import_a_released_encoder_measure_it_and_see_the_paper_table(lab: Lab, page: Page) -> None:
    file = released_encoder(lab)
    hmdb(lab)
    refuse_the_torn_one(page)
    run_id = import_through_the_dialog(page, file)
    linear = evaluate(page, run_id, "Demo videos, linear probe", LINEAR)
    retrieval = evaluate(page, run_id, "Demo videos, retrieval", {})
    for launched in (linear, retrieval):
        lab.wait(launched, "finished", within_s=400)
    see_the_scores(page, run_id)
    watch_it_play(page, retrieval)
    see_the_paper_table(page)
    see_our_own_table(page)
    take_the_trunk_away(page)


def evaluate(page: Page, run_id: int, recipe: str, changes: dict[str, str]) -> int:
    """From the trunk's own checkpoint, by a recipe of which a few fields are changed; the run that is launched."""
    page.goto(f"/runs/{run_id}?tab=checkpoints")
    page.get_by_role("button", name="Evaluate the imported trunk").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name=recipe, exact=True).click()
    dialog.get_by_role("link", name="Change it first").click()
    page.wait_for_url(re.compile("/launch"))
    for path, value in {**SMALLER, **changes}.items():
        setting(page, path).fill(value)
        setting(page, path).press("Tab")
    expect(page.get_by_role("combobox", name="Checkpoint")).to_have_value("released R3D18, imported")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\d+"))
    return int(page.url.partition("/runs/")[2].partition("?")[0])


def see_the_scores(page: Page, run_id: int) -> None:
    """On the trunk's page, without a reload: what the two measured of it."""
    page.goto(f"/runs/{run_id}?tab=checkpoints")
    expect(page.get_by_role("link", name=re.compile(r"^Linear probe top-1 \d"))).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"^Retrieval R@1 \d"))).to_be_visible()
    page.screenshot(path="test-results/import-measured.png")


def refuse_the_torn_one(page: Page) -> None:
    page.goto("/checkpoints")
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("File").fill("torn.pth")
    dialog.get_by_role("button", name="Look at it").click()
    expect(dialog.get_by_text("No match", exact=True)).to_be_visible(timeout=300_000)
    expect(dialog.get_by_text("1 missing", exact=True)).to_be_visible()
    expect(dialog.get_by_role("alert")).to_contain_text("blocks.1.res_blocks.0.branch2.conv_a.weight")
    expect(dialog.get_by_role("button", name="Import", exact=True)).to_have_count(0)


def import_through_the_dialog(page: Page, file: str) -> int:
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("File").fill(file)
    dialog.get_by_role("button", name="Look at it").click()
    expect(dialog.get_by_text("Every name matches")).to_be_visible(timeout=300_000)
    expect(dialog.get_by_text("120 matched")).to_be_visible()
    expect(dialog.get_by_role("cell", name="model.blocks.0.conv.weight", exact=True)).to_be_visible()
    page.screenshot(path="test-results/import-dialog.png")
    dialog.get_by_label("Name", exact=True).fill("released R3D18")
    dialog.get_by_label("Recipe that trained it").click()
    page.get_by_role("option", name=TITLE, exact=True).click()
    dialog.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\d+"), timeout=300_000)
    expect(page.get_by_role("heading", name="released R3D18")).to_be_visible()
    found = re.search(r"/runs/(\d+)", page.url)
    assert found
    return int(found.group(1))


def watch_it_play(page: Page, retrieval_id: int) -> None:
    page.goto(f"/retrieval/{retrieval_id}")
    videos = page.locator("video")
    eventually(lambda: len(videos.evaluate_all(PLAYED)) >= 2, within_s=60, what="two videos to play")


def see_the_paper_table(page: Page) -> None:
    page.goto("/results")
    table = page.get_by_role("region", name="Video, R3D50 pretrained on Kinetics-400")
    expect(table.get_by_text("released R3D18")).to_be_visible()
    expect(table.get_by_text("43.0", exact=True)).to_be_visible()
    table.get_by_role("button", name=re.compile("what it is made of")).first.hover()
    expect(page.get_by_text("trunk: published r3d50, here r3d18")).to_be_visible()
    expect(page.get_by_text("clips per video: published 10, here 1")).to_be_visible()
    page.screenshot(path="test-results/paper-table.png")


def see_our_own_table(page: Page) -> None:
    page.get_by_role("tab", name="Our runs").click()
    table = page.get_by_role("region", name="Our runs")
    row = table.get_by_role("row", name=re.compile("released R3D18"))
    expect(row.get_by_role("button")).to_have_count(2)
    with page.expect_download() as taken:
        table.get_by_role("button", name="Export our runs").click()
        page.get_by_role("menuitem", name="LaTeX").click()
    assert "released R3D18" in taken.value.path().read_text()
    with page.expect_download() as taken:
        table.get_by_role("button", name="Export our runs").click()
        page.get_by_role("menuitem", name="CSV").click()
    assert "released R3D18" in taken.value.path().read_text()


def take_the_trunk_away(page: Page) -> None:
    page.goto("/checkpoints")
    page.get_by_role("button", name="Export: released R3D18, imported").click()
    with page.expect_download(timeout=300_000) as taken:
        page.get_by_role("menuitem", name="pytorchvideo").click()
    state = torch.load(taken.value.path(), weights_only=True)
    assert "blocks.0.conv.weight" in state
