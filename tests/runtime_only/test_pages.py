"""Every inner page, used as a visitor would, where only `requirements.txt` is installed: open it, press its example and
its main button. Anything but an answer fails: a refusal, an apology, an error of the browser, silence.

Pages are found in the app's own configuration and buttons by their rank, so that a new page is walked without being
listed here.
"""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from demos import DEMOS
from tests.conftest import PATIENCE, choose_page, inner_pages, wait_for_the_opening

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).parent / "walk.js"
BEGUN_MILLISECONDS, END_MILLISECONDS = 3_000, 3_000
LARGEST_SESSION_VALUE = 50_000
STOP = re.compile(r"^Stop$")


def until(page, condition, milliseconds, argument=None):
    """Whether the condition on `runtime` (see walk.js) holds in time."""
    try:
        page.wait_for_function(f"argument => {condition}", arg=argument, timeout=milliseconds)
    except PlaywrightTimeoutError:
        return False
    return True


def press(page, panel, button):
    """Press, and wait until the server answers or, where it is not asked, the picture changes."""
    button.scroll_into_view_if_needed()
    name, shown = button.inner_text(), panel.screenshot()
    asked, answers = page.evaluate("[runtime.asked, runtime.answers]")
    button.click()
    if not until(page, "runtime.asked > argument", BEGUN_MILLISECONDS, asked):
        assert panel.screenshot() != shown, f"{name}: nothing happens"
        return
    answered = until(page, "runtime.answers > argument || runtime.failures.length", PATIENCE, answers)
    assert answered, f"{name}: no answer"
    if not until(page, "runtime.completed >= runtime.asked", END_MILLISECONDS):
        for stop in panel.get_by_role("button", name=STOP).all():
            if stop.is_visible() and stop.is_enabled():
                stop.click()


def teach_a_box(page, panel):
    """Your own objects: what is taught must be drawn first."""
    panel.locator(".fb-camera").click()
    panel.locator(".fb-snap:enabled").click()
    panel.locator(".fb-picture img").wait_for()
    panel.locator(".fb-name").fill("book")
    canvas = panel.locator(".fb-picture canvas")
    canvas.scroll_into_view_if_needed()
    area = canvas.bounding_box()
    page.mouse.move(area["x"] + 0.05 * area["width"], area["y"] + 0.02 * area["height"])
    page.mouse.down()
    page.mouse.move(area["x"] + 0.2 * area["width"], area["y"] + 0.2 * area["height"])
    page.mouse.move(area["x"] + 0.3 * area["width"], area["y"] + 0.33 * area["height"])
    page.mouse.up()
    panel.locator(".fb-list li").first.wait_for()
    panel.locator(".fb-camera").click()


BEFORE = {".fb-camera": teach_a_box}
"""What a page with such an element needs before its main button has something to work on."""


def faults(page):
    return page.evaluate("runtime.failures") + page.locator(".toast-body.error").all_inner_texts()


def walk(page, tab, title):
    choose_page(tab, title)
    panel = tab.locator("[role=tabpanel]:visible").first
    drawn = until(page, "runtime.drawn(argument)", PATIENCE, f"#{tab.get_attribute('id')}")
    assert drawn, f"{title}: neither a button nor a sentence"
    wait_for_the_opening(page, tab.get_attribute("id").removeprefix("tab-"))
    until(page, "runtime.completed >= runtime.asked", 60_000)
    for selector, prepare in BEFORE.items():
        if panel.locator(selector).count():
            prepare(page, panel)
    count = panel.evaluate("panel => runtime.mark(panel)")
    for place in range(count):
        press(page, panel, panel.locator(f'[data-walk="{place}"]'))
    assert not faults(page), f"{title}: {faults(page)}"


@pytest.fixture
def open_tab(new_page):
    def opened(slug):
        page = new_page()
        page.add_init_script(path=SCRIPT)
        page.goto(f"/?tab={slug}")
        tab = page.locator(f"#tab-{slug}")
        tab.wait_for(state="visible")
        return page, tab

    return opened


@pytest.mark.core
@pytest.mark.parametrize("slug", DEMOS)
def test_the_first_page_of_the_tab_answers(open_tab, app_url, slug):
    walk(*open_tab(slug), inner_pages(app_url, slug)[0])


@pytest.mark.parametrize("slug", DEMOS)
def test_every_page_of_the_tab_answers(open_tab, app_url, slug):
    page, tab = open_tab(slug)
    titles = inner_pages(app_url, slug)
    assert titles
    for title in titles:
        walk(page, tab, title)
    told = httpx.get(f"{app_url}/metrics").text
    largest = re.search(r'^glassbox_session_bytes{kind="largest"} (\S+)$', told, re.MULTILINE)
    assert float(largest[1]) <= LARGEST_SESSION_VALUE, "what is large belongs into a Store, its name into the session"
