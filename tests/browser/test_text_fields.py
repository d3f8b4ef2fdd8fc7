"""Every text field of every page: what does not fit is told at once, and what was typed is there on coming back."""

import pytest
from playwright.sync_api import expect

from demos import DEMOS
from tests.conftest import choose_page, inner_pages

pytestmark = pytest.mark.browser

FIELDS = (
    ":is(textarea, input[type=text], .cc-class input[maxlength]):visible:not([readonly], [disabled], [role=listbox])"
)


def paste(page, field, text):
    """With the clipboard, as a visitor does."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    field.focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("ControlOrMeta+V")


def all_fields(tab):
    """How to find each text field of the page that is open."""
    return [tab.locator(FIELDS).nth(place) for place in range(tab.locator(FIELDS).count())]


@pytest.mark.parametrize(
    "slug", [pytest.param(slug, marks=() if slug == "attention" else pytest.mark.slow) for slug in DEMOS]
)
def test_a_paste_that_does_not_fit_is_told_and_stays_as_it_is(open_tab, app_url, slug):
    page = open_tab(slug)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab, titles, note = page.locator(f"#tab-{slug}"), inner_pages(app_url, slug), page.locator(".gb-cut")
    for title, other in zip(titles, [*titles[1:], titles[0]], strict=True):
        choose_page(tab, title)
        tab.get_by_role("tabpanel").filter(visible=True).first.wait_for()
        filled = {}
        for place, field in enumerate(all_fields(tab)):
            limit = int(field.get_attribute("maxlength"))
            text = "ab " * (limit // 3 + 4)
            paste(page, field, text)
            expect(note).to_be_in_viewport()
            filled[place] = field.input_value()
            assert text.startswith(filled[place]), "the rest was cut"
            cut = len(text) - len(filled[place])
            limited = f"The limit here is {limit:,} characters: the last {cut} of your {len(text):,} were left out."
            expect(note).to_have_text(limited)
        choose_page(tab, other)
        choose_page(tab, title)
        for place, text in filled.items():
            field = all_fields(tab)[place]
            expect(field).to_have_value(text)
            field.fill("a")
        expect(note).to_have_count(0)
