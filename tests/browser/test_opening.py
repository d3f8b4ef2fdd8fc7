"""Pages open on their example, run once, and only where somebody looks."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_page_opens_on_a_run_of_its_example_and_hidden_pages_cost_nothing(new_page):
    page, events = new_page(), []
    page.on("request", lambda request: events.append(request.post_data_json) if "/queue/join" in request.url else None)
    page.goto("/?tab=attention")
    expect(page.locator("#attention-explorer [data-state=full]")).to_be_visible()
    expect(page.locator("#attention-page-explorer")).to_have_attribute("data-opened", "true")
    assert len(events) == 1
    page.get_by_role("tab", name="ViT", exact=True).click()
    page.get_by_role("tab", name="Attention", exact=True).click()
    expect(page.locator("#attention-explorer [data-state=full]")).to_be_visible()
    assert sum(event["fn_index"] == events[0]["fn_index"] for event in events) == 1


WITHOUT_A_RUN = [
    ("sequences", "Train one", "Recorded beforehand", "#training-curves svg, #training-curves canvas", "#training-go"),
    ("diffusion", "A toy in 2-D", "After 1,500 updates", "#diffusion-toy .plane", "#diffusion-toy .train"),
    ("detection", "The live camera", "are found in this frame", "#detection-live .still", "#detection-live .start"),
    ("detection", "Your own objects", "Before any training", "#detection-own-lessons img", "#detection-own-train"),
]


@pytest.mark.parametrize(("slug", "title", "said", "figure", "control"), WITHOUT_A_RUN)
def test_a_page_that_waits_for_its_visitor_opens_full_and_says_on_what(open_tab, slug, title, said, figure, control):
    page = open_tab(slug, title)
    sentence = page.locator(f"#tab-{slug} :is(.gb-finding p, .seen):visible")
    expect(sentence).to_contain_text(said)
    for seen in (sentence, page.locator(figure).first, page.locator(control)):
        expect(seen).to_be_in_viewport()
