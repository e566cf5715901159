"""The Hosts page in a browser: how busy a host was in the last hour, and one that was just registered."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from backend.compute.loads import Load, note_load
from backend.compute.service import DeviceSpec, register_host
from backend.db import now, open_engine, open_sessions
from tests.e2e.conftest import Lab
from tests.e2e.test_pages import SHOTS, serious_faults

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]


def register(lab: Lab, name: str, *, minutes: int) -> None:
    """A host with a GPU that was at work for so many minutes."""
    about: dict[str, Any] = {"cpu_count": 8, "memory_bytes": 64_000_000_000, "versions": {}}
    gpu = DeviceSpec("gpu", 0, "H100", 80_000_000_000)
    engine = open_engine(lab.stack.settings.database)
    with open_sessions(engine).begin() as db:
        host = register_host(db, name=name, devices=[gpu], **about)
        host.enabled = False  # it has no worker: nothing may be placed there
        host.disk_total_bytes = 2_000_000_000_000
        for half in range(2 * minutes):
            load = Load(10.0 + half, 32_000_000_000, 90.0, 40_000_000_000, 1_000_000_000_000)
            note_load(db, host.id, load, at=now() - timedelta(seconds=30 * half))
    engine.dispose()


def test_a_host_shows_its_last_hour_and_a_new_one_says_when_it_will(lab: Lab, page: Page) -> None:
    register(lab, "busy", minutes=20)
    register(lab, "new", minutes=0)
    page.goto("/hosts")
    busy, new = (page.get_by_role("article").filter(has_text=name) for name in ("busy", "new"))
    for said in (
        "CPU of the last hour: 10 to 49 %",
        "Memory of the last hour: 50 % throughout",
        "GPU of the last hour: 90 % throughout",
        "GPU memory of the last hour: 50 % throughout",
        "Disk of the last hour: 50 % throughout",
    ):
        expect(busy.get_by_role("img", name=said, exact=True)).to_be_visible()
    expect(new.get_by_text("Curves of the last hour begin within a minute.")).to_be_visible()
    expect(new.get_by_role("img")).to_have_count(0)
    for scheme, width in (("light", 1440), ("dark", 1440), ("light", 390)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its two words
        page.set_viewport_size({"width": width, "height": 900})
        SHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SHOTS / f"hosts-loads-{scheme}-{width}.png", full_page=True)
        assert serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
