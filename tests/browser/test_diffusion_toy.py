"""The toy in the plane in a real browser: training, flowing, drawing."""

import pytest

pytestmark = pytest.mark.browser

TOY = ".vector-field"


@pytest.fixture
def toy_page(open_tab):
    def open_(**how):
        page = open_tab("diffusion", "A toy in 2-D", **how)
        page.locator(f"{TOY} .updates").wait_for()
        return page

    return open_


def updates(page):
    return int(page.locator(f"{TOY} .updates").inner_text().replace(",", ""))


def plane(page):
    return page.locator(f"{TOY} .plane").evaluate("(canvas) => canvas.toDataURL()")


def test_it_trains_flows_steps_and_goes_back(toy_page, screenshots):
    page = toy_page()
    page.locator(f"{TOY} .seen", has_text="1,500 updates").wait_for()
    page.locator(f"{TOY} .fresh").click()
    page.locator(f"{TOY} .once").click()
    assert updates(page) == 1
    page.locator(f"{TOY} .train").click()
    page.wait_for_function("parseInt(document.querySelector('.vector-field .updates').textContent) > 30")
    page.locator(f"{TOY} .train").click()
    paused = updates(page)
    page.wait_for_timeout(500)
    assert updates(page) == paused, "pausing ends the training"
    page.locator(f"{TOY} .again").click()
    assert page.locator(f"{TOY} .when").inner_text().startswith("step 0 of 50")
    first = plane(page)
    for _ in range(3):
        page.locator(f"{TOY} .forward").click()
    third = plane(page)
    assert third != first
    page.locator(f"{TOY} .back").click()
    page.locator(f"{TOY} .forward").click()
    assert page.locator(f"{TOY} .when").inner_text().startswith("step 3 of 50")
    assert plane(page) == third, "the way back and on again is the same"
    page.locator(f"{TOY} .play").click()
    page.locator(f"{TOY} .when", has_text="step 50 of 50").wait_for()
    page.locator(f"{TOY} .plane").hover()
    page.locator(f"{TOY} .readout", has_text="the network says v").wait_for()
    page.screenshot(path=screenshots / "diffusion-toy.png", full_page=True)


@pytest.mark.slow
def test_shapes_letters_and_points_drawn_by_hand(toy_page, screenshots):
    page = toy_page(dark=True)
    pictures = {plane(page)}
    for name in ("Two moons", "Letters"):
        page.locator(TOY).get_by_role("button", name=name).click()
        pictures.add(plane(page))
    page.locator(f"{TOY} .text").fill("z")
    pictures.add(plane(page))
    assert len(pictures) == 4
    page.locator(f"{TOY} .text").fill("")
    assert page.locator(f"{TOY} .train").is_disabled()
    page.locator(TOY).get_by_role("button", name="Draw").click()
    assert page.locator(f"{TOY} .train").is_disabled()
    page.locator(f"{TOY} .readout", has_text="Draw something first").wait_for()
    box = page.locator(f"{TOY} .plane").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 150, steps=8)
    page.mouse.up()
    assert page.locator(f"{TOY} .train").is_enabled()
    drawn = plane(page)
    page.locator(f"{TOY} .plane").focus()
    for key in ("ArrowRight", "Space"):
        page.keyboard.press(key)
    assert plane(page) != drawn
    page.screenshot(path=screenshots / "diffusion-toy-dark.png", full_page=True)
    page.locator(f"{TOY} .wipe").click()
    assert page.locator(f"{TOY} .train").is_disabled()


@pytest.mark.slow
def test_reduced_motion_shows_results_without_moving_and_a_phone_is_wide_enough(toy_page, screenshots):
    page = toy_page(phone=True)
    page.emulate_media(reduced_motion="reduce")
    page.locator(f"{TOY} .fresh").click()
    page.locator(f"{TOY} .play").click()
    assert page.locator(f"{TOY} .when").inner_text().startswith("step 50 of 50"), "at once, with nothing in between"
    assert page.locator(f"{TOY} .play").inner_text() == "Play"
    page.locator(f"{TOY} .train").click()
    page.wait_for_function("parseInt(document.querySelector('.vector-field .updates').textContent) >= 30")
    page.locator(f"{TOY} .train").click()
    page.locator(f"{TOY} .when", has_text="step 50 of 50").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "diffusion-toy-phone.png", full_page=True)


def test_three_ways_and_guidance_are_compared(toy_page, screenshots):
    page = toy_page(phone=True, dark=True)
    ways, guided = page.locator(".flow-ways[data-state=full]"), page.locator(".flow-guidance[data-state=full]")
    ways.locator(".gb-said", has_text="In one step 300 points end").wait_for()
    ways.locator(".where", has_text="step 1 of 1").wait_for()
    pictures = {ways.locator("canvas").nth(1).evaluate("(canvas) => canvas.toDataURL()")}
    ways.locator(".count").select_option("5")
    ways.locator(".where", has_text="step 5 of 5").wait_for()
    ways.get_by_label("one step back").click()
    ways.locator(".where", has_text="step 4 of 5, t = 0.20").wait_for()
    pictures.add(ways.locator("canvas").nth(1).evaluate("(canvas) => canvas.toDataURL()"))
    assert len(pictures) == 2
    guided.locator(".gb-said", has_text="With guidance 3.0, 100 % of 300 points").wait_for()
    guided.locator("input").focus()
    page.keyboard.press("Home")
    guided.locator(".gb-said", has_text="With guidance 0.0").wait_for()
    page.wait_for_url("**ways=5.4.100**")
    page.wait_for_url("**guidance=0**")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "diffusion-ways-phone.png", full_page=True)
