"""Layer by layer in a real browser: the grid, a cell taken apart, the softmax, writing on, dark, a phone."""

import re

import pytest

pytestmark = pytest.mark.browser

LENS, WALK, NEXT = "#layers-lens", "#layers-walk", "#layers-next"


def run(page, text="Alice was beginning to get very tired"):
    page.locator(f"{LENS} .lens-cell").first.evaluate("cell => { cell.dataset.opening = 'yes'; }")
    page.locator("#layers-text textarea").fill(text)
    page.locator("#layers-run").click()
    page.locator(f"{LENS} [data-opening]").wait_for(state="detached")
    page.locator(f"{LENS} [data-state=full]").wait_for()
    page.locator(f"{NEXT} .nt[data-state=full]").wait_for()


def test_from_the_grid_to_the_numbers(open_tab, screenshots):
    page = open_tab("attention", "Layer by layer")
    run(page)
    cells = page.locator(f"{LENS} .lens-cell")
    assert cells.count() % page.locator(f"{LENS} .lens-read:not(.lens-row)").count() == 0
    title = page.locator(f"{WALK} .walk-title")
    cells.nth(2).click()
    assert cells.nth(2).get_attribute("aria-pressed") == "true"
    title.get_by_text("(3) in layer").wait_for()
    strip = page.locator(f"{WALK} .walk-strip").first
    strip.hover(position={"x": 40, "y": 8})
    assert re.search(r"number \d+ of 256: -?\d+\.\d{3}", page.locator(f"{WALK} .walk-read").inner_text())
    before = cells.nth(0).inner_text()
    page.get_by_role("button", name="uncertainty (bits)").click()
    assert cells.nth(0).inner_text() != before
    page.screenshot(path=screenshots / "attention-layers.png", full_page=True)


@pytest.mark.slow
def test_temperature_top_k_and_a_token_written(open_tab):
    page = open_tab("attention", "Layer by layer")
    run(page)
    shares = page.locator(f"{NEXT} .nt-share")
    first = float(shares.first.inner_text())
    page.locator(f"{NEXT} .nt-temperature").fill("2")
    assert float(shares.first.inner_text()) < first
    page.locator(f"{NEXT} .nt-topk").fill("1")
    assert shares.first.inner_text() == "1.000"
    page.locator(f"{NEXT} .nt-row").first.click()
    page.wait_for_function("document.querySelector('#layers-text textarea').value.length > 37")
    read = page.locator(f"{LENS} .lens-read:not(.lens-row)")
    word = page.locator("#layers-text textarea").input_value().split()[-1]
    read.last.get_by_text(word[-3:]).wait_for()


@pytest.mark.slow
def test_a_network_that_predicts_nothing(open_tab):
    page = open_tab("attention", "Layer by layer")
    page.locator("#layers-model input").click()
    page.get_by_role("option", name=re.compile("MiniLM")).click()
    page.locator(f"{LENS} .lens-note", has_text="no table of words").wait_for()
    assert page.get_by_text("Run a network that predicts tokens").is_visible()


@pytest.mark.slow
def test_nothing_sideways_on_a_phone_in_the_dark(open_tab, screenshots):
    page = open_tab("attention", "Layer by layer", phone=True, dark=True)
    run(page, "the cat that lived in the house " * 30)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "attention-layers-phone.png", full_page=True)
