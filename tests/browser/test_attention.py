"""The Attention tab in a real browser: trace, pick a head and a token, cross-attention, a phone with 128 tokens."""

import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

EXPLORER = "#attention-explorer"
SENTENCE = "The animal didn't cross the street because it was too tired."


def trace(page, text=SENTENCE, model=None):
    page.locator("#attention-page-explorer[data-opened=true]").wait_for()
    tokens = page.locator(f"{EXPLORER} .ax-rows-strip")
    opened_on = tokens.text_content()
    if text == SENTENCE:
        return
    page.locator("#attention-text textarea").fill(text)
    if model:
        page.locator("#attention-model input").click()
        page.get_by_role("option", name=re.compile(model)).click()
    else:
        page.locator("#attention-run").click()
    expect(tokens).not_to_have_text(opened_on)


def readout(page):
    return page.locator(f"{EXPLORER} .ax-readout").inner_text()


@pytest.mark.core
def test_pick_a_head_and_a_token(open_tab, screenshots):
    page = open_tab("attention")
    trace(page)
    assert re.match(r"Layer 4, head 2: “it” \(11\) takes 0\.6\d\d of its attention from “animal”", readout(page))
    page.locator(f"{EXPLORER} .ax-ranked .gb-chip").nth(1).click()
    assert readout(page).startswith("Layer 6, head 12: “it”")
    page.get_by_role("button", name="Switch 6.12 off and see").click()
    page.get_by_text(re.compile(r"Without layer 6, head 12 the last vector of “it” moves by \d+ %")).wait_for()
    page.locator(f"{EXPLORER} .ax-sources-strip .ts-token").nth(9).click()
    page.get_by_text("Heads that look from “it” to “because” most").wait_for()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator(f"{EXPLORER} .hg-cell").nth(14).click()
    token = page.locator(f"{EXPLORER} .ax-rows-strip .ts-token").nth(10)
    token.click()
    assert token.get_attribute("aria-pressed") == "true"
    assert re.search(r"takes most, [01]\.\d{3} of its attention from", readout(page))
    before = readout(page)
    page.locator(f"{EXPLORER} .ax-layer").fill("3")
    assert readout(page).startswith("Layer 3, ")
    assert readout(page) != before
    page.locator(f"{EXPLORER} .ax-map").hover(position={"x": 150, "y": 150})
    assert "takes" in readout(page)
    numbers = page.locator(f"{EXPLORER} .ax-bars .ax-bar + span").all_inner_texts()
    assert sum(map(float, numbers)) == pytest.approx(1, abs=0.006)
    page.get_by_role("button", name="lines").click()
    page.locator(f"{EXPLORER} .ax-lines").click(position={"x": 80, "y": 35})
    assert "(2) takes" in readout(page)
    page.locator("#attention-explorer").screenshot(path=screenshots / "attention-lines.png")
    page.get_by_role("button", name="map").click()
    asked = [url for url in requests if "icon.svg" not in url]  # Chromium does when the address changes
    assert asked == [], "views must need nothing but the trace"
    page.screenshot(path=screenshots / "attention.png", full_page=True)


def test_the_translator_shows_which_word_drove_which(open_tab, screenshots):
    page = open_tab("attention")
    trace(page, "I love you.", model="Translator")
    page.locator(f"{EXPLORER} .ax-translation b").wait_for()
    pressed = page.locator(f"{EXPLORER} .ax-kinds [aria-pressed=true]")
    assert pressed.inner_text() == "Cross-attention"
    assert re.search(r"writing “ ?aime” .* from “ ?love”|writing “ ?Je” .* from “ ?I”", readout(page))
    page.locator(f"{EXPLORER} .ax-rows-strip .ts-token").nth(1).click()
    assert "writing" in readout(page)
    assert page.locator(f"{EXPLORER} .ax-sources-strip .ts-token").count() >= 4
    page.screenshot(path=screenshots / "attention-translation.png", full_page=True)


@pytest.mark.slow
def test_128_tokens_are_clickable_on_a_phone(open_tab, screenshots):
    page = open_tab("attention", phone=True, dark=True)
    trace(page, "The cat that lived in the house was asleep. " * 20)
    tokens = page.locator(f"{EXPLORER} .ax-rows-strip .ts-token")
    assert tokens.count() == 128
    assert "first 128 are shown" in page.locator(f"{EXPLORER} .ax-note").inner_text()
    for index in (0, 64, 127):
        tokens.nth(index).tap()
        box = tokens.nth(index).bounding_box()
        assert min(box["width"], box["height"]) >= 24
        assert f"({index + 1}) takes" in readout(page)
    started = time.perf_counter()
    page.evaluate("document.querySelectorAll('#attention-explorer .hg-cell')[5].click()")
    assert time.perf_counter() - started < 0.5
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "attention-phone.png", full_page=True)


@pytest.mark.slow
def test_markup_stays_text(open_tab):
    page = open_tab("attention")
    trace(page, "<img src=x onerror=alert(1)> {{value}} ${1+1}")
    assert page.locator(f"{EXPLORER} img").count() == 0
    strip = page.locator(f"{EXPLORER} .ax-rows-strip")
    expect(strip).to_contain_text("alert")
    assert "onerror" in strip.inner_text().replace("\n", "").replace("##", "")


def test_an_empty_sentence_is_told_so(open_tab):
    page = open_tab("attention")
    page.locator("#attention-text textarea").fill("  ")
    page.locator("#attention-run").click()
    page.get_by_text("The sentence is empty").wait_for()
