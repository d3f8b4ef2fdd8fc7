"""Ask a story in a real browser: the answer, what was read for it, stories of one's own."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_an_answer_shows_which_sentences_it_read(open_tab, screenshots):
    page = open_tab("sequences", "Ask a story")
    view = page.locator("#story-answer")
    expect(view.locator(".sa-reply")).to_have_text("In the station.")
    expect(view.locator("tbody tr")).to_have_count(8)
    expect(view.locator("tr.read .gb-number")).to_have_text(["4", "6", "8"])
    expect(view.locator(".sa-hops li").first).to_contain_text("from the end to sentence 4")
    expect(view.locator("tr.read b").last).to_have_text("station")
    expect(view.locator(".sa-without li")).to_have_count(3)
    page.screenshot(path=screenshots / "sequences-story.png", full_page=True)


@pytest.mark.slow
def test_what_is_not_said_and_what_it_cannot_read(open_tab):
    page = open_tab("sequences", "Ask a story")
    view, question = page.locator("#story-answer"), page.locator("#story-question :is(input, textarea)")
    page.get_by_role("button", name="Not said", exact=True).click()
    expect(view.locator(".sa-reply")).to_have_text("It is not said.")
    page.get_by_role("button", name="Words of your own", exact=True).click()
    expect(view.locator(".sa-reply")).to_have_text("In the lighthouse.")
    expect(page.locator(".gb-strip:visible")).to_contain_text("Words it was not taught: “xiomara”")
    question.fill("Warum ist das Fernrohr dort?")
    question.press("Enter")
    expect(page.get_by_text(re.compile("questions that begin with"))).to_be_visible()
    page.get_by_role("button", name="Make up a story").click()
    expect(view.locator("tbody tr")).to_have_count(10)
    expect(question).to_have_value(re.compile(r"^(Where|Who|Is|What) .+\?$"))
