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
