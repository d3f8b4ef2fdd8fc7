"""The whole picture from the side of the recurrent network: it comes first, and its cell opens the page of the cell."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_twin_comes_first_and_its_cell_is_a_door(open_tab, screenshots):
    page = open_tab("sequences", "The whole picture")
    view = page.locator("#whole-view")
    expect(view.locator("section").first).to_have_class("ar-twin")
    expect(view.locator(".ar-block")).to_have_count(6)
    page.screenshot(path=screenshots / "sequences-picture.png", full_page=True)
    view.locator(".ar-twin .ar-query").click()
    expect(page.locator("#sequences-text textarea")).to_have_value("My brother bought a red car last week.")
    expect(page.locator("#sequences-model input:checked")).to_have_value("char-gru")
