"""Links: every page takes its controls from an address and writes them there; back, forward, reload, bad links."""

import re

import pytest
from gradio.components import Checkbox, CheckboxGroup, Dropdown, Image, Number, Radio, Slider, Textbox
from playwright.sync_api import expect

from app import create_app
from demos.address import _PAGES, RESERVED
from demos.inputs.mask import CELLS, LETTERS
from tests.conftest import COUNTER, settled

pytestmark = pytest.mark.browser

GO = """([page, values]) => {
    const [tab, at] = page.split("/");
    const query = new URLSearchParams({ tab, ...(at ? { at } : {}), ...values });
    history.pushState(null, "", `${location.pathname}?${query}`);
    dispatchEvent(new PopStateEvent("popstate", { state: null }));
}"""
TAKEN = """([page, values]) => {
    const [tab, at] = page.split("/");
    const { glassbox } = history.state ?? {};
    const all = { ...glassbox?.texts, ...Object.fromEntries(new URLSearchParams(location.search)) };
    const told = Object.entries(values).every(([name, value]) => all[name] === value);
    return glassbox?.page === page && all.tab === tab && told;
}"""


def another(control):
    """A value of a control, as an address has it, that is not its first one; None where it has no other."""
    if isinstance(control, Image):
        return None if "lion" in str(control.value) else "lion"
    if isinstance(control, Checkbox):
        return "0" if control.value else "1"
    if isinstance(control, (Slider, Number)):
        low, step = control.minimum or 0, getattr(control, "step", 1) or 1
        return f"{low:g}" if control.value != low else f"{low + step:g}"
    if isinstance(control, (Radio, Dropdown)):
        others = [value for _, value in control.choices if value != control.value]
        return str(others[0]) if others else None
    assert isinstance(control, (Textbox, CheckboxGroup)), control
    return "Two words" if isinstance(control, Textbox) else control.choices[0][1]


@pytest.fixture(scope="module")
def links():
    pages = _PAGES[create_app()]
    return {
        page: {name: text for name, control in kept.controls.items() if (text := another(control)) is not None}
        for page, kept in pages.items()
    }


@pytest.mark.slow
def test_every_page_takes_its_controls_from_a_link_and_says_them_again(new_page, links):
    page = new_page()
    page.route("**/queue/join*", lambda route: None)  # never answered: this is about controls, not about runs
    page.goto("/?tab=attention")
    page.wait_for_function("history.state?.glassbox?.page === 'attention/explorer'")
    assert len(links) >= 28
    for name, values in links.items():
        page.evaluate(GO, [name, values])
        page.wait_for_function(TAKEN, arg=[name, values])
        assert not RESERVED - {"tab", "at"} & values.keys()
    expect(page.locator(".page-link-said")).to_have_text("")


@pytest.mark.core
def test_back_forward_and_reload_find_the_page_as_it_was(new_page):
    page = new_page()
    page.add_init_script(path=COUNTER)
    page.goto("/?tab=attention&at=explorer&model=book-gpt&odd=1#text=Two+words")
    opened, text = page.locator("#attention-page-explorer[data-opened=true]"), page.locator("#attention-text textarea")
    opened.wait_for()
    expect(page.locator(".page-link-said")).to_have_text("Part of this link is not understood: odd.")
    expect(page.locator("#attention-explorer .ax-readout")).to_contain_text("takes most")
    readout = page.locator("#attention-explorer .ax-readout").inner_text()
    text.fill("Other words")
    page.wait_for_function("history.state?.glassbox?.texts.text === 'Other words'")
    assert "words" not in page.url, "what is typed stands in no address"
    page.get_by_role("tab", name="Live translation", exact=True).click()
    page.wait_for_url("**/?tab=attention&at=translation")
    page.go_back()
    page.wait_for_url("**/?tab=attention&at=explorer&model=book-gpt")
    expect(text).to_have_value("Other words")
    settled(page)
    page.reload()
    opened.wait_for()
    expect(text).to_have_value("Other words")
    expect(page.locator("#attention-strip")).to_contain_text("GPT-2")
    page.go_forward()
    expect(page.locator("#attention-page-translation")).to_be_visible()
    settled(page)
    page.goto("/?tab=attention&at=explorer&model=book-gpt#text=Two+words")
    opened.wait_for()
    expect(page.locator("#attention-explorer .ax-readout")).to_have_text(readout)


@pytest.mark.slow
def test_what_was_painted_and_chosen_comes_back_from_a_link(new_page):
    """A painted mask, boxes drawn for the matcher, the toy's training: small edits stand in the address."""
    page = new_page()
    page.goto("/?tab=diffusion&at=toy&toy=moons.0.3.24.4.101.25.20.1.")
    expect(page.locator(".vector-field .updates")).to_have_text("24")
    expect(page.locator(".vector-field .when")).to_contain_text("step 20 of 25")
    page.locator(".vector-field .forward").click()
    page.wait_for_url("**&toy=moons.0.3.24.4.101.25.21.1.")
    page.goto("/?tab=detection&at=picture&boxes=1.100.200.300.400&query=3.1.2.1")
    expect(page.locator("#detection-figure .figure")).to_have_attribute("data-query", "3")
    expect(page.locator("#detection-figure .figure")).to_have_attribute("data-view", "layer by layer")
    page.get_by_role("button", name="Matched in training").click()
    expect(page.locator("#detection-matching .mv")).to_have_attribute("data-truths", "1")
    page.goto(f"/?tab=vit&at=damage&damage=occlude&strength=4#painted={painted()}")
    expect(page.locator("#damage-view .damage-view")).to_have_attribute("data-strength", "0.4")
    expect(page.locator("#damage-view .unit")).to_contain_text("what you painted")


@pytest.mark.slow
def test_what_was_looked_at_comes_back_from_a_link(new_page):
    """A head and its tokens, a layer and a patch, a hidden token, a hole in a sprite."""
    page = new_page()
    page.goto("/?tab=attention&at=explorer&look=0.1.4.5.2")
    expect(page.locator("#attention-explorer .ax-readout")).to_contain_text("Layer 2, head 5: ")
    expect(page.locator("#attention-explorer .ax-readout")).to_contain_text(" (6) ")
    page.goto("/?tab=attention&at=layers&cell=2.3")
    expect(page.locator('.lens-cell[data-at="2,3"]')).to_have_attribute("aria-pressed", "true")
    page.goto("/?tab=attention&at=inside&off=hide.3")
    expect(page.locator("#inside-switches .is-list button")).to_have_count(1)
    expect(page.locator("#inside-finding")).to_contain_text("With 1 token hidden the prediction ")
    page.goto("/?tab=vit&at=features&look=9.1.0.45")
    expect(page.locator(".pf")).to_have_attribute("data-drawn", re.compile(r"similarity 9 0 45"))
    page.goto("/?tab=diffusion&at=image&hole=gKgBgV")
    page.wait_for_function(
        """() => {
          const paper = document.querySelector(".pixel-canvas .paper");
          const at = (row) => String(paper?.getContext("2d").getImageData(3, row, 1, 1).data.slice(0, 3));
          return at(10) === "236,72,190" && at(9) !== at(10) && at(11) !== at(10);
        }"""
    )


def painted():
    """The middle of a 56 x 56 picture, 20 x 20 cells, as its text."""

    def letters(number):
        return LETTERS[number] if number < 32 else LETTERS[32 + number % 32] + letters(number // 32)

    lengths = [18 * CELLS + 18, *[20, CELLS - 20] * 19, 20, 18 * CELLS + 18]
    return "".join(map(letters, lengths))


@pytest.mark.parametrize(
    ("address", "clicked", "page_of_it"),
    [
        ("/?tab=vit&at=features", "Detection", "detection/"),
        ("/?tab=vit", "Four types", "sequences/"),
        ("/", "Diffusion", "diffusion/"),
    ],
)
@pytest.mark.slow
def test_the_first_click_on_a_fresh_page_stays(new_page, address, clicked, page_of_it):
    """Whoever clicks before the address was read is not brought to where it says."""
    page, held = new_page(), []
    page.route("**/queue/join*", lambda route: None)
    page.route("**/core/address.js", lambda route: held.append(route))
    page.goto(address)
    title = page.get_by_role("tab", name=clicked, exact=True)
    title.click()
    for route in held:
        route.continue_()
    page.wait_for_function("page => history.state?.glassbox?.page?.startsWith(page)", arg=page_of_it)
    expect(title).to_have_attribute("aria-selected", "true")
    assert f"tab={page_of_it[:-1]}" in page.url or address == "/"
    if address != "/":
        page.go_back()
        expect(page.get_by_role("tab", name="ViT", exact=True)).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize(
    "address",
    ["/?tab=nothing&seed=1", "/?tab=attention&at=explorer&model=<b>&" + "x" * 100_000 + "=1", "/?tab=vit&at=__proto__"],
)
def test_a_bad_link_is_one_sentence_and_a_page(new_page, address):
    page = new_page()
    page.route("**/queue/join*", lambda route: None)
    page.goto(address)
    expect(page.locator(".page-link-said")).to_contain_text("Part of this link is not understood: ")
    assert len(page.locator(".page-link-said").inner_text()) < 200
    expect(page.locator("[role=tabpanel]:visible").nth(1)).to_be_visible()
