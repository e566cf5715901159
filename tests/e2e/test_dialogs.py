"""What opens on a page: looked at in both schemes, and used as a person would."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Lab, eventually
from tests.e2e.test_imports import released_encoder
from tests.e2e.test_journey import PLAYED
from tests.e2e.test_pages import SHOTS, serious_faults

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]
VIEWS = {"clips": 1, "crops": 1, "size": 32}
LINEAR = {
    "kind": "linear",
    "views": VIEWS,
    "optimisation": {"epochs": 1, "batch_size": 20, "optimizer": {"kind": "sgd", "lr": 0.1}},
    "train_view": {"size": 32, "jitter": {"p": 0}, "grey_p": 0, "blur_p": 0},
}


@pytest.fixture(scope="module")
def probe(lab: Lab) -> dict[str, int]:
    """A pretraining of one epoch and its linear probe, both over; and a file to import."""
    released_encoder(lab)
    planned = {"optimisation.epochs": 1, "evaluations": [{"when": "last", "protocol": LINEAR}]}
    run_id = lab.launch(planned, name="probed")
    lab.wait(run_id, "finished")
    params = {"parent_id": run_id, "kind": "linear"}
    found = eventually(lambda: lab.api.get("/runs", params=params).json()["items"], what="the probe")
    lab.wait(found[0]["id"], "finished")
    return {"run": run_id, "linear": found[0]["id"]}


def open_import(page: Page, probe: dict[str, int]) -> None:
    page.goto("/checkpoints")
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("File").fill("torn.pth")
    dialog.get_by_role("button", name="Look at it").click()
    expect(dialog.get_by_text("1 missing", exact=True)).to_be_visible(timeout=300_000)


def open_prepare(page: Page, probe: dict[str, int]) -> None:
    page.goto("/datasets")
    page.get_by_role("button", name="Prepare a data set").click()
    page.get_by_role("dialog").get_by_role("combobox", name="Data set").click()
    page.get_by_role("option", name="UCF101", exact=True).click()


def open_evaluate(page: Page, probe: dict[str, int]) -> None:
    page.goto(f"/runs/{probe['run']}")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("Protocol:")).to_be_visible()


def open_test(page: Page, probe: dict[str, int]) -> None:
    page.goto(f"/runs/{probe['linear']}")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("radio", name=re.compile("Both"))).to_be_visible()


def open_views(page: Page, probe: dict[str, int]) -> None:
    page.goto("/launch?recipe=demo-sce")
    panel = page.get_by_role("complementary", name="What the launch would do")
    panel.get_by_text("Views", exact=True).click()
    panel.get_by_role("button", name="Show the views").click()
    expect(panel.get_by_role("region", name="View 1")).to_be_visible(timeout=120_000)


OPENERS: dict[str, Callable[[Page, dict[str, int]], None]] = {
    "import": open_import,
    "prepare": open_prepare,
    "evaluate": open_evaluate,
    "test": open_test,
    "launch-views": open_views,
}


@pytest.mark.parametrize("name", OPENERS)
def test_what_opens_may_be_shown(name: str, page: Page, probe: dict[str, int]) -> None:
    OPENERS[name](page, probe)
    SHOTS.mkdir(exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.wait_for_timeout(600)  # colours fade
        page.screenshot(path=SHOTS / f"dialog-{name}-{scheme}.png")
        assert serious_faults(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    page.screenshot(path=SHOTS / f"dialog-{name}-phone.png")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_both_classifiers_of_a_probe_are_tested_in_two_rows(
    lab: Lab, page: Page, probe: dict[str, int]
) -> None:
    open_test(page, probe)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name=re.compile("Both")).click()
    dialog.get_by_role("button", name="Test", exact=True).click()
    page.wait_for_url(lambda url: f"/runs/{probe['linear']}" not in url)
    found = re.search(r"/runs/(\d+)", page.url)
    assert found
    lab.wait(int(found.group(1)), "finished")
    rows = page.get_by_role("table", name="Scores of each").get_by_role("row")
    expect(rows).to_have_text([re.compile("^Checkpoint"), re.compile("^Best"), re.compile("^Last")])


def test_the_inspector_shows_what_another_seed_and_item_would_be_fed(
    page: Page, probe: dict[str, int]
) -> None:
    page.goto(f"/runs/{probe['run']}?tab=views")
    view = page.get_by_role("region", name="View 1")
    expect(view.get_by_text(re.compile(r"^4 frames: \d+, \d+, \d+, \d+\. From"))).to_be_visible(
        timeout=120_000
    )
    before = view.get_by_role("row", name=re.compile("^crop")).inner_text()
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="Next item").click()
    expect(page.get_by_text(re.compile(r"item 1 of .* seed 7"))).to_be_visible()
    expect(view.get_by_role("row", name=re.compile("^crop"))).not_to_have_text(before, timeout=120_000)
    expect(view.get_by_test_id("crop-box")).to_be_visible()
    videos = page.locator("video")
    eventually(lambda: len(videos.evaluate_all(PLAYED)) >= 2, within_s=60, what="the views to play")
