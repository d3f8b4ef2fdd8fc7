"""For everybody: what axe finds, the keyboard, languages, narrow and wide screens, waiting that is seen."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from demos import DEMOS
from tests.conftest import PATIENCE, ROOT, choose_page, inner_pages

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WALK = Path(__file__).parent.parent / "runtime_only" / "walk.js"
OF_GRADIO = (
    "footer",
    ".toast-wrap",
    ".upload-container",
    "[data-testid='image']",
    "[aria-label='Empty value']",
    "[data-testid='block-label']",
)
"""What Gradio draws itself and no setting of ours changes: not looked at."""
RUN_AXE = """async ([away, rules]) => {
  const found = await axe.run({ exclude: away.map((one) => [one]) }, { resultTypes: ["violations"], ...rules });
  const told = (id, { target, html }) => `${id}: ${target} ${html.slice(0, 120)}`;
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => told(id, node)));
}"""
IN_VIEW_ONLY = {"rules": {"region": {"enabled": False}}}
"""Gradio's page has no landmarks but one `main`; its footer and our heading are outside of it."""


def answered(page):
    page.wait_for_function("runtime.completed >= runtime.asked")


def shown(page, tab, title):
    """Open a page with a result: its own opening, or else what its first example and main button bring."""
    choose_page(tab, title)
    panel = tab.locator("[role=tabpanel]:visible").first
    page.wait_for_function("slug => runtime.drawn(slug)", arg=f"#{tab.get_attribute('id')}")
    answered(page)
    if panel.locator("[data-state=empty]:visible").count():
        for place in range(panel.evaluate("panel => runtime.mark(panel)")):
            panel.locator(f'[data-walk="{place}"]').click()
            page.wait_for_timeout(100)  # until Gradio has sent what was pressed
        until_something_is_shown(page, panel)


def until_something_is_shown(page, panel):
    for stop in panel.get_by_role("button", name=re.compile("^Stop$")).all():
        if stop.is_visible() and stop.is_enabled():
            panel.locator("[data-state=full]:visible").first.wait_for()
            stop.click()
    answered(page)


CHANGED = """() => Promise.all(
  document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished.catch(() => null)),
)"""
"""Colours on their way from one look to the other have contrasts of neither."""


def dress(page, *, dark, phone):
    page.set_viewport_size({"width": 390, "height": 844} if phone else {"width": 1280, "height": 900})
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
    page.evaluate(CHANGED)


def violations(page):
    if not page.evaluate("'axe' in window"):  # at first, and where Gradio has loaded its page anew
        page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    return page.evaluate(RUN_AXE, [list(OF_GRADIO), IN_VIEW_ONLY])


@pytest.fixture(scope="module")
def faults(browser, app_url):
    """`faults(slug, looks)`: what axe finds on the pages of a tab, each with a result, in each look (dark, phone).

    `pages` is how many of them are looked at, from the first on; all if None.
    """

    def look(slug, looks, pages=None):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=app_url, permissions=["camera"])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.add_init_script(path=WALK)
        page.goto(f"/?tab={slug}")
        tab = page.locator(f"#tab-{slug}")
        tab.wait_for(state="visible")
        found = {}
        for title in inner_pages(app_url, slug)[:pages]:
            dress(page, dark=False, phone=False)
            shown(page, tab, title)
            for dark, phone in looks:
                dress(page, dark=dark, phone=phone)
                if told := violations(page):
                    found[title, "dark" if dark else "light", "phone" if phone else "desktop"] = told
        context.close()
        return found

    return look


LOOKS = [(False, False), (True, True), (True, False), (False, True)]


@pytest.mark.parametrize("slug", DEMOS)
def test_axe_finds_nothing_on_the_first_page_of_a_tab(faults, slug):
    assert AXE.exists(), "run `make setup`"
    assert faults(slug, LOOKS[:2], pages=1) == {}


@pytest.mark.slow
@pytest.mark.parametrize("slug", DEMOS)
def test_axe_finds_nothing_on_any_page_with_a_result_in_any_look(faults, slug):
    assert faults(slug, LOOKS) == {}


@pytest.mark.parametrize(
    ("language", "tab", "page_title", "button"),
    [("ko-KR", "시퀀스", "모든 헤드", "실행"), ("de-DE", "Sequenzen", "Alle Köpfe", "Ausführen")],
)
def test_the_interface_speaks_the_language_of_the_browser(browser, app_url, language, tab, page_title, button):
    context = browser.new_context(locale=language, base_url=app_url)
    page = context.new_page()
    page.goto("/?tab=attention")
    expect(page.get_by_role("tab", name=tab, exact=True)).to_be_visible()
    page.get_by_role("tab", name=page_title, exact=True).click()
    expect(page.get_by_role("button", name=button, exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", language[:2])
    assert "__i18n__" not in page.locator("body").inner_text()
    context.close()


@pytest.fixture(scope="module")
def narrow(browser, app_url):
    """One page of 390 px with touch, on the tab that has most inner pages."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, base_url=app_url)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto("/?tab=vit")
    page.locator("#tab-vit").wait_for(state="visible")
    yield page
    context.close()


@pytest.mark.slow
def test_on_a_phone_tabs_and_pages_are_one_strip_that_scrolls(narrow, app_url):
    assert narrow.locator(".overflow-menu:visible").count() == 0
    for title in inner_pages(app_url, "vit"):
        tab = narrow.get_by_role("tab", name=title, exact=True)
        tab.tap()
        expect(tab).to_have_attribute("aria-selected", "true")
        expect(tab).to_be_in_viewport(ratio=0.99)
    wide, room = narrow.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= room
    narrow.goto("/?tab=diffusion&at=applications")
    opened = narrow.locator("#tab-diffusion [role=tab][aria-selected=true]:visible")
    expect(opened).to_have_text(inner_pages(app_url, "diffusion")[8])
    expect(opened).to_be_in_viewport(ratio=0.99)


@pytest.mark.slow
def test_no_text_is_smaller_than_12_pixels(narrow):
    small = narrow.evaluate(
        """() => [...document.querySelectorAll(".gradio-container *")].filter((node) =>
          node.checkVisibility() && !node.closest(".vlist-s, .katex-mathml, svg, .gb-unseen") &&
          [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()) &&
          parseFloat(getComputedStyle(node).fontSize) < 11.99).map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert small == []


def test_arrow_keys_move_along_the_tabs_and_the_first_stop_skips_them(page):
    page.goto("/?tab=attention")
    page.get_by_role("tab", name="Attention", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="ViT", exact=True)).to_be_focused()
    expect(page.locator("#tab-vit")).to_be_visible()
    page.locator(".gb-skip").focus()
    expect(page.locator(".gb-skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "tabpanel"


@pytest.mark.slow
def test_what_has_the_focus_is_seen(page):
    page.goto("/?tab=diffusion")
    panel = page.locator("#tab-diffusion")
    for kind in ("input[type=range]", "input[type=radio]", "button.primary"):
        control = panel.locator(kind).first
        control.wait_for()
        page.keyboard.press("Shift")  # from now on the keyboard is used
        control.focus()
        assert control.evaluate("node => getComputedStyle(node).outlineStyle") == "solid", kind


def test_settings_are_kept_and_type_is_large(page):
    page.goto("/?tab=vit")
    page.locator(".gb-display summary").click()
    lead = page.locator("#tab-vit .gb-lead p").first
    before = lead.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
    page.locator(".gb-display input[name=type]").check()
    page.reload()
    expect(page.locator(".gb-display input[name=type]")).to_be_checked()
    lead.wait_for()
    page.wait_for_function(
        "before => parseFloat(getComputedStyle(document.querySelector('#tab-vit .gb-lead p')).fontSize) > 1.2 * before",
        arg=before,
    )


@pytest.mark.slow
def test_wide_screens_are_used(browser, app_url):
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, base_url=app_url)
    page = context.new_page()
    page.goto("/?tab=vit")
    page.locator("#tab-vit").wait_for(state="visible")
    assert page.locator("#tab-vit").bounding_box()["width"] > 1600
    context.close()


def test_waiting_is_said_and_can_be_stopped(page):
    """The server's answers are held back, so that the page waits for its opening."""
    page.route("**/cancel", lambda route: route.fulfill(json={}))
    page.route("**/queue/join*", lambda route: route.fulfill(json={"event_id": "held"}))
    page.route("**/queue/data*", lambda route: None)
    page.goto("/?tab=attention")
    waiting = page.locator(".gb-waiting")
    expect(waiting).to_contain_text("Running for")
    with page.expect_request("**/cancel") as told:
        waiting.get_by_role("button", name="Stop").click()
    expect(waiting).to_contain_text("Stopped.")
    assert told.value.post_data_json["event_id"] == "held"


@pytest.mark.slow
def test_a_dark_page_is_printed_light(browser, app_url):
    context = browser.new_context(color_scheme="dark", base_url=app_url)
    page = context.new_page()
    page.goto("/?tab=vit&__theme=dark")
    lead = page.locator("#tab-vit .gb-lead p").first
    lead.wait_for()
    brightness = "(node => getComputedStyle(node).color.match(/\\d+/g).reduce((sum, part) => sum + +part, 0))"
    page.evaluate(
        f"""() => addEventListener("beforeprint", () => {{
            window.printed = {brightness}(document.querySelector("#tab-vit .gb-lead p")); }})"""
    )
    assert lead.evaluate(brightness) > 3 * 170
    page.pdf()
    assert page.evaluate("printed") < 3 * 90
    assert lead.evaluate(brightness) > 3 * 170, "on the screen it is dark again"
    context.close()
