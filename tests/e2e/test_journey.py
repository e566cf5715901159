"""A newcomer's first half hour, in a real browser against the real stack."""

import json
import re
import time

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.conftest import Lab, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]
PLAYED = (
    "videos => videos.filter(video => !video.paused && video.currentTime > 0).map(video => video.currentTime)"
)


def setting(page: Page, path: str) -> Locator:
    """The control of one field of the definition, by its dotted path."""
    return page.locator(f'[id="field-{path}"]')


def journaled_step(lab: Lab, run_id: int) -> int:
    lines = (lab.folder(run_id) / "journal.jsonl").read_text().splitlines()
    steps = [event["step"] for event in map(json.loads, lines) if event["event"] == "metrics"]
    return max(steps, default=0)


def shown_step(page: Page) -> int:
    """The step that the newest point of the loss curve belongs to."""
    panel = page.locator(".card", has=page.get_by_label("train/loss by step")).first
    found = re.search(r"train/loss\s+step\s+([\d,]*\d)", panel.inner_text())
    return int(re.sub(r"\D", "", found.group(1))) if found else 0


def test_a_login_link_opens_one_session_only(lab: Lab, context: BrowserContext) -> None:
    link = lab.stack.login_link()
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    context.clear_cookies()
    page.goto(link)
    expect(page.get_by_text(re.compile("used", re.IGNORECASE)).first).to_be_visible()


def test_from_the_launch_form_to_a_retrieval_that_plays(lab: Lab, page: Page) -> None:
    run_id = launch_with_one_wrong_field(lab, page)
    watch_the_curve_move(lab, page, run_id)
    lab.wait(run_id, "finished", within_s=400)
    leave_out_the_plan(lab, run_id)
    evaluate_the_last_checkpoint(page, run_id)
    retrieval_id = the_retrieval_of(lab, run_id)
    lab.wait(retrieval_id, "finished", within_s=400)
    watch_the_retrieval_play(page, retrieval_id)
    assert shown_recall(page) == pytest.approx(recall_at_1(lab, retrieval_id), abs=0.0006)


def launch_with_one_wrong_field(lab: Lab, page: Page) -> int:
    page.goto("/launch?recipe=demo-sce")
    page.get_by_label("Name", exact=True).fill("from the browser")
    setting(page, "optimisation.epochs").fill("24")
    setting(page, "trunk.width").fill("4")
    setting(page, "checkpoints.every_epochs").fill("12")
    setting(page, "optimisation.batch_size").fill("6000")
    page.get_by_role("button", name="Launch", exact=True).click()
    field = page.locator('[id="frame-optimisation.batch_size"]')
    expect(field).to_contain_text("60")
    expect(setting(page, "optimisation.batch_size")).to_have_attribute("aria-invalid", "true")
    assert lab.api.get("/runs", params={"q": "from the browser"}).json()["total"] == 0
    setting(page, "optimisation.batch_size").fill("20")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\d+"))
    found = re.search(r"/runs/(\d+)", page.url)
    assert found
    return int(found.group(1))


def watch_the_curve_move(lab: Lab, page: Page, run_id: int) -> None:
    """Without a reload, each new line of the journal is on the chart within two seconds."""
    page.get_by_role("tab", name="Charts").click()
    lab.wait(run_id, "running")
    eventually(lambda: shown_step(page) > 0, within_s=90, what="the first point")
    for _ in range(3):
        shown = shown_step(page)
        step = (
            eventually(lambda shown=shown: max(journaled_step(lab, run_id) - shown, 0), what="a new step")
            + shown
        )
        seen = time.monotonic()
        eventually(lambda step=step: shown_step(page) >= step, within_s=10, what=f"step {step} on the chart")
        assert time.monotonic() - seen <= 2.0


def leave_out_the_plan(lab: Lab, run_id: int) -> None:
    """Stop the evaluations that the recipe planned: this journey asks for its own."""
    planned = lab.api.get("/runs", params={"parent_id": run_id, "size": 100}).json()["items"]
    lab.api.post("/runs/bulk", json={"ids": [run["id"] for run in planned], "action": "stop"})


def evaluate_the_last_checkpoint(page: Page, run_id: int) -> None:
    page.get_by_role("tab", name="Checkpoints").click()
    row = page.get_by_role("row", name=re.compile(r"^\s*24\b")).first
    expect(row).to_be_visible()
    row.get_by_role("button", name=re.compile("Evaluate")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Demo videos, retrieval").click()
    dialog.get_by_role("button", name="Evaluate", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("alert").get_by_role("link", name=re.compile("retrieval", re.I))).to_be_visible()


def the_retrieval_of(lab: Lab, run_id: int) -> int:
    """The one launched by hand, not by the plan."""
    answer = lab.api.get("/runs", params={"parent_id": run_id, "kind": "retrieval", "size": 100}).json()
    return int(max(run["id"] for run in answer["items"]))


def watch_the_retrieval_play(page: Page, retrieval_id: int) -> None:
    page.goto(f"/retrieval/{retrieval_id}")
    videos = page.locator("video")
    eventually(lambda: len(videos.evaluate_all(PLAYED)) >= 4, within_s=60, what="four videos to play")
    before = videos.evaluate_all(PLAYED)
    page.wait_for_timeout(700)
    after = videos.evaluate_all(PLAYED)
    assert sum(one != other for one, other in zip(before, after, strict=False)) >= 4
    assert max(after) - min(after) < 0.35, "they play in sync"
    expect(page.get_by_text(re.compile("^(Right|Wrong)$")).first).to_be_visible()


def shown_recall(page: Page) -> float:
    """R@1 as the page's table says it, in the column that follows k."""
    row = page.get_by_role("region", name="Scores").get_by_role("row", name=re.compile(r"^1\s")).first
    return float(row.get_by_role("cell").nth(1).inner_text()) / 100


def recall_at_1(lab: Lab, retrieval_id: int) -> float:
    """Section 6 of the paper in NumPy: each side less its mean, unit length, nearest of the bank."""
    sides = {}
    for split in ("train", "val"):
        with np.load(lab.folder(retrieval_id) / "features" / f"{split}.npz") as stored:
            features = stored["features"] - stored["features"].mean(axis=0)
            sides[split] = (features / np.linalg.norm(features, axis=1, keepdims=True), stored["label"])
    (bank, bank_label), (queries, query_label) = sides["train"], sides["val"]
    nearest = (queries @ bank.T).argmax(axis=1)
    return float((bank_label[nearest] == query_label).mean())
