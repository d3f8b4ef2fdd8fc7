"""All at once in a real browser: the measurement streams, can be stopped, and is drawn on both kinds of axes."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

DOTS = "#parallel-reading circle"
FEWEST = """() => {
  const chart = document.querySelector("#parallel-reading");
  window.fewest = Infinity;
  const count = () => (window.fewest = Math.min(window.fewest, chart.querySelectorAll("circle").length));
  new MutationObserver(count).observe(chart, { childList: true, subtree: true });
}"""
"""Remembers how few points were drawn at any time from now on: a run that starts anew is seen, however fast it is."""


@pytest.fixture
def page(open_tab):
    return open_tab("attention", "All at once")


def test_the_measurement_streams_and_stops(page):
    page.locator("#parallel-run").click()
    page.locator(DOTS).first.wait_for()
    first = page.locator(DOTS).count()
    page.wait_for_function("n => document.querySelectorAll('#parallel-reading circle').length > n", arg=first)
    page.locator("#parallel-stop").click()
    page.locator("#parallel-strip", has_text="Stopped").wait_for()
    page.wait_for_timeout(1500)
    stopped = page.locator(DOTS).count()
    page.wait_for_timeout(3000)
    assert page.locator(DOTS).count() == stopped
    page.evaluate(FEWEST)
    page.locator("#parallel-run").click()
    page.wait_for_function("n => window.fewest < n + 3", arg=stopped)
    page.locator("#parallel-strip", has_text=re.compile(r"\d points measured")).wait_for()


@pytest.mark.slow
def test_it_comes_to_an_end_and_is_drawn(open_tab, screenshots):
    page = open_tab("attention", "All at once")
    page.locator("#parallel-run").click()
    page.locator("#parallel-strip", has_text="Done").wait_for()
    page.locator("#parallel-said", has_text="To write the one after").wait_for()
    labels = page.locator("#parallel-reading .axis").all_text_contents()
    page.locator("#parallel-log input").check()
    page.wait_for_function(
        "old => [...document.querySelectorAll('#parallel-reading .axis')].map(t => t.textContent).join() !== old",
        arg=",".join(labels),
    )
    page.screenshot(path=screenshots / "attention-parallel.png", full_page=True)


@pytest.mark.slow
def test_nothing_sideways_on_a_phone_in_the_dark(open_tab, screenshots):
    page = open_tab("attention", "All at once", phone=True, dark=True)
    page.locator("#parallel-run").click()
    page.locator(DOTS).first.wait_for()
    page.locator("#parallel-stop").click()
    page.locator("#parallel-strip", has_text="Stopped").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "attention-parallel-phone.png", full_page=True)


@pytest.mark.slow
def test_loss_by_position_is_there_without_measuring(page):
    page.locator("#parallel-loss .line").nth(3).wait_for()
    assert page.get_by_text("Measured beforehand").is_visible()


def test_it_opens_on_the_schedule_of_both_networks(page):
    said = page.locator("#parallel-schedule .sd-said")
    expect(said).to_contain_text("LSTM: 16 steps one after the other")
    expect(said).to_contain_text("Transformer: 4 steps one after the other")
    expect(said).to_contain_text("Ten times as many characters: 160 and 4 steps.")
    page.locator(".sd-task").select_option("again")
    expect(said).to_contain_text("Transformer: 64 steps one after the other")
    page.locator(".sd-step").fill("3")
    expect(page.locator(".sd-name").first).to_have_text("LSTM: 16 steps, 3 done")
