"""Pages open on their example, run once, and only where somebody looks."""

import pytest
from playwright.sync_api import expect

from demos import DEMOS
from tests.conftest import COUNTER, choose_page, inner_pages, settled, wait_for_the_opening

pytestmark = pytest.mark.browser


@pytest.mark.core
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


LATE = """(() => {
  const [frame, timer] = [requestAnimationFrame.bind(window), setTimeout.bind(window)];
  window.requestAnimationFrame = (act) => timer(() => frame(act), 400);
  window.setTimeout = (act, wait, ...values) => timer(act, wait || 400, ...values);
})()"""
"""A busy machine: whatever Gradio puts off for a moment waits until all messages of a run have come."""


@pytest.mark.parametrize(("tab", "view"), [("diffusion", "#diffusion-film"), ("attention", "#attention-explorer")])
def test_a_page_opens_full_on_a_busy_machine(new_page, tab, view):
    page = new_page()
    page.add_init_script(LATE)
    page.goto(f"/?tab={tab}")
    expect(page.locator(f"#tab-{tab} [data-opened=true]")).to_be_visible()
    expect(page.locator(f"{view} [data-state=full]")).to_be_visible()


FRAMES_ASKED = """(() => {
  const frame = requestAnimationFrame.bind(window);
  window.frames_asked = 0;
  window.requestAnimationFrame = (act) => (window.frames_asked++, frame(act));
})()"""
AT_REST = """async () => {
  const before = frames_asked;
  await new Promise((done) => setTimeout(done, 500));
  return frames_asked === before;
}"""


@pytest.mark.parametrize("slug", DEMOS)
def test_a_page_at_rest_draws_nothing(new_page, slug):
    page = new_page()
    page.add_init_script(FRAMES_ASKED)
    page.goto(f"/?tab={slug}")
    wait_for_the_opening(page, slug)
    page.wait_for_function(AT_REST, polling=100)
    assert page.evaluate("frames_asked") > 0


WITHOUT_A_RUN = [
    ("sequences", "Train one", "Recorded beforehand", "#training-curves svg, #training-curves canvas", "#training-go"),
    ("diffusion", "A toy in 2-D", "After 1,500 updates", "#diffusion-toy .plane", "#diffusion-toy .train"),
    ("detection", "The live camera", "are found in this frame", "#detection-live .screen", "#detection-live .start"),
    ("detection", "Your own objects", "Before any training", "#detection-own-lessons img", "#detection-own-train"),
]


@pytest.mark.parametrize(("slug", "title", "said", "figure", "control"), WITHOUT_A_RUN)
def test_a_page_that_waits_for_its_visitor_opens_full_and_says_on_what(open_tab, slug, title, said, figure, control):
    page = open_tab(slug, title)
    sentence = page.locator(f"#tab-{slug} :is(.gb-finding p, .seen):visible")
    expect(sentence).to_contain_text(said)
    for seen in (sentence, page.locator(figure).first, page.locator(control)):
        expect(seen).to_be_in_viewport()


FIGURES = (
    "canvas, svg, img, video, table, .ts-strip, .bars, .lens-grid, .characters, .iv-rows, .mc-text, .sd-grid, "
    ".is-grid, .ws-table, .sa-scroll, .gb-words, .gb-neighbours, .tiles, .tile"
)
CONTROLS = "input, button, textarea, select, [role=listbox], [role=group][tabindex='0']"
IN_ONE_SCREEN = """([slug, figures, controls]) => {
  const height = (node) => {
    const { top, bottom } = node.getBoundingClientRect();
    return node.checkVisibility() ? Math.min(bottom, innerHeight) - Math.max(top, 0) : 0;
  };
  const panels = document.querySelectorAll(`#tab-${slug} [role=tabpanel]`);
  const panel = [...panels].find((one) => one.checkVisibility());
  const seen = (selector, least) => [...panel.querySelectorAll(selector)].some(
    (node) => height(node) >= least && (node.textContent.trim() || node.matches(figures) || node.matches(controls)));
  const sentence = seen(".gb-said, .gb-finding p", 15);
  const there = { sentence, figure: seen(figures, 24), control: seen(controls, 15) };
  there["nothing beside the screen"] = document.documentElement.scrollWidth <= innerWidth;
  return Object.keys(there).filter((name) => !there[name]);
}"""
WAIT_FOR_THE_HUB = {"Windows (Swin)"}
"""Pages whose model only the hub has say in words and a picture what they would do."""


def lacking(page, slug):
    """What of sentence, figure and control is not in the first screen, once what is drawn late had time to come."""
    for _ in range(20):
        if not (found := page.evaluate(IN_ONE_SCREEN, [slug, FIGURES, CONTROLS])):
            break
        page.wait_for_timeout(250)
    return set(found)


@pytest.mark.slow
@pytest.mark.parametrize("phone", [False, True], ids=["1280 x 800", "390 x 844"])
@pytest.mark.parametrize("slug", DEMOS)
def test_every_page_opens_on_a_sentence_a_figure_and_a_control_in_one_screen(new_page, app_url, slug, phone):
    """On a phone, where a figure may be as large as the screen, on the sentence or the figure, and a control."""
    page = new_page(phone=phone)
    page.set_viewport_size({"width": 390, "height": 844} if phone else {"width": 1280, "height": 800})
    page.add_init_script(path=COUNTER)
    page.goto(f"/?tab={slug}")
    tab = page.locator(f"#tab-{slug}")
    tab.wait_for(state="visible")
    missing = {}
    for title in inner_pages(app_url, slug):
        choose_page(tab, title)
        wait_for_the_opening(page, slug)
        settled(page)
        page.evaluate("scrollTo(0, 0)")
        found = lacking(page, slug)
        if phone and len(found & {"sentence", "figure"}) == 1:
            found -= {"sentence", "figure"}
        if title not in WAIT_FOR_THE_HUB and found:
            missing[title] = found
    assert missing == {}
