"""The whole picture in a real browser: a token followed, parts as doors to the pages that take them apart."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def picture(open_tab):
    def open_(**how):
        page = open_tab("attention", "The whole picture", **how)
        expect(page.locator("#picture-view .ar-block")).to_have_count(6)
        return page

    return open_


def test_a_part_opens_its_page_at_that_layer_head_and_token(picture, screenshots):
    page = picture()
    view = page.locator("#picture-view")
    page.screenshot(path=screenshots / "attention-picture.png", full_page=True)
    view.locator(".ar-encoder .ar-token", has_text="car").click()
    attention = view.locator(".ar-encoder .ar-block").nth(1).locator(".ar-query")  # of three, from the top
    expect(attention).to_contain_text("“car” reads")
    head = attention.inner_text().split("head ")[1].split(":")[0]
    attention.click()
    chosen = page.locator("#attention-page-weighted_sum")
    expect(chosen.locator(".ws-layer-value")).to_have_text("2")
    expect(chosen.locator(".ws-head-value")).to_have_text(head)
    expect(page.locator("#sum-text textarea")).to_have_value("My brother bought a red car last week.")


@pytest.mark.slow
def test_the_feed_forward_network_opens_the_layer_of_the_token(picture):
    page = picture()
    view = page.locator("#picture-view")
    view.locator(".ar-decoder .ar-token").nth(2).click()
    view.locator(".ar-decoder .ar-block").nth(2).locator(".ar-value").click()  # the lowest
    walk = page.locator("#layers-walk")
    expect(walk.locator(".walk-title")).to_contain_text("(3) in layer 1")
    expect(walk).to_contain_text("W_1 x")


def test_the_sentence_flows_step_by_step_and_the_twin_has_a_page(picture):
    page = picture()
    view = page.locator("#picture-view")
    for _ in range(7):
        view.get_by_role("button", name="Back", exact=True).click()
    expect(view.locator(".ar-said")).to_contain_text("Each English token becomes a vector")
    expect(view.locator(".waiting")).not_to_have_count(0)
    view.get_by_role("button", name="Next", exact=True).click()
    expect(view.locator(".ar-said")).to_contain_text("Encoder, layer 1")
    view.locator(".ar-twin .ar-memory").click()
    expect(page.locator("#sequences-sentence textarea")).to_have_value("My brother bought a red car last week.")
    expect(page.locator("#sequences-drawing .un-shared-title")).to_contain_text("2 cells with weights of their own")


@pytest.mark.slow
def test_nothing_goes_sideways_on_a_phone(picture, screenshots):
    page = picture(phone=True, dark=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for section in page.locator("#picture-view section").all():
        assert section.bounding_box()["width"] <= page.locator("#picture-view .ar-columns").bounding_box()["width"]
    page.screenshot(path=screenshots / "attention-picture-phone.png", full_page=True)
