"""From a click on an address to a page with its example on it, each in a new process.

Some seconds after the start, when the app has opened its first pages itself; beside it a visit at once, with nothing
loaded ahead (`GLASSBOX_EARLY=0`); and another visitor's first visit.
"""

import time
from collections.abc import Iterator

from playwright.sync_api import sync_playwright

from tests.benchmarks.rows import Row
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, running_app

PAGES = {"attention/explorer": "#attention-page-explorer", "vit/steps": "#vit-page-steps"}
SETTLED_SECONDS = 20


def seconds_to_open(browser, url, page, panel):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab, at = page.split("/")
    visit, began = context.new_page(), time.perf_counter()
    visit.goto(f"{url}/?tab={tab}&at={at}")
    visit.locator(f"{panel}[data-opened=true]").wait_for(timeout=120_000)
    took = time.perf_counter() - began
    context.close()
    return took


def rows() -> Iterator[Row]:
    """The rows of this file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        with running_app("--models", "embedded") as url:
            seconds_to_open(browser, url, "vit/compare", "#vit-page-compare")  # the browser itself has started
        for page, panel in PAGES.items():
            with running_app("--models", "embedded", GLASSBOX_EARLY="0") as url:
                cold = seconds_to_open(browser, url, page, panel)
            with running_app("--models", "embedded", GLASSBOX_EARLY="1") as url:
                time.sleep(SETTLED_SECONDS)
                first, other = (seconds_to_open(browser, url, page, panel) for _ in range(2))
            yield Row(f"{page} opened, its example drawn", (1000 * first,), "nothing opened ahead", (1000 * cold,))
            yield Row(f"{page}, the next visitor", (1000 * other,))
        browser.close()
