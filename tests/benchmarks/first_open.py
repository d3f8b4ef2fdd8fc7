"""From a click on an address to a page with its example on it, each in a new process.

Some seconds after the start, when the app has opened its first pages itself; beside it a visit at once, with nothing
loaded ahead (`GLASSBOX_EARLY=0`); and another visitor's first visit. What the browser's scripts take of that, in turn
with Gradio's own as they are (`demos/door/mended.py`).
"""

import time
from collections.abc import Iterator
from pathlib import Path

import gradio
from playwright.sync_api import sync_playwright

from demos.door.mended import is_mended
from tests.benchmarks.rows import Row
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, running_app

PAGES = {"attention/explorer": "#attention-page-explorer", "vit/steps": "#vit-page-steps"}
SETTLED_SECONDS, PAIRS = 20, 5
ASSETS = Path(gradio.__file__).parent / "templates/frontend/assets"
MENDED = {file.name: file for file in ASSETS.glob("*.js") if is_mended(f"/assets/{file.name}")}


def seconds_to_open(browser, url, page, panel):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    began = time.perf_counter()
    visit(context.new_page(), url, page, panel)
    took = time.perf_counter() - began
    context.close()
    return took


def visit(tab, url, page, panel):
    name, at = page.split("/")
    tab.goto(f"{url}/?tab={name}&at={at}")
    tab.locator(f"{panel}[data-opened=true]").wait_for(timeout=120_000)


def as_gradio_has_it(route):
    file = MENDED.get(route.request.url.rsplit("/", 1)[-1])
    if file:
        route.fulfill(path=file, content_type="text/javascript")
    else:
        route.fallback()


def script_milliseconds(browser, url, page, panel, *, mended):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    if not mended:
        context.route("**/assets/*.js", as_gradio_has_it)
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    session.send("Performance.enable")
    visit(tab, url, page, panel)
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    context.close()
    return 1000 * metrics["ScriptDuration"]


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
                scripts = {True: [], False: []}
                for mended in [True, False] * PAIRS:
                    scripts[mended].append(script_milliseconds(browser, url, page, panel, mended=mended))
            yield Row(f"{page} opened, its example drawn", (1000 * first,), "nothing opened ahead", (1000 * cold,))
            yield Row(f"{page}, the next visitor", (1000 * other,))
            yield Row(
                f"scripts until {page} is there",
                tuple(scripts[True]),
                "Gradio's own as they are",
                tuple(scripts[False]),
            )
        browser.close()
