"""The page that trains, in a real browser: one step read pixel by pixel, own pictures learned, stopped, used, kept."""

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
        page.set_default_timeout(120_000)
        page.locator("#diffusion-draw").wait_for()
        return page

    return open_


def test_one_step_is_taken_apart(training_page):
    page = training_page()
    page.locator("#diffusion-draw").click()
    page.locator(".training-step[data-state=full]").wait_for()
    assert float(page.locator(".training-step .loss").inner_text()) > 0
    page.locator(".training-step canvas[data-name=xt]").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".training-step .pixel", has_text="v should be").wait_for()


def test_own_pictures_are_learned_stopped_used_and_kept(training_page, screenshots):
    page = training_page()
    page.get_by_label("my own pictures").check()
    page.locator("#diffusion-files input[type=file]").set_input_files(pictures())
    page.locator("#diffusion-files", has_text="circles").wait_for()
    page.locator("#diffusion-train").click()
    page.locator(".training-view[data-state=full]").wait_for()
    page.locator(".training-view .about", has_text="3, 16 x 16 pixels").wait_for()
    page.locator(".training-view .last-loss:not(:empty)").wait_for()
    page.locator("#diffusion-train-stop").click()
    page.locator(".gb-strip-note", has_text="Training is over").wait_for()
    page.locator("#diffusion-use").click()
    page.locator("#diffusion-film-trained .rail .step").nth(19).wait_for()
    page.locator("#diffusion-keep").click()
    page.get_by_text("trained-16px").first.wait_for()
    page.screenshot(path=screenshots / "diffusion-training.png", full_page=True)


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
