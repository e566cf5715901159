"""``python -m docs.screenshots LINK``: the pictures of the README, taken of a running SCE Lab.

``LINK`` is a login link, as `scelab login-link` prints it, of a home in which a demo has ended.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "screenshots"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
SETTLED_MS = 3000


def main(link: str) -> None:
    address = urlsplit(link)
    chromium = next(path for path in CHROMIUM if Path(path).exists())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        base = f"{address.scheme}://{address.netloc}"
        page = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=base).new_page()
        page.goto(link)
        retrieval = newest(page, "retrieval")
        pretraining = newest(page, "pretrain")
        take(page, f"/retrieval/{retrieval}", "retrieval")
        take(page, f"/runs/{pretraining}?tab=evaluations", "evaluations")
        browser.close()


def newest(page: Page, kind: str) -> int:
    """Number of the newest finished run of a kind; the retrievals of a demo end with the trained trunk's."""
    answer = page.request.get(f"/api/v1/runs?kind={kind}&state=finished&sort=id&size=1")
    return int(answer.json()["items"][0]["id"])


def take(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.get_by_role("heading").first.wait_for()
    page.wait_for_timeout(SETTLED_MS)
    FOLDER.mkdir(exist_ok=True)
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1])
