"""The same experiment on this lab's hosts and on a real SLURM, with one control changed."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from backend.settings import Settings
from sce.data.demo import make_demo
from tests.e2e.conftest import Lab, client_of, eventually, leave_nothing_running
from tests.e2e.test_pages import SHOTS, serious_faults
from tests.worker.slurm.cluster import Cluster, running_cluster
from worker.stack import running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("slurm")]
LONG = {"optimisation.epochs": 2000, "checkpoints.every_epochs": 500}


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def lab(slurm: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A stack whose worker finds SLURM's commands."""
    home = tmp_path_factory.mktemp("home")
    make_demo(home / "data" / "demo", seed=0, num_videos=40, processes=2)
    settings = Settings(home=home, port=0, min_free_disk_gb=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "SLURM_CONF", str(slurm.conf))
        with running_stack(settings, say=lambda _: None) as stack, client_of(stack) as api:
            made = Lab(stack, api)
            answer = api.post("/datasets", json={"name": "demo", "root": "demo", "kind": "video"})
            made.dataset_id = answer.json()["id"]
            eventually(lambda: api.get(f"/datasets/{made.dataset_id}").json()["state"] == "ready")
            yield made
            leave_nothing_running(made)


def make_profile(page: Page, runs_folder: Path) -> None:
    """On the Hosts page; SLURM's own words refuse a partition that it does not have."""
    page.goto("/hosts")
    page.get_by_role("button", name="New profile").click()
    page.get_by_label("Name").fill("nodes")
    assert serious_faults(page) == []
    page.get_by_role("textbox", name="Runs folder").fill(str(runs_folder))
    page.get_by_label("A device is called").fill("")
    page.get_by_label("CPUs per process").fill("1")
    page.get_by_role("combobox", name="Partition").fill("nope")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("SLURM has no partition nope").or_(page.get_by_text("invalid partition")).wait_for()
    look(page, "profile")
    page.get_by_role("combobox", name="Partition").fill("main")
    page.get_by_role("combobox", name="Partition").press("Escape")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("cell", name="nodes", exact=True).wait_for()
    check_profile(page)


def check_profile(page: Page) -> None:
    """A job looks at a node: the runs folder is not there under a wrong name, and all is good under the right one."""
    right = change_runs_folder(page, "/nowhere/runs")
    expect(page.get_by_text("has no folder /nowhere/runs: mount the lab's runs folder")).to_be_visible(
        timeout=30_000
    )
    look(page, "check-amiss")
    change_runs_folder(page, right)
    expect(page.get_by_text("reads and writes the runs folder.")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("region", name="Check of nodes")).to_contain_text("Good")
    look(page, "check-good")


def change_runs_folder(page: Page, folder: str) -> str:
    """And check the profile; the folder that stood there before."""
    page.get_by_role("button", name="Change profile nodes").click()
    before = page.get_by_role("textbox", name="Runs folder").input_value()
    page.get_by_role("textbox", name="Runs folder").fill(folder)
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("cell", name=folder, exact=True)).to_be_visible()
    page.get_by_role("button", name="Check profile nodes").click()
    return before


def launch_on(page: Page, draft: int, where: str | None) -> int:
    """The draft as it is, or with the one control changed that says where it runs."""
    page.goto(f"/launch?clone={draft}")
    if where is not None:
        page.get_by_role("combobox", name="Where").click()
        page.get_by_role("option", name=where).click()
        page.get_by_text("sbatch", exact=True).click()
        expect(page.get_by_label("Script for sbatch")).to_contain_text("#SBATCH --partition=main")
        look(page, "launch")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(lambda url: "/runs/" in url)
    return int(page.url.rpartition("/")[2].partition("?")[0])


def look(page: Page, name: str) -> None:
    """The page as it is now, in both schemes and on a phone; nothing spills over, nothing serious for axe."""
    SHOTS.mkdir(exist_ok=True)
    for scheme, width in (("light", 1440), ("dark", 1440), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        page.screenshot(path=SHOTS / f"slurm-{name}-{scheme}-{width}.png", full_page=True)
        assert serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def of_slurm(page: Page) -> Locator:
    """What the run's page says of its job."""
    return page.get_by_role("region", name="SLURM", exact=True)


def test_one_experiment_here_and_on_slurm(lab: Lab, slurm: Cluster, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=lab.stack.url)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(lab.stack.login_link())
    make_profile(page, lab.stack.settings.runs_dir)
    draft = lab.launch(LONG, name="the same", is_draft=True)
    here, there = launch_on(page, draft, None), launch_on(page, draft, "SLURM: nodes")
    assert (lab.run(here)["slurm"], lab.run(there)["slurm"]) == (None, "nodes")
    assert lab.definition(here) == lab.definition(there)
    watch_both(lab, page, here, there)
    stop_and_requeue(lab, page, there)
    assert lab.run(here)["state"] == "running", "the other one goes on"
    a_waiting_run_says_why_and_until_when(lab, slurm, page)
    context.close()


def watch_both(lab: Lab, page: Page, here: int, there: int) -> None:
    for run_id in (here, there):
        lab.wait(run_id, "running", within_s=90)
        lab.steps_back(run_id)
        page.goto(f"/runs/{run_id}")
        before = page.get_by_text(re.compile(r"^step \d+ of")).inner_text()
        expect(page.get_by_text(re.compile(r"^step \d+ of"))).not_to_have_text(before, timeout=20_000)
    expect(of_slurm(page)).to_contain_text("RUNNING", timeout=20_000)
    expect(of_slurm(page)).to_contain_text(re.compile("n[12]"))
    look(page, "running")


def stop_and_requeue(lab: Lab, page: Page, run_id: int) -> None:
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    lab.wait(run_id, "stopped", within_s=60)
    other_devices_are_explained(page)
    page.get_by_role("button", name="Resume").click()
    again = lab.wait(run_id, "running", within_s=90)
    lab.steps_back(run_id)
    assert again["attempt"] == 2
    assert again["attempts"][0]["start_step"] > 0, "it goes on where it left"
    expect(of_slurm(page)).to_contain_text("RUNNING", timeout=20_000)
    look(page, "again")
    lab.api.post(f"/runs/{run_id}/stop")
    lab.wait(run_id, "stopped", within_s=60)


def the_queue_explains_a_waiting_run(lab: Lab, page: Page) -> None:
    """The first run still holds this lab's only device."""
    queued = lab.launch(LONG, name="waits here")
    page.goto("/queue")
    row = page.get_by_role("region", name="Waiting", exact=True).get_by_role(
        "row", name=re.compile("waits here")
    )
    expect(row).to_contain_text("It is next: it waits for 1 device to become free.")
    look(page, "queue")
    lab.api.post(f"/runs/{queued}/stop")


def other_devices_are_explained(page: Page) -> None:
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Other devices").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Nothing changes: it goes on as it was.")).to_be_visible()
    dialog.get_by_role("textbox", name="Devices on each node").fill("3")
    expect(dialog.get_by_role("alert")).to_contain_text("batch_size")
    dialog.get_by_role("textbox", name="Devices on each node").fill("2")
    expect(dialog.get_by_text("Each of 2 devices takes 4 clips at a time, where it took 8")).to_be_visible()
    look(page, "devices")
    dialog.get_by_role("button", name="Cancel").click()


def a_waiting_run_says_why_and_until_when(lab: Lab, slurm: Cluster, page: Page) -> None:
    """Others hold both nodes for five minutes, which SLURM knows."""
    others = ["--exclusive", "--nodes=2", "--time=5", "--output=/dev/null", "--wrap=sleep 300"]
    job = slurm.ask("sbatch", "--parsable", "--partition=main", *others).strip()
    eventually(lambda: slurm.ask("squeue", "-h", "-j", job, "-o", "%T").strip() == "RUNNING")
    waiting = lab.launch(LONG, name="waits", slurm="nodes")
    page.goto(f"/runs/{waiting}")
    expect(of_slurm(page)).to_contain_text("Resources", timeout=30_000)
    expect(page.get_by_text("it waits for nodes to become free")).to_be_visible()
    expect(page.get_by_text("it is expected to start at")).to_be_visible(timeout=60_000)
    expect(of_slurm(page)).to_contain_text("Expected start")
    look(page, "waiting")
    the_queue_explains_a_waiting_run(lab, page)
    page.goto(f"/runs/{waiting}")
    slurm.ask("scancel", job)
    lab.wait(waiting, "running", within_s=60)
    expect(of_slurm(page)).to_contain_text("RUNNING", timeout=20_000)
