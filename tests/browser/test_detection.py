"""A picture in a real browser: an example, the threshold, a phone."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(open_tab):
    def open_(**how):
        page = open_tab("detection", **how)
        expect(boxes(page).first).to_be_visible()
        return page

    return open_


def take_example(page):
    figure = page.locator("#detection-figure .figure")
    before = figure.get_attribute("data-run")
    page.get_by_role("button", name="Ten things").click()
    expect(figure).not_to_have_attribute("data-run", before)
    expect(boxes(page).first).to_be_visible()


def boxes(page):
    return page.locator("#detection-figure .list button")


def set_threshold(page, value):
    number = page.locator("#detection-threshold input[type=number]")
    number.fill(str(value))
    number.press("Tab")


@pytest.mark.core
def test_the_page_opens_on_an_example_whose_things_are_all_found(tab):
    page = tab()
    expect(boxes(page)).to_have_count(5)
    expect(page.locator("#detection-finding p")).to_contain_text("Five things are found above 0.5. The box of")


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


@pytest.mark.slow
def test_a_phone_in_the_dark_scrolls_nothing_sideways(tab, screenshots):
    page = tab(phone=True, dark=True)
    take_example(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "detection-phone.png", full_page=True)


def test_an_object_is_made_smaller_until_it_is_lost_and_the_link_knows_how_small(open_tab, screenshots):
    page = open_tab("detection", "DETR and RF-DETR", phone=True)
    finding, view = page.locator("#shrink-finding"), page.locator("#shrink-view .sh")
    expect(page.locator("#family-table tr")).to_have_count(8)
    expect(finding).to_contain_text("of its size.")
    expect(view.locator(".sh-said")).to_contain_text("patches a side.")
    slider = view.locator("input[type=range]")
    assert slider.get_attribute("max") == "10"
    slider.press("End")
    expect(view).to_have_attribute("data-size", "10")
    expect(view.locator(".sh-said")).to_contain_text(re.compile(r"nothing on the object|0\.[0-4]\d at"))
    expect(page).to_have_url(re.compile("size=10"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    other = view.locator(".sh-objects button").nth(1)
    name = other.inner_text().rsplit(" ", 1)[0]
    other.click()
    expect(finding).to_contain_text(f"sure of {name} at")
    page.screenshot(path=screenshots / "detection-shrink.png", full_page=True)
