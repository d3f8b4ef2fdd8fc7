"""The ViT tab in a real browser: example, click a patch, layers and heads, webcam, dark, a phone."""

import re

import pytest

pytestmark = pytest.mark.browser

PICTURE = ".patch-view .picture"


def take_example(page, name="A cheetah"):
    page.get_by_role("button", name=name).click()
    page.locator(".gb-strip:visible b", has_text="parameters").wait_for()
    page.locator(".patch-view[data-state=full] .caption", has_text="CLS").wait_for()


def test_follow_a_patch_from_its_pixels_to_the_answer(open_tab, screenshots):
    page = open_tab("vit")
    take_example(page)
    assert page.locator(".patch-view .bars .row").count() == 5
    assert page.locator(".patch-view .lens-rows .row").count() == 13
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator(PICTURE).click(position={"x": 150, "y": 150})
    caption = page.locator(".patch-view .caption")
    assert re.match(r"The patch in row \d+, column \d+ looks most at", caption.inner_text())
    assert "588 numbers" in page.locator(".patch-view .flat-note").inner_text()
    page.locator(".patch-view .flat").hover(position={"x": 2, "y": 2})
    assert re.match(r"pixel 1, 1, red: \S+$", page.locator(".patch-view .flat-note").inner_text())
    before = caption.inner_text()
    page.locator(".patch-view .layer").fill("2")
    page.locator(".patch-view .head").fill("3")
    assert caption.inner_text() != before
    assert page.locator(".patch-view .head-value").inner_text() == "3 of 6"
    page.get_by_role("button", name="rollout").click()
    assert "is made, after 2 layers" in caption.inner_text()
    page.locator(PICTURE).press("ArrowRight")
    page.get_by_role("button", name="look from CLS").click()
    assert caption.inner_text().startswith("The CLS token")
    assert requests == [], "views must need nothing but the trace"
    page.screenshot(path=screenshots / "vit.png", full_page=True)


def test_a_webcam_snapshot(open_tab):
    page = open_tab("vit")
    page.locator("#vit-image").get_by_role("button", name=re.compile("webcam|Webcam|camera", re.I)).first.click()
    page.locator("#vit-image").get_by_text(re.compile("Click to Access Webcam", re.I)).click()
    page.locator("#vit-image video").wait_for()
    page.wait_for_function("document.querySelector('#vit-image video').videoWidth > 0")
    page.locator("#vit-image").get_by_role("button", name="capture photo").click()
    page.locator(".patch-view[data-state=full]").wait_for()


def test_a_file_that_is_no_picture_gets_a_sentence_and_the_tab_goes_on(open_tab, tmp_path):
    page = open_tab("vit")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    page.locator("#vit-image input[type=file]").set_input_files(tmp_path / "bad.png")
    page.get_by_text("This file is not a picture that can be opened").first.wait_for()
    take_example(page, "A lion")


@pytest.mark.parametrize("how", [{"dark": True}, {"phone": True}], ids=["dark", "phone"])
def test_nothing_sideways(open_tab, screenshots, how):
    page = open_tab("vit", **how)
    take_example(page)
    page.locator(PICTURE).click(position={"x": 120, "y": 120})
    if "phone" in how:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / f"vit-{next(iter(how))}.png", full_page=True)
