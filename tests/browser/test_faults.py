"""What a visitor reads when a part of a page does not arrive: which one, what to do, and the rest works."""

import pytest
from playwright.sync_api import expect

from demos.page_head import OLD_BROWSER
from tests.conftest import PATIENCE

pytestmark = pytest.mark.browser

SENTENCE = "The animal didn't cross the street because it was too tired."


@pytest.fixture
def faulty_page(browser, app_url):
    """A page whose console may hold the errors that the test makes."""
    context = browser.new_context(base_url=app_url)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


@pytest.mark.core
def test_a_module_that_does_not_load_is_named_and_the_rest_works(faulty_page):
    page = faulty_page
    page.route("**/components/attention_explorer.js", lambda route: route.abort())
    page.goto("/?tab=attention")
    expect(page.locator("#attention-explorer")).to_contain_text("“attention_explorer” could not be loaded. Reload")
    page.get_by_role("tab", name="Sequences", exact=True).click()
    page.locator("#tab-sequences [data-mounted=true]").first.wait_for()


def test_an_array_that_is_no_longer_kept_says_to_run_again(faulty_page):
    page = faulty_page
    gone = {"error": "What this view shows is no longer kept here: run it again."}
    page.route("**/arrays/**", lambda route: route.fulfill(status=404, json=gone))
    page.goto("/?tab=attention")
    page.locator("#attention-text textarea").fill(SENTENCE)
    page.locator("#attention-run").click()
    expect(page.locator("#attention-explorer .gb-fault")).to_have_text(gone["error"])
    page.unroute("**/arrays/**")
    page.locator("#attention-run").click()
    page.locator("#attention-explorer [data-state=full]").wait_for()
    expect(page.locator("#attention-explorer .gb-fault")).to_be_hidden()


@pytest.mark.slow
def test_a_file_that_is_too_large_is_for_the_visitor_to_check(faulty_page):
    page = faulty_page
    page.goto("/?tab=vit")
    field = page.locator("#vit-image input[type=file]")
    field.set_input_files({"name": "large.png", "mimeType": "image/png", "buffer": bytes(21 * 2**20)})
    toast = page.locator(".toast-body")
    expect(toast.locator(".toast-title")).to_have_text("Please check")
    expect(toast).to_contain_text("20")


@pytest.mark.slow
def test_the_same_mistake_twice_is_for_the_visitor_to_check_too(faulty_page):
    """Gradio shows both in one message, with their number behind its title."""
    page = faulty_page
    page.goto("/?tab=vit")
    field = page.locator("#vit-image input[type=file]")
    for name in ("one.png", "other.png"):
        field.set_input_files({"name": name, "mimeType": "image/png", "buffer": bytes(21 * 2**20)})
        page.locator(".toast-body").first.wait_for()
    expect(page.locator(".toast-title").first).to_contain_text("Please check")


def test_an_old_browser_is_told_what_is_missing_and_the_page_works(faulty_page):
    page = faulty_page
    page.add_init_script("delete Array.prototype.toSorted")
    page.goto("/?tab=attention")
    expect(page.locator(".gb-old")).to_have_text(OLD_BROWSER)
    page.locator("#attention-text textarea").wait_for()


@pytest.mark.slow
def test_a_new_browser_is_not(faulty_page):
    faulty_page.goto("/?tab=attention")
    faulty_page.locator("#attention-text textarea").wait_for()
    expect(faulty_page.locator(".gb-old")).to_have_count(0)
