"""Taking it along: pictures, tables, arrays and a program of one page; a view kept as a file and opened elsewhere."""

import csv
import io
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.conftest import PATIENCE, ROOT, settled

pytestmark = pytest.mark.browser

SVG = "{http://www.w3.org/2000/svg}"


def opened(page, where):
    """The opened control of a view or of what stands before it."""
    control = page.locator(where)
    if not control.evaluate("node => node.open"):
        control.locator("summary").click()
    control.get_by_role("button").first.wait_for()
    return control


def taken(page, control, name):
    """The file that a button gives: its name and bytes."""
    with page.expect_download() as told:
        control.get_by_role("button", name=name, exact=True).click()
    return told.value.suggested_filename, Path(told.value.path()).read_bytes()


@pytest.fixture(scope="module")
def loaded_once(browser, app_url):
    """The page "What patches know", opened once; every module that it fetches is counted."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=app_url)
    page, fetched = context.new_page(), []
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda request: fetched.append(request.url))
    page.goto("/?tab=vit&at=features")
    page.locator("#vit-page-features[data-opened=true]").wait_for()
    yield page, fetched
    context.close()


@pytest.fixture(scope="module")
def view(loaded_once):
    return opened(loaded_once[0], "#features-view .gb-take")


@pytest.mark.slow
def test_nothing_is_fetched_for_it_before_it_is_asked_for(loaded_once):
    page, fetched = loaded_once
    assert not any("taking.js" in url for url in fetched)
    opened(page, "#features-distances .gb-take")
    opened(page, "#features-view .gb-take").locator("summary").click()
    assert sum(url.endswith("taking.js") for url in fetched) == 1


def test_a_figure_is_taken_as_svg_with_texts_and_pictures(loaded_once, view):
    page, _ = loaded_once
    name, content = taken(page, view, "SVG")
    root = ElementTree.fromstring(content)
    assert name == "glassbox-features.svg" and root.tag == f"{SVG}svg"
    words = " ".join(text.text for text in root.iter(f"{SVG}text"))
    assert "layer" in words.lower() and "Take it with you" not in words
    pictures = [one.get("href") for one in root.iter(f"{SVG}image")]
    assert pictures and all(href.startswith("data:image/png;base64,") for href in pictures)
    assert not list(root.iter(f"{SVG}foreignObject")) and not list(root.iter(f"{SVG}script"))


@pytest.mark.slow
def test_a_figure_is_taken_as_png_twice_its_size(loaded_once, view):
    page, _ = loaded_once
    name, content = taken(page, view, "PNG")
    picture = Image.open(io.BytesIO(content))
    width = page.locator("#features-view .gb-view").evaluate("node => Math.ceil(node.getBoundingClientRect().width)")
    assert name == "glassbox-features.png" and picture.width == 2 * width
    assert len(picture.convert("RGB").getcolors(2**24)) > 100


def test_arrays_are_those_that_the_view_draws(loaded_once, view):
    page, _ = loaded_once
    name, content = taken(page, view, "Arrays (.npz)")
    with np.load(io.BytesIO(content)) as arrays:
        assert arrays["values"].shape[0] == int(arrays["layers"]) + 1
        assert arrays["result.features"].shape[-1] == int(arrays["width"])
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert name == "glassbox-features.npz"
    assert b"features_of_pictures" in archive.read("reproduce.py") == taken(page, view, "Python")[1]
    assert b"steps: `[N, D]` of each layer" in archive.read("README.txt")


@pytest.mark.slow
def test_a_chart_and_a_table_are_taken_as_csv(loaded_once):
    page, _ = loaded_once
    _, content = taken(page, opened(page, "#features-distances .gb-take"), "CSV")
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert lines[0][:2] == ["line", "layer"] and len(lines) == 1 + 2 * 12
    table = "#vit-page-features .gb-scroll + .gb-take"
    page.locator(table).wait_for()
    _, content = taken(page, opened(page, table), "CSV")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert ["linear layer on CLS", "80.3 %", "94.4 %"] in rows


def test_a_view_is_kept_as_a_file_and_opened_again(open_tab, new_page, tmp_path):
    page = open_tab("attention", "All heads")
    page.locator("#attention-text textarea").fill("A kept sentence.")
    page.wait_for_function("history.state?.glassbox?.texts?.text === 'A kept sentence.'")
    page.locator("#page-link .page-link-files summary").click()
    with page.expect_download() as told:
        page.locator("#page-link .page-link-keep").click()
    path = tmp_path / "view.json"
    told.value.save_as(path)
    assert json.loads(path.read_text())["values"]["text"] == "A kept sentence."
    fresh = new_page()
    fresh.goto("/?tab=vit")
    fresh.locator("#page-link [data-mounted], #page-link[data-mounted]").first.wait_for()
    fresh.locator("#tab-vit").wait_for(state="visible")
    fresh.locator("#page-link .page-link-file").set_input_files(path)
    expect(fresh.locator("#attention-text textarea")).to_have_value("A kept sentence.")
    path.write_text('{"format": "other"}')
    fresh.locator("#page-link .page-link-file").set_input_files(path)
    expect(fresh.locator(".page-link-said")).to_contain_text("was not saved by this app")


@pytest.mark.slow
def test_a_picture_of_ones_own_comes_back_with_its_view(open_tab, new_page, tmp_path):
    page = open_tab("vit", "What patches know")
    own = ROOT / "assets" / "media" / "vit-umbrella.jpg"
    picture = Image.open(own).transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((96, 96))
    picture.save(tmp_path / "own.png")
    page.locator("#features-image input[type=file]").first.set_input_files(tmp_path / "own.png")
    page.wait_for_function("document.querySelector('#features-image img')?.src.includes('own.png')")
    settled(page)
    page.locator("#page-link .page-link-files summary").click()
    with page.expect_download() as told:
        page.locator("#page-link .page-link-keep").click()
    told.value.save_as(tmp_path / "view.json")
    assert list(json.loads((tmp_path / "view.json").read_text())["pictures"]) == ["picture"]
    fresh = new_page()
    fresh.goto("/?tab=attention")
    fresh.locator("#tab-attention").wait_for(state="visible")
    fresh.locator("#page-link .page-link-file").set_input_files(tmp_path / "view.json")
    fresh.locator("#features-image img").wait_for()
    fresh.wait_for_function("document.querySelector('#features-image img').naturalWidth === 96")
