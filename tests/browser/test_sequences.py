"""The tab in a real browser: typing, going back in time, units, layers, sampling, an emoji, a phone, the dark look."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(open_tab):
    def open_(text=None, **how):
        page = open_tab("sequences", **how)
        expect(page.locator("#sequences-reader .followed")).to_contain_text("goes along with “inside quotation marks”")
        page.locator("#sequences-text textarea").fill(text or "")
        expect(characters(page)).to_have_count(len(text or "") + 1)
        return page

    return open_


def characters(page):
    return page.locator("#sequences-reader .characters span")


def title(page):
    return page.locator("#sequences-reader .prediction-title")


def readout(page):
    return page.locator("#sequences-reader .readout")


def text_of(page):
    return page.locator("#sequences-text textarea").input_value()


@pytest.mark.core
def test_typing_shows_prediction_surprise_and_memory(tab, screenshots):
    page = tab()
    page.locator("#sequences-text textarea").press_sequentially("The old house sto", delay=40)
    expect(characters(page)).to_have_count(18)
    expect(title(page)).to_have_text("Next character after “…ld house sto”")
    expect(page.locator(".bars button")).to_have_count(8)
    expect(page.locator(".bars .name").first).to_have_text("o")
    expect(page.locator(".summary")).to_contain_text("bits per character")
    expect(page.locator(".gb-strip", has_text="Character LSTM").first).to_be_visible()
    page.screenshot(path=screenshots / "sequences.png")


@pytest.mark.slow
def test_pasting_and_deleting_are_seen_too(tab):
    page = tab()
    page.locator("#sequences-text textarea").focus()
    page.keyboard.insert_text("Pasted at once")
    expect(characters(page)).to_have_count(15)
    page.keyboard.press("Backspace")
    expect(characters(page)).to_have_count(14)
    page.locator("#sequences-text textarea").fill("")
    expect(characters(page)).to_have_count(1)
    expect(title(page)).to_have_text("First character of a text")


def test_a_key_goes_past_events_and_by_one_where_that_is_not_answered(tab):
    page = tab("The old house")
    box = page.locator("#sequences-text textarea")
    with page.expect_request(lambda request: "typed_reading" in (request.post_data or "")):
        box.press_sequentially(" ")
    expect(characters(page)).to_have_count(15)
    page.route(re.compile("component_server"), lambda route: route.fulfill(body="null"))
    with page.expect_request("**/queue/join*"):
        box.press_sequentially("s")
    expect(characters(page)).to_have_count(16)
    expect(title(page)).to_have_text("Next character after “… old house s”")


def _settle(page, requests):
    """Wait until the writing before has asked for nothing for two seconds, and forget what it asked for."""
    seen = None
    while seen != len(requests):
        seen = len(requests)
        page.wait_for_timeout(2000)
    requests.clear()


HELD = """() => {
  const { fetch } = window;
  window.fetch = async (to, how) => {
    if (!window.held && String(to).includes("/queue/join")) {
      window.held = true;
      await new Promise((go) => { window.release = go; });
    }
    return fetch(to, how);
  };
}"""
"""The next event does not leave the browser until it is released."""


def test_of_quick_moves_the_last_is_drawn(tab):
    """The second comes while the first is still on its way."""
    page = tab("The old house stood")
    page.evaluate(HELD)
    characters(page).nth(3).click()
    page.wait_for_function("window.held")
    page.locator(".scrubber").press("ArrowRight")
    page.wait_for_timeout(
        500
    )  # moves are told a moment later; where that takes longer, the second is simply a new event
    page.evaluate("window.release()")
    expect(page.locator("#sequences-cell .un-title")).to_have_text("Inside the cell at step 4")


@pytest.mark.slow
def test_going_back_in_time_runs_no_network(tab):
    """Hovering asks nobody; a click has the cell drawn again from the stored trace, and the strip stays as it was."""
    page = tab("The old house stood")
    strip = page.locator("#tab-sequences .gb-strip:visible").first
    requests = []
    page.on("request", lambda request: requests.append(request.url) if "/queue/" in request.url else None)
    _settle(page, requests)
    characters(page).nth(5).hover()
    expect(title(page)).to_have_text("Next character after “The o”")
    expect(page.locator(".bars .taken .name")).to_have_text("l")
    assert requests == []
    facts = strip.inner_text()
    characters(page).nth(3).click()
    page.mouse.move(5, 5)
    expect(title(page)).to_have_text("Next character after “The”")
    page.locator(".scrubber").press("ArrowRight")
    expect(title(page)).to_have_text("Next character after “The ”")
    expect(page.locator("#sequences-cell .un-title")).to_have_text("Inside the cell at step 4")
    page.get_by_role("button", name="now", exact=True).click()
    expect(title(page)).to_have_text("Next character after “… house stood”")
    expect(page.locator("#sequences-cell .un-title")).to_have_text("Inside the cell at step 19")
    asked = len(requests)
    page.locator(".colouring").select_option("unit")
    page.locator(".ordering").select_option("slow")
    assert len(requests) == asked
    assert strip.inner_text() == facts


def test_number_on_hover_and_arithmetic_of_a_cell(tab):
    page = tab("The old house stood")
    page.get_by_label("hidden state", exact=True).check()
    expect(page.locator(".map-title")).to_have_text("Hidden state, 512 units over time")
    page.locator(".cells").hover(position={"x": 60, "y": 120})
    expect(readout(page)).to_have_text(re.compile(r"^Unit \d+ after “.+” \(character \d+\): −?\d\.\d{3}\."))
    page.locator(".cells").click(position={"x": 60, "y": 120})
    number = re.search(r": (−?\d\.\d{3})\.", readout(page).inner_text()).group(1)
    page.get_by_text("The arithmetic of one unit").click()
    worked = page.locator(".gb-figure", has_text="forget gate")
    expect(worked).to_be_visible()
    shown = worked.inner_text().rsplit("=", 1)[1].strip()
    assert float(shown.replace("−", "-")) == pytest.approx(float(number.replace("−", "-")), abs=0.0015)
    expect(page.locator(".colouring")).to_have_value("unit")


@pytest.mark.slow
def test_layers(tab):
    page = tab("The old house stood")
    for label, heading in (("cell state", "Cell state, 512 units"), ("forget gate", "Forget gate, 512 units")):
        page.get_by_label(label, exact=True).check()
        expect(page.locator(".map-title")).to_have_text(f"{heading} over time")
    expect(page.locator(".map-scale .low")).to_have_text("0")


@pytest.mark.slow
def test_cell_state_may_grow_far_beyond_one_and_is_shown_as_it_is(tab):
    page = tab("Counting " * 12)
    page.get_by_label("cell state", exact=True).check()
    page.locator(".ordering").select_option("value")
    page.locator(".own").uncheck()
    page.locator(".cells").hover(position={"x": 700, "y": 20})
    limit = float(page.locator(".map-scale .high").inner_text())
    shown = float(re.search(r": (\d+\.\d+)\.", readout(page).inner_text()).group(1))
    assert 3 < shown <= limit


def test_units_are_ranked_by_what_they_follow_and_switched_off(tab):
    page = tab('"I have never seen such a thing," said the captain, "and I have')
    page.get_by_label("cell state", exact=True).check()
    expect(page.locator(".map-title")).to_contain_text("Cell state")
    page.locator(".finder").get_by_role("button", name="inside quotation marks").click()
    rows = page.locator(".mm-names span")
    expect(rows).to_have_count(24)
    expect(page.locator(".ordering")).to_have_value("found")
    ranked = page.locator(".finder").get_by_role("group", name="unit: correlation").locator("button")
    expect(ranked).to_have_count(8)
    expect(ranked.first).to_contain_text(f"{rows.first.inner_text()}: ")
    expect(page.locator(".unit")).to_have_value(rows.first.inner_text())
    page.get_by_role("button", name=re.compile("off here and see$")).click()
    answer = page.locator(".uf-answer")
    expect(answer).to_contain_text(re.compile(r"the probability of “.+” goes from [\d.]+ % to [\d.]+ %"))
    expect(answer).to_contain_text("drawn five times")
    page.locator(".finder").get_by_role("button", name="just ended a sentence").click()
    expect(answer).to_contain_text("This text has nothing to follow")


@pytest.mark.slow
def test_the_rows_of_the_map(tab):
    """Few and named at first, each on its own scale; all units, alike ones together, when asked for."""
    page = tab("The old house stood at the end of the lane.")
    rows = page.locator(".mm-names span")
    expect(rows).to_have_count(25)  # the unit that is followed is among them
    expect(page.locator(".map-scale .high")).to_have_text("the row's largest")
    slow = rows.all_inner_texts()
    page.locator(".ordering").select_option("alike")
    assert sorted(rows.all_inner_texts()) == sorted(slow) != rows.all_inner_texts()
    page.locator(".amount").select_option("all")
    expect(rows).to_have_count(0)
    assert page.locator(".cells").evaluate("canvas => [canvas.height, canvas.clientHeight]") == [512, 512]


@pytest.mark.slow
def test_sampling_step_by_step_and_back(tab):
    page = tab("The old house stood")
    page.get_by_role("button", name="Write one character").click()
    expect(characters(page)).to_have_count(21)
    expect(characters(page).last).to_have_class(re.compile("sampled"))
    page.get_by_role("button", name="Step back").click()
    expect(characters(page)).to_have_count(20)
    assert text_of(page) == "The old house stood"
    page.get_by_role("button", name="Step back").click()
    expect(page.get_by_text("No sampled character is left to take back.")).to_be_visible()


def test_sampling_continuously_until_stopped(tab):
    page = tab("The old house stood")
    page.get_by_role("button", name="Keep writing").click()
    expect(characters(page).nth(25)).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_timeout(1500)
    written = text_of(page)
    page.wait_for_timeout(1000)
    assert text_of(page) == written
    assert characters(page).count() == len(written) + 1


def test_typing_while_it_writes_wins(tab):
    page = tab("It was a dark and ")
    page.get_by_role("button", name="Keep writing").click()
    expect(characters(page).nth(21)).to_be_visible()
    box = page.locator("#sequences-text textarea")
    box.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("X")
    before = text_of(page)
    assert before.endswith("X")
    for key in "YZ":
        page.keyboard.type(key)
        page.wait_for_timeout(300)  # between two of the characters that were still to come
    expect(characters(page)).to_have_count(len(before) + 3)
    assert text_of(page) == f"{before}YZ"
    expect(characters(page).last).to_have_text("Z")


@pytest.mark.slow
def test_a_bar_continues_the_text_from_any_moment(tab):
    page = tab("The old house stood")
    characters(page).nth(4).click()
    page.mouse.move(5, 5)
    page.locator(".bars button").nth(1).click()
    expect(characters(page)).to_have_count(6)
    assert text_of(page).startswith("The ")
    assert len(text_of(page)) == 5


@pytest.mark.slow
def test_markup_and_unknown_characters_are_shown_as_typed(tab):
    page = tab("<img src=x onerror=alert(1)>")
    expect(page.locator(".characters")).to_contain_text("<img src=x")
    page.locator("#sequences-text textarea").fill("hi 🙂")
    expect(characters(page)).to_have_count(5)
    expect(characters(page).last).to_have_class(re.compile("unknown"))
    expect(page.locator(".summary")).to_contain_text("1 outside the alphabet")


@pytest.mark.slow
def test_nothing_goes_sideways_on_a_phone(tab, screenshots):
    page = tab("The old house stood at the end of the lane.", phone=True, dark=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "sequences-phone.png", full_page=True)
