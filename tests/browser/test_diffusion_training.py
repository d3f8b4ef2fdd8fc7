"""The page that trains, in a real browser: one step read pixel by pixel, own pictures learned, kept, used elsewhere."""

import io
import zipfile

import pytest
from PIL import Image, ImageDraw

pytestmark = pytest.mark.browser


def pictures():
    """A zip of three pictures: circles of three colours."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for color in ("crimson", "teal", "gold"):
            image, file = Image.new("RGB", (64, 64), "white"), io.BytesIO()
            ImageDraw.Draw(image).ellipse((12, 12, 52, 52), fill=color)
            image.save(file, "PNG")
            archive.writestr(f"{color}.png", file.getvalue())
    return {"name": "circles.zip", "mimeType": "application/zip", "buffer": buffer.getvalue()}


@pytest.fixture
def training_page(open_tab):
    def open_(**how):
        page = open_tab("diffusion", "Train one", **how)
        page.locator("#diffusion-draw").wait_for()
        return page

    return open_


def test_one_step_is_taken_apart(training_page):
    page = training_page()
    page.locator(".training-step[data-state=full]").wait_for()
    first = page.locator(".training-step .t").inner_text()
    page.locator("#diffusion-draw").click()
    page.wait_for_function("first => document.querySelector('.training-step .t').textContent !== first", arg=first)
    assert float(page.locator(".training-step .loss").inner_text()) > 0
    page.locator(".training-step canvas[data-name=x_t]").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".training-step .pixel", has_text="v should be").wait_for()


def trained(page, *, seconds=None):
    """Three circles are learned, for some seconds or until Stop."""
    page.get_by_label("my own pictures").check()
    page.locator("#diffusion-files input[type=file]").set_input_files(pictures())
    page.locator("#diffusion-files", has_text="circles").wait_for()
    if seconds is not None:
        page.locator("#diffusion-seconds input[type=number]").fill(str(seconds))
        page.locator("#diffusion-seconds input[type=number]").press("Enter")
    page.locator("#diffusion-train").click()
    page.locator(".training-view[data-state=full]").wait_for()
    page.locator(".training-view .about", has_text="3, 16 x 16 pixels").wait_for()
    page.locator(".training-view .last-loss:not(:empty)").wait_for()
    if seconds is None:
        page.locator("#diffusion-train-stop").click()
    page.locator(".gb-strip-note", has_text="Training is over").wait_for()


def test_own_pictures_are_learned_stopped_and_kept(training_page, screenshots):
    page = training_page()
    trained(page)
    page.locator("#diffusion-file").get_by_role("button", name="Keep it, or load one").click()
    page.locator("#diffusion-file-keep").click()
    page.locator("#diffusion-file-file", has_text=".safetensors").wait_for()
    page.screenshot(path=screenshots / "diffusion-training.png", full_page=True)


def choose_own(page, title, choice):
    page.get_by_role("tab", name=title).click()
    page.locator(choice).get_by_label("the one I trained, 16 x 16").check()
    page.locator(choice, has_text="Trained without classes").wait_for()


@pytest.mark.slow
def test_the_network_trained_here_runs_on_the_other_pages(training_page, screenshots):
    page = training_page()
    trained(page, seconds=5)
    choose_own(page, "Reverse: take it away", "#diffusion-network")
    page.locator("#diffusion-reverse").get_by_label("Guidance").first.wait_for(state="hidden")
    page.locator("#diffusion-run").click()
    film = page.locator("#diffusion-film")
    film.locator(".where", has_text="step 25 of 25").wait_for()
    page.locator("#diffusion-reverse .gb-strip", has_text="the one I trained").wait_for()
    film.locator(".rail .step").nth(9).click()
    film.locator(".fork").click()
    page.locator("#diffusion-fork-canvas canvas.paper[width='16']").wait_for()
    assert not page.locator("#diffusion-fork-class").is_visible()
    page.locator("#diffusion-fork-run").click()
    film.locator(".lane.other .lane-name", has_text="nothing changed").wait_for()
    film.locator(".where", has_text="step 25 of 25").wait_for()
    assert "by 0.0 " in film.locator(".lane.other .lane-name").inner_text()
    page.screenshot(path=screenshots / "diffusion-own.png", full_page=True)

    choose_own(page, "Between two", "#diffusion-between-network")
    page.locator("#diffusion-walk").click()
    page.locator("#diffusion-film-between .where", has_text="step 25 of 25").wait_for()

    choose_own(page, "From an image", "#diffusion-image-network")
    page.locator("#diffusion-canvas canvas.paper[width='16']").wait_for()
    page.get_by_role("button", name="potion").last.click()
    page.locator("#diffusion-entry", has_text="15 of 25 steps are run").wait_for()
    page.locator("#diffusion-transform").click()
    page.locator("#diffusion-film-image .where", has_text="step 15 of 15").wait_for()


@pytest.mark.slow
def test_a_zip_without_pictures_is_a_sentence_and_nothing_goes_sideways(training_page, screenshots):
    page = training_page(phone=True, dark=True)
    page.get_by_label("my own pictures").check()
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("notes.txt", "nothing")
    file = {"name": "notes.zip", "mimeType": "application/zip", "buffer": empty.getvalue()}
    page.locator("#diffusion-files input[type=file]").set_input_files(file)
    page.locator("#diffusion-files", has_text="notes").wait_for()
    page.locator("#diffusion-train").click()
    page.get_by_text("holds no picture").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "diffusion-training-phone-dark.png", full_page=True)
