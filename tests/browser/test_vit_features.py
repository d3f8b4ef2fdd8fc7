"""The page "What patches know" in a real browser: a patch, layers, two pictures, the chart, dark, a phone."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TITLE = "What patches know"
PAGE = "#vit-page-features"
PIXELS = "(which) => document.querySelectorAll('.pf .pt-picture')[which].toDataURL()"
DIFFERS = "(before) => (document.querySelector('.pf').dataset.run ?? before) !== before"


def take(page, name, which=0):
    before = page.locator(".pf").get_attribute("data-run")
    page.locator(PAGE).get_by_role("button", name=name).nth(which).click()
    page.wait_for_function(DIFFERS, arg=before)


def pictures(page):
    return page.evaluate(f"[0, 1].map({PIXELS})")


def drawn(page, state):
    """Wait until a form, a layer (and a picture and patch) are drawn."""
    page.locator(f'.pf[data-drawn^="{state}"]').wait_for()


def text(page, where):
    return page.locator(f".pf {where}").inner_text()


def test_two_pictures_layers_and_a_patch_followed_into_the_other(open_tab, screenshots):
    page = open_tab("vit", TITLE)
    expect(page.locator(".pf figure:visible")).to_have_count(2)
    page.locator(".pf").get_by_role("button", name="colours").click()  # it opens on what is alike
    page.locator(".pf .layer").fill("12")
    take(page, "A cheetah")
    assert page.locator("#features-distances circle").count() == 12 * 6
    take(page, "A stop sign", which=1)
    assert page.locator(".pf figure:visible").count() == 2
    assert re.search(r"red: \d+ % of the variance.*together \d+ %", text(page, ".legend"), re.S)
    page.screenshot(path=screenshots / "vit-features.png", full_page=True)
    requests = []
    page.on("request", lambda request: requests.append(request.url))

    coloured = pictures(page)
    page.locator(".pf .layer").press("ArrowLeft")
    drawn(page, "colours 11 ")
    assert "After layer 11 of 12" in text(page, ".about")
    assert all(now != before for now, before in zip(pictures(page), coloured, strict=True))
    page.locator(".pf").get_by_role("button", name="similarity").click()
    page.locator(".pf .layer").fill("9")
    drawn(page, "similarity 9 ")
    canvas = page.locator(".pf .pt-picture")
    canvas.nth(0).click(position={"x": 180, "y": 110})
    page.locator(".pf .pointed", has_text="cosine 1.00").wait_for()
    assert "cosine 1.00 with the chosen patch" in text(page, ".pointed")
    chosen = re.search(r"Chosen: (row \d+, column \d+) of the first picture", text(page, ".reading"))[1]
    listed = [float(item.rpartition("\n")[2]) for item in page.locator(".pf .alike li").all_inner_texts()]
    assert listed == [*sorted(listed[:4], reverse=True), *sorted(listed[4:], reverse=True)]
    assert text(page, ".reading").endswith(f"cosine {listed[4]:.2f}.")
    assert max(listed[4:]) < max(listed[:4])

    before = pictures(page)
    at = page.locator(".pf").get_attribute("data-drawn")
    canvas.nth(0).press("ArrowRight")
    page.wait_for_function("at => document.querySelector('.pf').dataset.drawn !== at", arg=at)
    row, column = re.findall(r"\d+", chosen)
    assert f"Chosen: row {row}, column {int(column) + 1} of the first picture" in text(page, ".reading")
    canvas.nth(1).click(position={"x": 30, "y": 300})
    drawn(page, "similarity 9 1 ")
    assert "of the second picture. Most like it in the first picture" in text(page, ".reading")
    assert all(now != then for now, then in zip(pictures(page), before, strict=True))
    page.locator(".pf .layer").fill("0")
    drawn(page, "similarity 0 1 ")
    assert "Before the first layer" in text(page, ".about")
    assert all("/arrays/" in url for url in requests), "views need nothing but the features"
    assert len(requests) == 3, "of the three layers that were compared"

    page.locator("#features-distances .ch-frame").hover(position={"x": 46, "y": 100})
    named = page.locator("#features-distances .ch-legend b")
    first = named.inner_text()
    assert re.fullmatch(r"layer 1, head \d: [\d.]+ px", first)
    page.locator("#features-distances .ch-frame").press("ArrowRight")
    assert named.inner_text() != first
    page.screenshot(path=screenshots / "vit-features-similarity.png", full_page=True)


@pytest.mark.slow
def test_a_file_that_is_no_picture_and_a_picture_taken_away(open_tab, screenshots, tmp_path):
    page = open_tab("vit", TITLE, dark=True)
    take(page, "An umbrella")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    page.locator("#features-second-image input[type=file]").set_input_files(tmp_path / "bad.png")
    page.get_by_text("This file is not a picture that can be opened").first.wait_for()
    take(page, "A stop sign", which=1)
    one = page.locator(".pf").get_attribute("data-run")
    page.locator("#features-second-image").get_by_label("Remove Image").or_(
        page.locator("#features-second-image").get_by_label("Clear")
    ).first.click()
    page.wait_for_function(DIFFERS, arg=one)
    assert page.locator(".pf figure:visible").count() == 1
    page.screenshot(path=screenshots / "vit-features-dark.png", full_page=True)


@pytest.mark.slow
def test_nothing_sideways_on_a_phone(open_tab, screenshots):
    page = open_tab("vit", TITLE, phone=True)
    page.locator(PAGE).get_by_role("button", name="Picture and settings").tap()
    take(page, "A cheetah")
    take(page, "A stop sign", which=1)
    page.locator(".pf").get_by_role("button", name="similarity").tap()
    page.locator(".pf .layer").fill("12")
    drawn(page, "similarity 12 ")
    page.locator(".pf .pt-picture").nth(1).tap(position={"x": 120, "y": 120})
    drawn(page, "similarity 12 1 ")
    assert "of the second picture. Most like it in the first picture" in text(page, ".reading")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "vit-features-phone.png", full_page=True)
