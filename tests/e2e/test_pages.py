"""Every page with real content, light and dark: nothing spills over, nothing serious for axe, no console error."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Lab, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]
HOUSE = Path(__file__).parents[2]
AXE = HOUSE / "frontend/node_modules/axe-core/axe.min.js"
SHOTS = HOUSE / "test-results"
PLAN = [
    {"when": "every", "protocol": {"kind": "knn", "views": {"clips": 1, "crops": 1, "size": 32}}},
    {"when": "last", "protocol": {"kind": "retrieval", "views": {"clips": 1, "crops": 1, "size": 32}}},
]
PATHS = {
    "home": "/",
    "experiments": "/experiments",
    "runs": "/runs",
    "recipes": "/launch",
    "launch": "/launch?recipe=demo-sce",
    "run": "/runs/{run}",
    "charts": "/runs/{run}?tab=charts",
    "evaluations": "/runs/{run}?tab=evaluations",
    "health": "/runs/{run}?tab=health",
    "views": "/runs/{run}?tab=views",
    "run-checkpoints": "/runs/{run}?tab=checkpoints",
    "logs": "/runs/{run}?tab=logs",
    "configuration": "/runs/{run}?tab=configuration",
    "retrievals": "/retrieval",
    "retrieval": "/retrieval/{retrieval}",
    "checkpoints": "/checkpoints",
    "results": "/results",
    "own-results": "/results?tab=own",
    "datasets": "/datasets",
    "dataset": "/datasets/{dataset}",
    "hosts": "/hosts",
    "queue": "/queue",
    "settings": "/settings",
}
RAW_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def content(lab: Lab) -> dict[str, int]:
    """A pretraining that ended, with its evaluations."""
    run_id = lab.launch({"evaluations": PLAN}, name="tiny sce", experiment="pages")
    lab.wait(run_id, "finished")

    def retrieval() -> int | None:
        params: dict[str, Any] = {"parent_id": run_id, "kind": "retrieval", "state": "finished"}
        found = lab.api.get("/runs", params=params).json()["items"]
        return found[0]["id"] if found else None

    retrieval_id = eventually(retrieval, within_s=240, what="the retrieval to finish")
    return {"run": run_id, "retrieval": retrieval_id, "dataset": lab.dataset_id}


@pytest.fixture(scope="module", params=["light", "dark"])
def looking(
    request: pytest.FixtureRequest, browser: Browser, lab: Lab
) -> Iterator[tuple[Page, str, list[str]]]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, base_url=lab.stack.url, color_scheme=request.param
    )
    page, errors = context.new_page(), list[str]()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab.stack.login_link())
    yield page, request.param, errors
    context.close()


@pytest.mark.parametrize("name", PATHS)
def test_a_page_may_be_shown(
    name: str, looking: tuple[Page, str, list[str]], content: dict[str, int]
) -> None:
    page, scheme, errors = looking
    errors.clear()
    page.goto(PATHS[name].format(**content))
    page.get_by_role("heading").first.wait_for()
    page.wait_for_timeout(1500)
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{scheme}.png")
    assert errors == []
    assert serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "it spills over sideways"
    )
    assert page.get_by_text(RAW_ID).count() == 0


@pytest.fixture(scope="module")
def phone(browser: Browser, lab: Lab) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=lab.stack.url)
    page = context.new_page()
    page.goto(lab.stack.login_link())
    yield page
    context.close()


@pytest.mark.parametrize("name", PATHS)
def test_a_phone_shows_a_page_without_scrolling_sideways(
    name: str, phone: Page, content: dict[str, int]
) -> None:
    phone.goto(PATHS[name].format(**content))
    phone.get_by_role("heading").first.wait_for()
    phone.wait_for_timeout(800)
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert phone.evaluate("(page => page.scrollWidth <= page.clientWidth)(document.querySelector('#page'))")


def test_a_phone_reaches_every_page_by_the_menu(phone: Page, content: dict[str, int]) -> None:
    phone.goto("/")
    phone.get_by_role("button", name="Open the menu").click()
    phone.get_by_role("link", name="Data sets", exact=True).click()
    phone.get_by_role("heading", name="Data sets").wait_for()
    expect(phone.get_by_role("link", name="Hosts", exact=True)).to_be_hidden()


def test_the_keys_lead_through_the_table_to_a_run(page: Page, content: dict[str, int]) -> None:
    page.get_by_role("status", name="Live").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.get_by_role("heading", name="Runs").wait_for()
    page.get_by_role("link", name="tiny sce", exact=True).first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("1 run selected")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/runs/\d+"))


def test_a_broken_stream_is_told_while_the_page_keeps_what_it_heard(
    browser: Browser, lab: Lab, content: dict[str, int]
) -> None:
    context = browser.new_context(base_url=lab.stack.url)
    page = context.new_page()
    page.goto(lab.stack.login_link())
    page.get_by_role("status", name="Live").wait_for()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("region", name="Runs").wait_for()
    context.route("**/api/v1/stream*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("status", name="Stale")).to_be_visible(timeout=10_000)
    expect(page.get_by_role("region", name="Runs")).to_be_visible()
    context.unroute("**/api/v1/stream*")
    expect(page.get_by_role("status", name="Live")).to_be_visible(timeout=10_000)
    context.close()


def serious_faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the first place of each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
