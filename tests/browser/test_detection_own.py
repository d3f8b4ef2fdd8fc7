"""Your own objects in a real browser: boxes drawn with the mouse and the keyboard, a training, the camera."""

import pytest

pytestmark = pytest.mark.browser

TITLE = "Your own objects"


def snap(page, count):
    page.locator(".fb-snap:enabled").click()
    page.locator(".fb-frames button").nth(count - 1).wait_for()


def draw(page, left, top, right, bottom):
    """A box in shares of the frame, by mouse."""
    area = page.locator(".fb-picture canvas").bounding_box()
    x, y = (lambda share: area["x"] + share * area["width"]), (lambda share: area["y"] + share * area["height"])
    page.mouse.move(x(left), y(top))
    page.mouse.down()
    page.mouse.move(x((left + right) / 2), y((top + bottom) / 2))
    page.mouse.move(x(right), y(bottom))
    page.mouse.up()


def boxes(page):
    return page.locator(".fb-list li span")


def test_a_thing_is_drawn_learned_and_found_by_the_camera(open_tab, screenshots):
    page = open_tab("detection", TITLE)
    page.locator("#detection-own-train").click()
    page.get_by_text("There is no box yet").wait_for()
    page.locator(".fb-camera").click()
    for count in (1, 2):
        snap(page, count)
        page.locator(".fb-picture img").wait_for()
        page.locator(".fb-name").fill("book")
        page.locator(".fb-picture canvas").scroll_into_view_if_needed()
        draw(page, 0.05, 0.02, 0.3, 0.33)
        assert boxes(page).all_inner_texts() == ["book"]
    page.locator(".fb-picture canvas").focus()
    page.keyboard.press("Enter")
    page.locator(".fb-list li").nth(1).wait_for()
    page.keyboard.press("Shift+ArrowRight")
    page.locator(".fb-list li button").nth(1).click()
    assert boxes(page).all_inner_texts() == ["book"]
    page.locator(".fb-camera").click()
    page.locator("#detection-own-train").click()
    page.locator("#detection-own-lessons .box-lessons[data-state=full]").wait_for()
    page.wait_for_function("document.querySelectorAll('.bl-frames figure').length === 2")
    page.wait_for_function("Number(document.querySelector('.bl-slide input').max) >= 1")
    page.locator("#detection-own-stop").click()
    page.locator("#tab-detection .gb-strip", has_text="Training is over").wait_for()
    page.screenshot(path=screenshots / "detection-own.png", full_page=True)
    page.locator("#detection-own-live .start").click()
    page.locator("#detection-own-live .facts", has_text="yours: book").wait_for()
    page.locator("#detection-own-why").click()
    page.locator("#detection-whose", has_text="you taught: book").wait_for()
    page.locator("#detection-strip", has_text="yours: book").wait_for()
    page.locator("#detection-back").click()
    page.locator("#detection-strip", has_text="RF-DETR, hands").wait_for()


@pytest.mark.slow
def test_nothing_sideways_on_a_phone(open_tab, screenshots):
    page = open_tab("detection", TITLE, phone=True, dark=True)
    page.locator(".fb-camera").click()
    snap(page, 1)
    page.locator(".fb-picture canvas").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "detection-own-phone.png", full_page=True)
