"""The visitor's last action wins: what comes late changes nothing that was done since."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_first_click_on_a_fresh_page_is_kept(new_page):
    page = new_page()
    page.goto("/", wait_until="commit")
    page.get_by_role("tab", name="Diffusion", exact=True).click()
    page.wait_for_function("history.state?.glassbox")
    expect(page.get_by_role("tab", name="Diffusion", exact=True)).to_have_attribute("aria-selected", "true")
    page.locator("#tab-diffusion [role=tabpanel]:visible").first.wait_for()
    expect(page).to_have_url(lambda url: "tab=diffusion" in url)


def test_a_text_of_one_s_own_stays_on_going_to_another_page_and_back(open_tab):
    page = open_tab("attention")
    first = page.locator("#attention-text textarea")
    first.fill("My own first words.")
    tab = page.locator("#tab-attention")
    tab.get_by_role("tab", name="Layer by layer", exact=True).click()
    second = tab.locator("textarea:visible").first
    expect(second).to_have_value("My own first words.")
    second.fill("Other words, written here.")
    tab.get_by_role("tab").first.click()
    expect(first).to_have_value("My own first words.")
    first.fill("The first page once more.")
    tab.get_by_role("tab", name="Layer by layer", exact=True).click()
    expect(second).to_have_value("Other words, written here.")
