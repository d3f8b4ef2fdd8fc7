"""The tab in a real browser: an example, the threshold, a query's points, the camera, refusal, leaving, a phone."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
ANSWER_MS = 90_000


@pytest.fixture
def tab(open_tab):
    def open_(**how):
        page = open_tab("detection", **how)
        expect(page.locator("#detection-figure .empty")).to_be_visible()
        return page

    return open_


def take_example(page):
    page.get_by_role("button", name="Ten things").click()
    expect(boxes(page).first).to_be_visible(timeout=ANSWER_MS)


def boxes(page):
    return page.locator("#detection-figure .list button")


def live(page):
    return page.locator("#detection-live .live")


def start_camera(page):
    page.get_by_role("tab", name="The live camera").click()
    page.get_by_role("button", name="Start the camera").click()


def answered(page, at_least):
    page.wait_for_function(
        "(n) => Number(document.querySelector('#detection-live .live')?.dataset.answered || 0) >= n",
        arg=at_least,
        timeout=ANSWER_MS,
    )


def set_threshold(page, value):
    number = page.locator("#detection-threshold input[type=number]")
    number.fill(str(value))
    number.press("Tab")


def test_an_example_gets_boxes_and_the_threshold_redraws_without_a_run(tab, screenshots):
    page = tab()
    take_example(page)
    expect(page.locator("#detection-strip")).to_contain_text("parameters 26")
    page.screenshot(path=screenshots / "detection.png", full_page=True)
    before, sent = boxes(page).count(), []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    set_threshold(page, 0.1)
    expect(page.locator("#detection-figure .count")).to_contain_text("above 0.10")
    assert boxes(page).count() > before
    set_threshold(page, 1)
    expect(page.locator("#detection-figure .count")).to_contain_text("Lower the threshold")
    expect(boxes(page)).to_have_count(0)
    assert sent == []


def test_clicking_a_box_shows_where_its_query_looked(tab, screenshots):
    page = tab()
    take_example(page)
    boxes(page).first.click()
    expect(page.locator("#detection-figure .explanation")).to_contain_text("Object query")
    layers = page.locator("#detection-figure .layers button")
    expect(layers).to_have_count(3)
    layers.first.click()
    expect(layers.first).to_have_attribute("aria-pressed", "true")
    page.screenshot(path=screenshots / "detection-inside.png", full_page=True)
    boxes(page).first.click()
    expect(page.locator("#detection-figure .inside")).to_be_hidden()


def test_the_camera_is_answered_frame_by_frame_and_stops(tab, screenshots):
    page = tab()
    start_camera(page)
    answered(page, 3)
    assert int(live(page).get_attribute("data-boxes")) >= 1
    facts = page.locator("#detection-live .facts")
    for name in ("capture", "transfer", "model time", "drawing", "frames", "RF-DETR"):
        expect(facts).to_contain_text(name)
    page.screenshot(path=screenshots / "detection-live.png", full_page=True)
    page.locator("#detection-live .stop").click()
    expect(page.locator("#detection-live .message")).to_have_text("The camera is off.")
    assert page.evaluate("document.querySelector('#detection-live video').srcObject") is None


def test_leaving_the_tab_stops_the_camera(tab):
    page = tab()
    start_camera(page)
    answered(page, 1)
    page.get_by_role("tab", name="A picture").click()
    expect(live(page)).to_have_attribute("data-state", "off")
    assert page.evaluate("document.querySelector('#detection-live video').srcObject") is None


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("NotAllowedError", "The camera was refused"), ("NotFoundError", "No camera was found"), ("Other", "start again")],
)
def test_a_camera_that_cannot_be_had_is_said(tab, fault, sentence):
    page = tab()
    page.evaluate(
        "(name) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', name)); }", fault
    )
    start_camera(page)
    expect(page.locator("#detection-live .message")).to_contain_text(sentence)
    expect(page.locator("#detection-live .start")).to_be_enabled()


def test_a_phone_in_the_dark_scrolls_nothing_sideways(tab, screenshots):
    page = tab(phone=True, dark=True)
    take_example(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "detection-phone.png", full_page=True)
