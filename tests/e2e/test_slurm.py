"""The same experiment on this lab's hosts and on a real SLURM, with one control changed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.settings import Settings
from sce.data.demo import make_demo
from tests.e2e.conftest import Lab, client_of, eventually, leave_nothing_running
from tests.e2e.test_pages import serious_faults
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
    page.get_by_role("combobox", name="Partition").fill("main")
    page.get_by_role("combobox", name="Partition").press("Escape")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("cell", name="nodes", exact=True).wait_for()


def launch_again_on(page: Page, run_id: int, where: str) -> int:
    page.goto(f"/launch?clone={run_id}")
    page.get_by_role("combobox", name="Where").click()
    page.get_by_role("option", name=where).click()
    page.get_by_text("sbatch", exact=True).click()
    expect(page.get_by_label("Script for sbatch")).to_contain_text("#SBATCH --partition=main")
    assert serious_faults(page) == []
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(lambda url: "/runs/" in url)
    return int(page.url.rpartition("/")[2].partition("?")[0])


def test_one_experiment_here_and_on_slurm(lab: Lab, slurm: Cluster, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=lab.stack.url)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(lab.stack.login_link())
    make_profile(page, lab.stack.settings.runs_dir)
    here = lab.launch(LONG, name="the same")
    there = launch_again_on(page, here, "SLURM: nodes")
    for run_id in (here, there):
        lab.wait(run_id, "running", within_s=90)
    assert (lab.run(here)["slurm"], lab.run(there)["slurm"]) == (None, "nodes")
    card = page.get_by_role("region", name="SLURM").or_(page.locator("section", has_text="Profile")).first
    expect(card).to_contain_text("RUNNING", timeout=30_000)
    assert serious_faults(page) == []
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    lab.wait(there, "stopped", within_s=60)
    assert lab.run(here)["state"] == "running"
    page.get_by_role("button", name="Resume").click()
    again = lab.wait(there, "running", within_s=90)
    assert again["attempt"] == 2
    assert again["attempts"][0]["start_step"] > 0
    waiting_run_says_why(lab, slurm, page)
    context.close()


def waiting_run_says_why(lab: Lab, slurm: Cluster, page: Page) -> None:
    slurm.ask("scontrol", "update", "partitionname=main", "state=down")
    waiting = lab.launch(LONG, name="waits", slurm="nodes")
    page.goto(f"/runs/{waiting}")
    expect(page.get_by_text("its partition is down")).to_be_visible(timeout=30_000)
    slurm.ask("scontrol", "update", "partitionname=main", "state=up")
