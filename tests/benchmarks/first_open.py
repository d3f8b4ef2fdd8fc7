"""Seconds from a click on an address to a page with its example on it, each in a new process (run this file).

Three visits: at once, with nothing loaded ahead (`GLASSBOX_EARLY=0`); some seconds after the start, when the app has
opened its first pages itself; and another visitor's first visit after that.
"""

import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, running_app

PAGES = {"attention/explorer": "#attention-page-explorer", "vit/steps": "#vit-page-steps"}
SETTLED_SECONDS = 25


def seconds_to_open(browser, url, page, panel):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab, at = page.split("/")
    visit, began = context.new_page(), time.perf_counter()
    visit.goto(f"{url}/?tab={tab}&at={at}")
    visit.locator(f"{panel}[data-opened=true]").wait_for(timeout=120_000)
    took = time.perf_counter() - began
    context.close()
    return took


def main():
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
            print(f"{page:20} cold {cold:.1f} s, after {SETTLED_SECONDS} s {first:.1f} s, another {other:.1f} s")


if __name__ == "__main__":
    main()
