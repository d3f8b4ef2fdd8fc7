"""Live translation in a real browser: the grid grows, words are forced, a beam grows its tree; on a phone and dark."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

VIEW, TREE = "#translate-view", "#translate-tree"
SENTENCE = "My brother bought a red car last week."


def written(page):
    return page.locator(f"{VIEW} .tv-written .ts-token:not(.tv-next)")


def press(page, name, count):
    """Press a button and wait until `count` tokens are written."""
    page.locator(f"#translate-{name}").click()
    page.wait_for_function(
        "count => document.querySelectorAll('#translate-view .tv-written .ts-token:not(.tv-next)').length === count"
        " && document.querySelector('#translate-view .tv').dataset.state === 'full'",
        arg=count,
    )


def write_all(page, sentence=SENTENCE):
    page.locator("#translate-text textarea").fill(sentence)
    page.locator("#translate-all").click()
    page.locator(f"{VIEW} .tv-written .ts-token", has_text="(end)").wait_for()


def readout(page):
    return page.locator(f"{VIEW} .tv-readout").inner_text()


def choose(page, network):
    page.locator("#translate-model input").click()
    page.get_by_role("option", name=network).click()


@pytest.fixture
def page(open_tab):
    page = open_tab("attention", "Live translation")
    page.locator("#translate-again").click()  # it opens on a whole translation
    page.get_by_text("nothing written yet").wait_for()
    return page


def test_the_grid_grows_by_a_row_a_click(page):
    height = lambda: page.locator(f"{VIEW} .tv-map").bounding_box()["height"]  # noqa: E731
    press(page, "next", 1)
    first = height()
    assert written(page).all_inner_texts() == ["Mon"]
    press(page, "next", 2)
    second = height()
    press(page, "next", 3)
    assert height() - second == pytest.approx(second - first) != 0
    press(page, "back", 2)
    assert height() == pytest.approx(second)
    page.locator("#translate-again").click()
    page.get_by_text("nothing written yet").wait_for()
    assert written(page).count() == 0


@pytest.mark.slow
def test_a_french_word_shows_its_english_ones_and_the_other_way_round(page, screenshots):
    write_all(page)
    names = written(page).all_inner_texts()
    red = names.index("rouge")
    written(page).nth(red).click()
    assert re.search(r"For “rouge” the network looks most at “red” 0\.\d\d", readout(page))
    shares = page.locator(f"{VIEW} .tv-source .ts-token").evaluate_all(
        "buttons => buttons.map(b => parseFloat(b.style.getPropertyValue('--ts-share')))"
    )
    english = page.locator(f"{VIEW} .tv-source .ts-token").all_inner_texts()
    assert english[shares.index(max(shares))] == "red"
    page.locator(f"{VIEW} .tv-source .ts-token", has_text="brother").click()
    assert re.search(r"“brother” was looked at most for “frère” 0\.\d\d", readout(page))
    before = readout(page)
    page.locator(f"{VIEW} select").select_option(label="layer 1, head 1")
    assert readout(page) != before
    page.screenshot(path=screenshots / "attention-translation-live.png", full_page=True)


def test_another_word_is_forced_and_gone_on_from(page):
    write_all(page)
    first = page.locator(f"{VIEW} .tv-text b").inner_text()
    written(page).nth(0).click()
    candidates = page.locator(f"{VIEW} .tv-candidates button")
    assert candidates.nth(0).get_attribute("aria-pressed") == "true"
    other = candidates.nth(1).locator("span").inner_text()
    candidates.nth(1).click()
    page.wait_for_function(
        "() => document.querySelectorAll('#translate-view .tv-written .ts-token:not(.tv-next)').length === 1"
    )
    assert written(page).all_inner_texts() == [other]
    page.locator("#translate-all").click()
    page.locator(f"{VIEW} .tv-written .ts-token", has_text="(end)").wait_for()
    second = page.locator(f"{VIEW} .tv-text b").inner_text()
    assert second != first
    assert second.startswith(other)


@pytest.mark.slow
def test_own_words_are_written(page):
    press(page, "next", 1)
    words = page.locator("#translate-words textarea, #translate-words input")
    words.fill("petit frère")
    page.locator("#translate-write").click()
    page.locator(f"{VIEW} .tv-text b", has_text="Mon petit frère").wait_for()
    expect(words).to_have_value("")
    words.fill("🙂")
    page.locator("#translate-write").click()
    page.get_by_text("no token for some character").wait_for()
    expect(words).to_have_value("🙂")


def test_the_beam_grows_a_tree(page, screenshots):
    page.locator("#translate-text textarea").fill(SENTENCE)
    page.locator("#translate-search").click()
    page.locator(f"{TREE} .bt-node").first.wait_for()
    fates = page.locator(f"{TREE} .bt-node").evaluate_all("nodes => nodes.map(n => n.dataset.fate)")
    assert {"kept", "dropped", "ended"} == set(fates)
    best = page.locator(f"{TREE} .bt-node[data-best=true] span").all_inner_texts()
    assert best == written(page).all_inner_texts()
    page.locator("#translate-finds table").wait_for()
    page.locator(TREE).screenshot(path=screenshots / "attention-beam.png")
    page.locator(f"{TREE} .bt-node[data-fate=dropped]").nth(0).click()
    page.wait_for_function(
        "() => document.querySelectorAll('#translate-view .tv-written .ts-token:not(.tv-next)').length === 1"
    )


@pytest.mark.slow
def test_without_attention_there_is_one_vector(page):
    choose(page, "GRU, one vector")
    page.get_by_text("This network has no attention").wait_for()
    assert not page.locator(f"{VIEW} .tv-map").is_visible()
    page.get_by_text("384 numbers").wait_for()
    press(page, "next", 1)
    choose(page, "GRU with attention")
    page.locator(f"{VIEW} .tv-map").wait_for()
    assert not page.locator(f"{VIEW} select").is_visible()


def test_why_attention_shows_three_networks_beside_each_other(open_tab, screenshots):
    page = open_tab("attention", "Why attention")
    rows = page.locator("#why-versions tr")
    expect(rows).to_have_count(4)
    page.locator("#why-bleu svg").first.wait_for()
    page.screenshot(path=screenshots / "attention-why.png", full_page=True)
    page.locator("#why-text textarea").fill("<img src=x onerror=alert(1)> Go.")
    page.locator("#why-compare").click()
    expect(page.locator("#why-versions")).not_to_contain_text("Berlin")
    expect(rows).to_have_count(4)
    assert page.locator("#why-versions img").count() == 0
    page.get_by_role("button", name="The whole picture").click()
    expect(page.locator("#picture-view")).to_be_visible()


@pytest.mark.slow
def test_markup_stays_text_and_mistakes_get_a_sentence(page):
    page.locator("#translate-text textarea").fill("<img src=x onerror=alert(1)> {{value}}")
    page.locator("#translate-next").click()
    page.locator(f"{VIEW} .tv-source .ts-token").first.wait_for()
    assert page.locator(f"{VIEW} img").count() == 0
    page.locator("#translate-text textarea").fill(" ")
    page.locator("#translate-next").click()
    page.get_by_text("The sentence is empty").wait_for()


@pytest.mark.slow
def test_nothing_sideways_on_a_phone_in_the_dark(open_tab, screenshots):
    page = open_tab("attention", "Live translation", dark=True, phone=True)
    write_all(page)
    page.locator("#translate-search").click()
    page.locator(f"{TREE} .bt-node").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "attention-translation-phone.png", full_page=True)
