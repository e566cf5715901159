"""A limit from the Settings page, followed by other open pages and by the command line, without a reload."""

import os
import re
import subprocess
import sys
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Lab, eventually
from tests.e2e.test_pages import SHOTS, serious_faults

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]


def scelab(lab: Lab, *arguments: str) -> str:
    """The command line beside the stack, as a person starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        env={**os.environ, "SCELAB_HOME": str(lab.stack.settings.home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def line_of(text: str, name: str) -> str:
    return next((line for line in text.splitlines() if name in line), "")


def look(page: Page, name: str) -> None:
    """The page as it is, in both schemes and on a phone."""
    SHOTS.mkdir(exist_ok=True)
    looks: list[tuple[Literal["light", "dark"], int]] = [("light", 1440), ("dark", 1440), ("light", 390)]
    for scheme, width in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        page.screenshot(path=SHOTS / f"{name}-{scheme}-{width}.png")
        assert serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_the_command_line_shows_the_queue_and_why_a_run_waits(lab: Lab) -> None:
    assert "Nothing waits." in scelab(lab, "queue")
    holds = lab.launch({"optimisation.epochs": 500}, name="holds the device")
    lab.wait(holds, "running")
    lab.steps_back(holds)
    first, second = (lab.launch(name=name) for name in ("waits first", "waits second"))
    try:
        said = scelab(lab, "queue")
        assert re.search(r"running +1 ", line_of(said, "holds the device"))
        assert "It is next: it waits for 1 device to become free." in line_of(said, "waits first")
        assert "1 run is ahead of it; it needs 1 device." in line_of(said, "waits second")
        assert lab.run(second)["waits_for"] in said, "the page's own words"
        moved = scelab(lab, "queue", "--top", str(second))
        assert moved.index("waits second") < moved.index("waits first")
        assert '"waits_for"' in scelab(lab, "queue", "--json")
    finally:
        lab.api.post("/runs/bulk", json={"ids": [holds, first, second], "action": "stop"})
        lab.wait(holds, "stopped")


def test_a_limit_set_on_one_page_shows_on_the_others_at_once(
    lab: Lab, page: Page, context: BrowserContext
) -> None:
    (name, *_) = lab.api.get("/limits").json()["users"]
    other, queue = context.new_page(), context.new_page()
    for one, address in ((page, "/settings"), (other, "/settings"), (queue, "/queue")):
        one.goto(address)
        one.get_by_role("status", name="Live").wait_for()
    expect(other.get_by_text("No limit", exact=True)).to_be_visible()
    set_limit(page, name, runs=0)
    table = other.get_by_role("region", name="Limits")
    expect(table.get_by_role("row").nth(1)).to_have_text(re.compile(f"{name}0 of 00, no limit"))
    held = lab.launch(name="held by a limit")
    row = queue.get_by_role("region", name="Waiting runs").get_by_role("row").filter(has_text="held by")
    expect(row).to_contain_text("limit")
    assert "limit" in line_of(scelab(lab, "queue"), "held by a limit")
    look(page, "limits")
    table.get_by_role("button", name="Lift").click()
    expect(page.get_by_text("No limit", exact=True)).to_be_visible()
    eventually(lambda: lab.run(held)["state"] != "queued", what="the run to start once nothing holds it")
    expect(row).to_have_count(0)
    lab.api.post(f"/runs/{held}/stop")
    lab.wait(held, "stopped", "finished")


def set_limit(page: Page, user: str, *, runs: int) -> None:
    page.get_by_role("button", name="New limit").click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox", name="User").click()
    page.get_by_role("option", name=user, exact=True).click()
    form.get_by_role("button", name="Set the limit").click()
    expect(form.get_by_role("alert")).to_contain_text("Give a number of runs or of devices")
    look(page, "limit-refused")
    form.get_by_role("textbox", name="Runs at a time").fill(str(runs))
    form.get_by_role("button", name="Set the limit").click()
    expect(form).to_have_count(0)
