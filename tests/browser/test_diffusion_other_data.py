"""A line out of blanks, and a drawing out of noise, in a real browser."""

import pytest

pytestmark = pytest.mark.browser


def test_a_line_out_of_blanks_is_read_by_keyboard_and_strokes_beside_it_on_a_phone(open_tab, screenshots):
    page = open_tab("diffusion", "Other data", phone=True, dark=True)
    view = page.locator(".blank-lines[data-state=full]")
    view.locator(".where", has_text="step 32 of 32, nothing left to fill").wait_for()
    view.locator("tbody tr").nth(2).wait_for()
    assert view.locator(".bl-cell").count() == 64 and view.locator(".bl-given").count() == 12
    view.locator(".bl-line").focus()
    page.keyboard.press("ArrowRight")
    view.locator(".bl-about", has_text="was given: it is never changed").wait_for()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    view.locator(".bl-about", has_text="Character 6: step").wait_for()
    assert view.locator(".bl-drawn").count() <= 3
    view.locator(".bl-side", has_text="From the right alone").locator(".gb-bar-row").nth(4).wait_for()
    page.wait_for_url("**place=6**")
    page.locator("#diffusion-blanks-text textarea").fill("She ___ no.")
    page.locator("#diffusion-blanks-run").click()
    view.locator(".bl-cell").nth(11).wait_for(state="detached")
    assert view.locator(".bl-cell").count() == 11
    film = page.locator(".stroke-film[data-state=full]")
    assert film.locator(".sf-seen svg").count() == film.locator(".sf-said svg").count() == 6
    film.locator(".sf-rows").focus()
    page.keyboard.press("ArrowRight")
    film.locator("figcaption", has_text="Drawing 2").wait_for()
    film.locator(".jump").press("End")
    film.locator(".where", has_text="finished").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "diffusion-other-data-phone.png", full_page=True)


WATCHED = """() => {
  const film = document.querySelector(".stroke-film");
  window.told = [];
  const note = () => told.push(film.querySelector(".where").textContent);
  new MutationObserver(note).observe(film, { subtree: true, childList: true, characterData: true });
}"""


def test_the_same_drawing_again_is_played_again(open_tab):
    page = open_tab("diffusion", "Other data")
    film = page.locator(".stroke-film[data-state=full]")
    film.locator(".where", has_text="step ").wait_for()
    page.evaluate(WATCHED)
    for _ in range(2):
        page.evaluate("told.length = 0")
        page.locator("#diffusion-strokes-run").click()
        page.wait_for_function("told.some((one) => one.includes('step ')) && told.at(-1).includes('finished')")
        film.locator(".jump").press("Home")


def test_a_wide_page_has_each_line_of_the_table_on_one_line(open_tab, screenshots):
    page = open_tab("diffusion", "Other data", calm=True)
    table = page.locator(".bl-beside table")
    table.locator("tbody tr").nth(2).wait_for()
    heights = table.locator("tbody td").evaluate_all("cells => cells.map((cell) => cell.offsetHeight)")
    assert len(set(heights)) == 1 and heights[0] < 45
    assert table.evaluate("node => node.offsetWidth <= node.parentElement.clientWidth")
    page.screenshot(path=screenshots / "diffusion-other-data.png", full_page=True)
