"""Words, the inside of the U-Net and grids in a real browser."""

import pytest

from tests.conftest import settled

pytestmark = pytest.mark.browser


def test_a_prompt_is_drawn_and_its_words_are_found_in_the_picture(open_tab, screenshots):
    page = open_tab("diffusion", "Pictures from words")
    film, words = page.locator("#diffusion-large-film"), page.locator("#diffusion-large-words")
    film.get_by_text("step 25 of 25").wait_for()
    words.get_by_alt_text("potion,").first.wait_for()
    page.get_by_label("number input for Steps").locator("visible=true").fill("5")
    page.locator("#diffusion-prompt textarea").fill("a green bicycle")
    page.locator("#diffusion-large-run").click()
    film.get_by_text("step 5 of 5").wait_for()
    page.get_by_text("No sprite of its training was called “bicycle”: it guesses").wait_for()
    words.get_by_alt_text("bicycle,").first.wait_for()
    words.get_by_text("In each layer").click()
    words.locator("details img").nth(14).wait_for()
    page.locator("#diffusion-large-guidance").get_by_text("In step 5,").wait_for()
    page.screenshot(path=screenshots / "diffusion-words.png", full_page=True)


def test_a_step_is_opened_and_parts_are_switched_off(open_tab, screenshots):
    page = open_tab("diffusion", "Inside the U-Net")
    view = page.locator("#diffusion-inside-view")
    change = view.locator(".ui-change")
    assert change.inner_text() == "nothing switched off: the same, to the bit"
    assert view.locator(".ui-stage").count() == 16
    before = view.locator(".ui-now").get_attribute("style")
    view.get_by_role("button", name="switch off the skip from block 1 on the way down").first.click()
    view.locator(".ui-change", has_text="without one part: differs by").wait_for()
    assert view.locator(".ui-now").get_attribute("style") != before
    view.get_by_role("button", name="switch off the time").click()
    view.locator(".ui-change", has_text="without 2 parts").wait_for()
    page.wait_for_function("() => /off=[^&#]*skip[^&#]*time/.test(location.href)")
    view.get_by_role("button", name="Undo all").click()
    view.locator(".ui-change", has_text="the same, to the bit").wait_for()
    view.locator(".ui-step").fill("25")
    view.locator(".ui-where", has_text="25 of 25").wait_for()
    view.locator(".ui-change", has_text="the same, to the bit").wait_for()
    view.get_by_text("Self-attention: who looks where").click()
    view.locator(".ui-seen").click(position={"x": 3, "y": 3})
    view.get_by_text("From row 1, column 1 of 8").wait_for()
    page.screenshot(path=screenshots / "diffusion-inside.png", full_page=True)


def test_a_grid_is_compared_scrubbed_and_refused(open_tab, screenshots):
    page = open_tab("diffusion", "Side by side")
    grid = page.locator("#diffusion-grid")
    grid.locator(".where", has_text="16 of 16").wait_for()
    assert grid.locator(".sg-cell .tile").count() == 16
    last = grid.locator(".sg-cell").nth(3).inner_html()
    grid.get_by_label("one step back").click()
    grid.locator(".where", has_text="15 of 16").wait_for()
    assert grid.locator(".sg-cell").nth(3).inner_html() != last
    page.locator("#diffusion-grid-rows-values textarea, #diffusion-grid-rows-values input").fill("ddim, unipc")
    page.locator("#diffusion-grid-columns-values textarea, #diffusion-grid-columns-values input").fill("1, 3")
    page.locator("#diffusion-grid-run").click()
    grid.locator(".where", has_text="3 of 3").wait_for()
    assert grid.locator(".sg-cell .tile").count() == 4
    page.screenshot(path=screenshots / "diffusion-grid.png", full_page=True)
    many = ", ".join(["2"] * 60)
    page.locator("#diffusion-grid-columns-values textarea, #diffusion-grid-columns-values input").fill(many)
    page.locator("#diffusion-grid-run").click()
    page.get_by_text("This grid has 120 cells; 48 are the most.").wait_for()
    settled(page)
