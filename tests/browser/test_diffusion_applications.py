"""Applications, and from copying to inventing, in a real browser."""

import pytest

pytestmark = pytest.mark.browser

FILM = "#diffusion-film-applications"


def test_each_application_runs_and_says_what_was_measured(open_tab, screenshots):
    page = open_tab("diffusion", "Applications")
    film = page.locator(FILM)
    film.locator(".where", has_text="step 25 of 25").wait_for()
    film.locator(".gb-said", has_text="Averaged over 2 x 2 pixels").wait_for()
    page.screenshot(path=screenshots / "diffusion-applications.png", full_page=True)
    for label, said in (
        ("Fill a hole", "192 of 1024 pixels were made anew"),
        ("Colour a grey sprite", "Colours, measured"),
    ):
        page.locator("#diffusion-do").get_by_label(label).check()
        film.locator(".gb-said", has_text=said).wait_for()
        assert page.locator("#diffusion-given img").count() == 2
    page.locator("#diffusion-do").get_by_label("Edit by words").check()
    film.locator(".gb-said", has_text="Told “a red potion”").wait_for()
    film.locator(".original .x_0").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    film.locator(".pixel caption", has_text="row 2, column 2").wait_for()
    page.wait_for_url("**do=words**")
    page.locator("#diffusion-given a").click()
    page.wait_for_url("**at=large**")


@pytest.mark.slow
def test_copies_and_inventions_side_by_side_by_keyboard_on_a_phone(open_tab, screenshots):
    page = open_tab("diffusion", "From copying to inventing", phone=True, dark=True)
    view = page.locator(".copying-view[data-state=full]")
    view.locator(".gb-said", has_text="Trained on 1 sprite, 16 of 16 samples are copies").wait_for()
    assert view.locator(".cv-cell").count() == 64
    view.locator(".cv-rows").focus()
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    view.locator("figcaption", has_text="Sample 2 of the network that saw 12").wait_for()
    page.wait_for_url("**sample=1.1**")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "diffusion-copying-phone.png", full_page=True)
