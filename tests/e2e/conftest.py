"""The real stack for the journeys: embedded broker, API, worker, trainings, and a real browser."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from backend.settings import Settings
from sce.data.demo import make_demo
from worker.launchers.processes import command_line
from worker.stack import Stack, running_stack

T = TypeVar("T")
CHROMIUM = next(
    (
        str(path)
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := Path("/usr/bin") / name).exists()
    ),
    None,
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A trunk and views so small that a step takes milliseconds.
TINY: dict[str, Any] = {
    "kind": "pretrain",
    "data": {"kind": "video", "root": "demo", "num_frames": 4, "clip_s": 1.0},
    "trunk": {"kind": "small3d", "width": 4},
    "views": {"views": [{"size": 32, "flip_p": 0.0}, {"size": 32, "flip_p": 0.0}]},
    "method": {
        "kind": "sce",
        "queue_size": 64,
        "projector": {"hidden_width": 32, "num_layers": 2, "width": 16},
        "predictor": {"hidden_width": 32},
    },
    "optimisation": {
        "epochs": 4,
        "batch_size": 8,
        "optimizer": {"kind": "sgd", "lr": 0.1, "lr_scaling": "none"},
        "schedule": {"kind": "cosine", "warmup_epochs": 0},
    },
    "checkpoints": {"every_epochs": 2},
    "compute": {"loader_workers": 0},
}


@dataclass
class Lab:
    """A running stack, with a client that may do everything."""

    stack: Stack
    api: httpx.Client
    dataset_id: int = 0
    seen: list[int] = field(default_factory=list)

    def launch(self, overrides: dict[str, Any] | None = None, **request: Any) -> int:
        body = {"definition": TINY, "overrides": overrides or {}, "experiment": "journeys", **request}
        answer = self.api.post("/runs", json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def run(self, run_id: int) -> dict[str, Any]:
        answer = self.api.get(f"/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def definition(self, run_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/runs/{run_id}/configuration").json()["definition"]
        return found

    def steps_back(self, run_id: int) -> None:
        """A training that only has to be there leaves the processors to what is looked at beside it."""
        folder = str(self.folder(run_id))
        for process in psutil.process_iter():
            if any(f"{word}/".startswith(f"{folder}/") for word in command_line(process)):
                with suppress(psutil.NoSuchProcess):
                    process.nice(10)

    def wait(self, run_id: int, *states: str, within_s: float = 240) -> dict[str, Any]:
        """The run, once it is in one of the states."""

        def arrived() -> dict[str, Any] | None:
            run = self.run(run_id)
            if run["state"] == "failed" and "failed" not in states:
                pytest.fail(f"run {run_id} failed: {run['failure']}")
            return run if run["state"] in states else None

        return eventually(arrived, within_s=within_s, what=f"run {run_id} to be {' or '.join(states)}")

    def folder(self, run_id: int) -> Path:
        return self.stack.settings.run_folder(run_id)


def eventually(ask: Callable[[], T | None], *, within_s: float = 30, what: str = "it") -> T:
    """The first answer that is not None or False."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.1)
    pytest.fail(f"waited {within_s:.0f} s for {what}")


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    check_groups(request.session.items)
    home = tmp_path_factory.mktemp("home")
    make_demo(home / "data" / "demo", seed=0, num_videos=80, processes=2)
    settings = Settings(home=home, port=0, min_free_disk_gb=0)
    with running_stack(settings, say=lambda _: None) as stack, client_of(stack) as api:
        made = Lab(stack, api)
        answer = api.post("/datasets", json={"name": "demo", "root": "demo", "kind": "video"})
        assert answer.status_code == 201, answer.text
        made.dataset_id = answer.json()["id"]
        eventually(
            lambda: api.get(f"/datasets/{made.dataset_id}").json()["state"] == "ready",
            what="the demo videos to be indexed",
        )
        yield made
        leave_nothing_running(made)


def check_groups(items: Sequence[pytest.Item]) -> None:
    """Several workers that each start a stack take twice the time: groups that are not kept must be seen."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        grouped = [item for item in items if item.get_closest_marker("xdist_group")]
        assert all("@" in item.nodeid for item in grouped), "pytest-xdist does not keep its groups"


def leave_nothing_running(lab: Lab) -> None:
    """Trainings outlive the platform, and would outlive the tests."""
    active = ["queued", "starting", "running", "preempted"]
    items = lab.api.get("/runs", params={"state": active, "size": 500}).json()["items"]
    if items:
        lab.api.post("/runs/bulk", json={"ids": [run["id"] for run in items], "action": "stop"})
    for run in items:
        lab.wait(run["id"], "stopped", "finished", "failed", within_s=60)


def client_of(stack: Stack) -> httpx.Client:
    return httpx.Client(
        base_url=f"{stack.url}/api/v1", headers={"Authorization": f"Bearer {stack.token}"}, timeout=30
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("the journeys need Chromium: make test-tools")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, lab: Lab) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=lab.stack.url)
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, lab: Lab) -> Iterator[Page]:
    """A page that is logged in by a one-time link; any console error fails the test.

    The browser itself reports a refused request as an error: 422 is what a wrong field gets.
    """
    page, errors = context.new_page(), list[str]()
    page.on(
        "console",
        lambda message: (
            errors.append(message.text)
            if message.type == "error" and "status of 422" not in message.text
            else None
        ),
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab.stack.login_link())
    yield page
    assert errors == []
