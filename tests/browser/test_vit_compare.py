"""Six differences in a real browser: measured live, stopped, ten networks asked."""

import re

import pytest

pytestmark = pytest.mark.browser


def test_measure_and_ask(open_tab, screenshots):
    page = open_tab("vit", "Six differences")
    page.locator("#compare-data svg[role=img]").wait_for()
    page.locator("#vit-page-compare").get_by_role("button", name="A stop sign").click()
    page.locator("#compare-answers td", has_text=re.compile(r"\w+ \d+ %")).first.wait_for()
    page.locator("#compare-run").click()
    page.locator("#compare-said", has_text="times the pixels").wait_for()
    page.locator("#compare-seconds circle").nth(3).wait_for()
    page.locator("#compare-stop").click()
    page.locator("#compare-strip", has_text=re.compile("Stopped|Done")).wait_for()
    page.screenshot(path=screenshots / "vit-compare.png", full_page=True)


@pytest.mark.slow
def test_a_phone_in_the_dark(open_tab, screenshots):
    page = open_tab("vit", "Six differences", phone=True, dark=True)
    page.locator("#compare-data svg[role=img]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "vit-compare-phone.png", full_page=True)
