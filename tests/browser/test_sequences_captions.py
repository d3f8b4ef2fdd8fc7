"""Captions in a real browser: words with what they read, another word put in a place, the toy scenes beside."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_tab):
    return open_tab("sequences", "Captions")


def whole(view):
    """Until the last word is written; all of them."""
    words = view.locator(".cw-word")
    expect(view.locator(".cw-word.later")).to_have_count(0)
    return words


def test_a_photo_is_described_word_by_word_and_another_word_is_put_in(page, screenshots):
    view = page.locator("#captions-words")
    words = whole(view)
    expect(words.last).to_have_text("(end)")
    expect(view.locator(".cw-readout")).to_contain_text("it read most of the cell in row")
    expect(view.locator(".cw-found li")).not_to_have_count(0)
    expect(page.locator("#captions-finding")).to_contain_text("It says “a red stop sign")
    expect(page.locator("#captions-knows")).to_contain_text("It does not know what it has not seen there")
    page.screenshot(path=screenshots / "sequences-captions.png", full_page=True)
    words.nth(1).click()
    expect(words.nth(1)).to_have_attribute("aria-pressed", "true")
    other = view.locator(".cw-likely button:not(.taken):enabled").first
    chosen = other.locator(".gb-bar-name").inner_text()
    other.click()
    expect(view.locator(".cw-word[data-chosen=true]")).to_have_count(2)
    expect(words.nth(1)).to_have_text(chosen)
    expect(page.locator("#captions-beginning :is(input, textarea)")).to_have_value(
        f"{words.first.inner_text()} {chosen}"
    )


@pytest.mark.slow
def test_what_it_has_no_word_for_is_said(page):
    page.locator("#captions-beginning :is(input, textarea)").fill("xylophone")
    page.locator("#captions-beginning :is(input, textarea)").press("Enter")
    expect(page.get_by_text("It has no word “xylophone”")).to_be_visible()


@pytest.mark.slow
def test_toy_scenes_have_their_own_network_that_looks_once(page):
    whole(page.locator("#captions-words"))
    page.locator("#captions-model").get_by_text("Toy scenes").click()
    page.locator("#captions-scene").click()
    view = page.locator("#captions-words")
    expect(view.locator(".cw[data-model=caption-gru]")).to_be_visible()
    expect(view.locator(".cw-readout")).to_contain_text("This network looks once")
    expect(page.locator("#captions-temperature")).to_be_hidden()
    expect(page.locator("#captions-knows")).to_contain_text("It knows ten objects in eight colours")


@pytest.mark.slow
def test_nothing_goes_sideways_on_a_phone_in_the_dark(open_tab, screenshots):
    page = open_tab("sequences", "Captions", phone=True, dark=True)
    whole(page.locator("#captions-words"))
    expect(page.locator("#captions-finding p")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "sequences-captions-phone.png", full_page=True)
