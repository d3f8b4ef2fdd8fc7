"""Your own classes in a real browser: uploads and the fake webcam, training, the live answer, keeping and loading."""

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TITLE = "Your own classes"
LIVE = ".class-trial[data-answers]"


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    """Four different pictures of stripes, nothing like the webcam's scene; one is grey, one transparent."""
    folder, paths = tmp_path_factory.mktemp("stripes"), []
    for i, mode in enumerate(("RGB", "L", "RGBA", "RGB")):
        rows = (np.arange(120) // (6 + 3 * i) % 2 * 255).astype(np.uint8)
        pixels = np.broadcast_to(rows[:, None, None], (120, 160 + i, 3)).copy()
        path = folder / f"stripes-{i}.png"
        Image.fromarray(pixels).convert(mode).save(path)
        paths.append(str(path))
    return paths


def card(page, place):
    return page.locator("#vit-collector .cc-class").nth(place)


def upload(page, place, paths):
    with page.expect_file_chooser() as chooser:
        card(page, place).locator(".cc-upload").click()
    chooser.value.set_files(paths)


def train(page):
    """Until the verdicts of another training than the one that is shown are there."""
    ended = page.locator("#vit-own-board .class-board").get_attribute("data-ended")
    page.locator("#vit-own-train").click()
    page.wait_for_function("(ended) => document.querySelector('.class-board').dataset.ended !== ended", arg=ended)


def best(page, label):
    page.wait_for_function("label => document.querySelector('.class-trial').dataset.best === label", arg=label)


@pytest.mark.slow
def test_frames_are_taken_for_as_long_as_the_button_is_held(open_tab):
    page = open_tab("vit", TITLE)
    record, count = card(page, 0).locator(".cc-record"), card(page, 0).locator(".cc-count")
    record.focus()
    page.keyboard.down("Enter")
    expect(count).to_have_text("30 pictures")
    page.keyboard.up("Enter")
    page.get_by_role("button", name=re.compile("^Keep it, or load")).click()
    page.locator("#vit-own-export").click()
    expect(page.locator("#vit-own-program")).to_contain_text("LABELS = ['potion', 'weapon', 'tree', 'person', 'altar']")


def test_webcam_against_uploads_live_and_kept(open_tab, screenshots, stripes, tmp_path):
    page = open_tab("vit", TITLE)
    card(page, 0).locator("input").first.fill("scene")
    card(page, 1).locator("input").first.fill("stripes")
    card(page, 0).locator(".cc-record").click()
    card(page, 0).locator(".cc-count", has_text="8 pictures").wait_for()
    assert page.evaluate("document.querySelector('#vit-collector video').srcObject !== null")
    page.locator("#vit-collector .cc-off").click()
    upload(page, 1, stripes)
    card(page, 1).locator(".cc-count", has_text="4 pictures").wait_for()
    train(page)
    board = page.locator("#vit-own-board")
    assert board.locator("td.is-right").all_inner_texts() == ["8", "4"]
    assert board.locator(".cb-card").count() == 12
    board.locator(".cb-slide input").fill("0")
    board.locator(".cb-when", has_text=re.compile(r"^step 0: \d+ of 12 right")).wait_for()
    page.locator(".ct-start").click()
    best(page, "scene")
    page.screenshot(path=screenshots / "vit-own-classes.png", full_page=True)
    page.locator(".ct-stop").click()
    with page.expect_file_chooser() as chooser:
        page.locator(".ct-file").click()
    chooser.value.set_files(stripes[2])
    best(page, "stripes")

    page.get_by_role("button", name=re.compile("^Keep it, or load")).click()
    page.locator("#vit-own-keep").click()
    links = page.locator("#vit-page-own_classes a[download]")
    links.nth(1).wait_for()
    kept = []
    for i in range(2):
        with page.expect_download() as download:
            links.nth(i).click()
        kept.append(tmp_path / download.value.suggested_filename)
        download.value.save_as(kept[-1])
    page.reload()
    page.locator("#tab-vit").wait_for()
    page.get_by_role("tab", name=TITLE, exact=True).click()
    page.get_by_role("button", name=re.compile("^Keep it, or load")).click()
    page.locator("#vit-own-load input[type=file]").set_input_files([str(path) for path in kept])
    page.locator(".gb-strip", has_text="Loaded: scene, stripes").wait_for()
    page.locator(".ct-start").click()
    best(page, "scene")


def test_what_cannot_be_trained_gets_a_sentence_and_nothing_is_lost(open_tab, stripes, tmp_path):
    page = open_tab("vit", TITLE, phone=True, dark=True)
    upload(page, 0, stripes[:1])
    page.locator("#vit-own-train").click()
    page.get_by_text("“class 1” has one picture").wait_for()
    upload(page, 0, stripes[1:2])
    upload(page, 1, stripes[:2])
    card(page, 1).locator(".cc-count", has_text="2 pictures").wait_for()
    page.locator("#vit-own-train").click()
    page.get_by_text("One picture is both in “class 1” and in “class 2”").wait_for()
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    upload(page, 1, [str(text)])
    page.locator(".cc-message", has_text="notes.png is not a picture").wait_for()
    assert page.locator("#vit-collector .cc-count").all_inner_texts() == ["2 pictures", "2 pictures"]
    card(page, 1).get_by_role("button", name="remove picture 1 of class 2").click()
    card(page, 1).get_by_role("button", name="remove picture 1 of class 2").click()
    upload(page, 1, stripes[2:])
    card(page, 1).locator(".cc-count", has_text="2 pictures").wait_for()
    train(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_the_example_is_learned(open_tab, screenshots):
    page = open_tab("vit", TITLE)
    page.locator("#vit-own-example").click()
    card(page, 4).wait_for()
    assert page.locator("#vit-collector .cc-pictures img").count() == 25
    train(page)
    page.screenshot(path=screenshots / "vit-own-classes-example.png", full_page=True)
    right = page.locator("#vit-own-board .cb-when").inner_text()
    assert int(re.search(r"(\d+) of 25 right", right)[1]) >= 20
    names = [name.get_attribute("title") for name in page.locator("#vit-own-trial .ct-bar b").all()]
    assert names == ["potion", "weapon", "tree", "person", "altar"]


@pytest.mark.slow
def test_the_nearest_photos_of_a_cheetah_before_and_after(open_tab):
    page = open_tab("vit", "Nearest photos")
    page.locator("#vit-page-neighbours").get_by_role("button", name="A cheetah").click()
    columns = page.locator(".gb-neighbours section")
    expect(columns.nth(1).locator("p b")).to_have_text(re.compile("cougar|Leopards|wild"))
    after = columns.nth(1).locator("li b").all_inner_texts()
    assert sum(name in ("Leopards", "cougar face", "cougar body", "wild cat") for name in after) >= 5
    assert columns.nth(0).locator("li b").all_inner_texts() != after
