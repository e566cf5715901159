"""The queue page: why a run waits, in which place, and how people change that; live."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Lab
from tests.e2e.test_pages import serious_faults

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]


def test_the_queue_explains_itself_and_is_changed_by_keyboard_and_by_drag(lab: Lab, page: Page) -> None:
    holds = lab.launch({"optimisation.epochs": 500}, name="holds the device")
    lab.wait(holds, "running", within_s=400)  # evaluations of the tests before it may still hold the device
    lab.steps_back(holds)
    page.goto("/queue")
    page.get_by_text("Nothing waits", exact=True).wait_for()
    ids = {name: lab.launch(name=name) for name in ("one", "two", "three")}
    region = page.get_by_role("region", name="Waiting runs")
    names = region.locator("tbody tr td:nth-child(2) a")
    expect(names).to_have_text(["one", "two", "three"])
    expect(region.locator("tbody tr").nth(0)).to_contain_text(
        "It is next: it waits for 1 device to become free."
    )
    expect(region.locator("tbody tr").nth(2)).to_contain_text("2 runs are ahead of it; it needs 1 device.")
    expect(page.get_by_role("region", name="Runs that hold devices")).to_contain_text("holds the device")
    assert serious_faults(page) == []

    region.get_by_role("button", name="Move three").press("Enter")
    page.get_by_role("menuitem", name="To the top").press("Enter")
    expect(names).to_have_text(["three", "one", "two"])
    region.locator("tbody tr").nth(0).drag_to(region.locator("tbody tr").nth(2))
    expect(names).to_have_text(["one", "two", "three"])

    region.get_by_role("button", name="Move two").click()
    page.get_by_role("menuitem", name="Priority…").click()
    page.get_by_role("textbox", name="Priority").fill("7")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(names).to_have_text(["two", "one", "three"])
    said = lab.run(ids["two"])["waits_for"]
    page.goto(f"/runs/{ids['two']}")
    expect(page.get_by_text(f"Waiting: {said}")).to_be_visible()
    page.goto("/queue")
    assert lab.api.post(f"/runs/{ids['one']}/stop").status_code == 200
    expect(names).to_have_text(["two", "three"])
    assert (
        lab.api.post("/runs/bulk", json={"ids": [holds, *ids.values()], "action": "stop"}).status_code == 200
    )
    lab.wait(holds, "stopped")
