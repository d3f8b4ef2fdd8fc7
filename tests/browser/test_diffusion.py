"""The Diffusion tab in a real browser: slide through time, watch sprites appear, step back, stop, a phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import settled

pytestmark = pytest.mark.browser

FILM = "#diffusion-film"
ASKED = re.compile("/component_server")


def test_forward_noise_on_the_slider(open_tab):
    page = open_tab("diffusion", "Forward: add noise")
    page.locator(".noise-view[data-state=full]").wait_for()
    before = page.locator(".noise-view img.noisy").get_attribute("src")
    page.locator("#diffusion-time input[type=number]").fill("900")
    page.locator("#diffusion-time input[type=number]").press("Enter")
    page.locator(".noise-view .t", has_text="900").wait_for()
    assert page.locator(".noise-view img.noisy").get_attribute("src") != before
    assert float(page.locator(".noise-view .signal").inner_text()) < 0.2


@pytest.mark.core
def test_sprites_appear_step_by_step_and_can_be_stepped_back(open_tab, screenshots):
    page = open_tab("diffusion")
    page.locator("#diffusion-run").click()
    page.locator(f"{FILM} .rail .step").first.wait_for()
    page.locator(f"{FILM} .where", has_text="step 25 of 25").wait_for()
    assert page.locator(f"{FILM} .rail .step").count() == 25
    page.locator(".gb-strip:visible b", has_text="parameters").wait_for()
    page.wait_for_timeout(1000)
    requests = []
    page.on("request", lambda request: requests.append(request.url) if "gradio_api" in request.url else None)
    last = page.locator(f"{FILM} .original .canvas.x_0").inner_html()
    for _ in range(20):
        page.locator(f"{FILM} .back").click()
    assert page.locator(f"{FILM} .where").inner_text().startswith("step 5 of 25")
    assert page.locator(f"{FILM} .original .canvas.x_0").inner_html() != last
    page.locator(f"{FILM} .rail .step").nth(11).click()
    assert page.locator(f"{FILM} .where").inner_text().startswith("step 12 of 25")
    page.locator(f"{FILM} .play").click()
    page.locator(f"{FILM} .where", has_text="step 25 of 25").wait_for()
    assert page.locator(f"{FILM} .original .canvas.x_0").inner_html() == last
    assert requests == [], "going back must not run the network"
    page.screenshot(path=screenshots / "diffusion.png", full_page=True)


def test_stop_ends_the_run(open_tab):
    page = open_tab("diffusion")
    page.get_by_label("number input for Sprites").fill("16")
    page.get_by_label("number input for Steps").fill("50")
    page.locator("#diffusion-run").click()
    page.locator(f"{FILM} .where", has_text="of 50").wait_for()
    page.locator(f"{FILM} .rail .step").nth(1).wait_for()
    page.get_by_role("button", name="Stop").dispatch_event("click")  # without waiting for a quiet page
    stopped = page.locator("#diffusion-reverse .gb-strip", has_text="Stopped at step")
    stopped.wait_for()
    count = int(re.search(r"Stopped at step (\d+) of 50", stopped.inner_text())[1])
    assert count < 50
    expect(page.locator(f"{FILM} .rail .step")).to_have_count(count)  # whatever was on its way has come
    settled(page)
    expect(page.locator(f"{FILM} .rail .step")).to_have_count(count)


def run_with_few_steps(page, steps=8):
    page.get_by_label("number input for Steps").fill(str(steps))
    page.get_by_label("number input for Steps").press("Enter")
    page.locator("#diffusion-run").click()
    page.locator(f"{FILM} .where", has_text=f"step {steps} of {steps}").wait_for()


def open_fork(page, place):
    page.locator(f"{FILM} .rail .step").nth(place).click()
    page.locator(f"{FILM} .fork").click()
    page.locator("#diffusion-fork-canvas .choices canvas").first.wait_for()


def test_what_is_drawn_badly_is_under_a_fold_and_in_links(open_tab, page, screenshots):
    shown = open_tab("diffusion", calm=True)
    menu = shown.locator("#diffusion-reverse-class input")
    menu.click()
    offered = [one.get_attribute("aria-label") for one in shown.locator("ul[role=listbox] [role=option]:visible").all()]
    assert offered == ["potion", "tree", "wand", "person", "jewellery", "any"]
    menu.press("Escape")
    shown.get_by_role("button", name="What it draws badly").click()
    shown.get_by_role("button", name="monster 4/16").click()
    expect(menu).to_have_value("monster")
    shown.wait_for_url("**sprite_class=monster**")
    shown.locator(f"{FILM} .where", has_text="step 25 of 25").wait_for()
    shown.screenshot(path=screenshots / "diffusion-badly.png", full_page=True)
    open_fork(shown, 3)
    expect(shown.locator("#diffusion-fork-class input")).to_have_value("monster")
    shown.locator("#diffusion-fork-run").click()
    shown.locator(f"{FILM} .lane.other .lane-name", has_text="nothing changed").wait_for()
    page.goto("/?tab=diffusion&at=reverse&sprite_class=armour&steps=4&count=1")
    expect(page.locator("#diffusion-reverse-class input")).to_have_value("armour")
    page.locator(f"{FILM} .where", has_text="of 4").wait_for()
    assert page.get_by_text("not understood").count() == 0


def stroke(page, canvas):
    paper = page.locator(f"{canvas} canvas.paper")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.5, steps=6)
    page.mouse.up()


def test_an_unchanged_fork_is_the_same_run_and_a_painted_one_is_not(open_tab, screenshots):
    page = open_tab("diffusion")
    run_with_few_steps(page)
    open_fork(page, 3)
    page.locator("#diffusion-fork-run").click()
    lane = page.locator(f"{FILM} .lane.other .lane-name")
    page.locator(f"{FILM} .where", has_text="step 8 of 8").wait_for()
    lane.filter(has_text="nothing changed").wait_for()
    assert "differs from the original's by 0.0 " in lane.inner_text()
    assert page.locator(f"{FILM} .rail .forked").count() == 5

    open_fork(page, 5)
    stroke(page, "#diffusion-fork-canvas")
    page.locator("#diffusion-fork-run").click()
    lane.filter(has_text="painted on sprite 1").wait_for()
    page.locator(f"{FILM} .where", has_text="step 8 of 8").wait_for()
    assert "by 0.0 " not in lane.inner_text()
    page.locator(f"{FILM} .lane.other .x_0 .tile").first.click(position={"x": 20, "y": 20})
    page.locator(f"{FILM} .pixel caption", has_text="Step 8, sprite 1").wait_for()
    page.locator(f"{FILM} .back").click()
    page.locator(f"{FILM} .pixel caption").wait_for(state="detached")
    page.screenshot(path=screenshots / "diffusion-fork.png", full_page=True)


@pytest.mark.slow
def test_the_numbers_of_a_pixel_go_with_their_step(open_tab):
    """Also where they come when another step is shown already, and when another run begins."""
    page = open_tab("diffusion")
    run_with_few_steps(page, 4)
    table, pixel = page.locator(f"{FILM} .pixel table"), page.locator(f"{FILM} .original .x_0 .tile").first
    place = {"position": {"x": 20, "y": 20}}
    pixel.click(**place)
    page.locator(f"{FILM} .pixel caption", has_text="Step 4, sprite 1").wait_for()
    page.locator(f"{FILM} .rail .step").nth(1).click()
    expect(table).to_have_count(0)

    late = []
    page.route(ASKED, lambda route: late.append(route))
    with page.expect_request(ASKED):
        pixel.click(**place)
    page.locator(f"{FILM} .forward").click()
    page.locator(f"{FILM} .where", has_text="step 3 of 4").wait_for()
    with page.expect_response(ASKED):
        for route in late:
            route.continue_()
    page.unroute(ASKED)
    pixel.click(**place)
    page.locator(f"{FILM} .pixel caption", has_text="Step 3, sprite 1").wait_for()

    run_with_few_steps(page, 5)
    expect(table).to_have_count(0)


@pytest.mark.slow
def test_a_picture_in_the_middle_is_saved_on_the_chosen_background(open_tab, tmp_path):
    from PIL import Image

    page = open_tab("diffusion")
    run_with_few_steps(page, 4)
    page.locator(f"{FILM} .rail .step").nth(1).click()
    for transparent in (False, True):
        if transparent:
            page.locator(f"{FILM} .tools .clear").click()
        with page.expect_download() as download:
            page.locator(f"{FILM} .save[data-what=x_0]").click()
        assert download.value.suggested_filename == "x0-step-2-sprite-1.png"
        download.value.save_as(tmp_path / "saved.png")
        saved = Image.open(tmp_path / "saved.png").convert("RGBA")
        assert saved.size == (32, 32)
        assert (saved.getextrema()[3][0] < 255) == transparent


def test_a_drawing_becomes_a_sprite_and_a_hole_is_filled(open_tab, screenshots):
    page = open_tab("diffusion", "From an image")
    page.locator("#diffusion-film-image .where", has_text="step 15 of 15").wait_for()
    stroke(page, "#diffusion-canvas")
    page.locator("#diffusion-entry", has_text="15 of 25 steps are run").wait_for()
    page.locator("#diffusion-transform").click()
    film = page.locator("#diffusion-film-image")
    film.locator(".where", has_text="step 15 of 15").wait_for()
    page.screenshot(path=screenshots / "diffusion-image.png", full_page=True)
    page.locator("#diffusion-canvas button.hole").click()
    stroke(page, "#diffusion-canvas")
    page.locator("#diffusion-fill").click()
    film.locator(".where", has_text="step 25 of 25").wait_for()


@pytest.mark.slow
def test_a_walk_between_two_classes(open_tab):
    page = open_tab("diffusion", "Between two")
    film = page.locator("#diffusion-film-between")
    film.locator(".where", has_text="step 25 of 25").wait_for()
    page.get_by_label("number input for Sprites, ends included").fill("5")
    page.locator("#diffusion-walk").click()
    expect(film.locator(".original .x_0 .tile")).to_have_count(5)
    film.locator(".where", has_text="step 25 of 25").wait_for()


@pytest.mark.slow
def test_nothing_sideways_on_a_phone_in_the_dark(open_tab, screenshots):
    page = open_tab("diffusion", phone=True, dark=True)
    page.locator("#diffusion-run").click()
    page.locator(f"{FILM} .where", has_text="step 25 of 25").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "diffusion-phone.png", full_page=True)
