"""Step by step in a real browser: a patch, a filter, a head, positions, resolution, webcam, dark, a phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.arithmetic import holds

pytestmark = pytest.mark.browser

ABOVE, EXPLORER, STEPS = "#vit-answer", "#vit-attention", "#vit-patches"


def run_shown(page):
    return page.locator(f"{EXPLORER} .ax").get_attribute("data-run")


def all_show(page, before=None):
    """Wait until every view shows one run that is another than `before`."""
    shown = "[...document.querySelectorAll('#vit-answer .patch-view, #vit-attention .ax, #vit-patches .ps')]"
    page.wait_for_function(
        f"""(before) => {{
          const runs = {shown}.map((view) => view.dataset.run);
          return runs.length === 3 && runs[0] && runs[0] !== before && runs.every((run) => run === runs[0]);
        }}""",
        arg=before,
    )


def take_example(page, name="A cheetah"):
    all_show(page)
    before = run_shown(page)
    page.get_by_role("button", name=name).first.click()
    all_show(page, before)


def choose(page, control, option):
    before = run_shown(page)
    page.locator(control).get_by_text(option, exact=True).click()
    all_show(page, before)


def text(page, where):
    return page.locator(where).inner_text()


@pytest.mark.core
def test_follow_a_patch_from_its_pixels_to_the_answer(open_tab, screenshots):
    page = open_tab("vit")
    take_example(page)
    assert page.locator(f"{ABOVE} .own .row").count() == 5
    assert page.locator(f"{ABOVE} .lens-rows .row").count() == 13
    assert "CLS takes most" in text(page, f"{EXPLORER} .ax-readout")
    requests = []
    page.on("request", lambda request: requests.append(request.url))

    page.locator(f"{ABOVE} .pt-picture").click(position={"x": 150, "y": 150})
    place = re.search(r"row \d+, column \d+", text(page, f"{ABOVE} .pv-where"))[0]
    assert place in text(page, f"{STEPS} .ps-who")
    expect(page.locator(f"{EXPLORER} .ax-readout")).to_contain_text(f"{place} takes most")

    assert "588 numbers" in text(page, f"{STEPS} .ps-flat-note")
    page.locator(f"{STEPS} .ps-flat").hover(position={"x": 2, "y": 2})
    assert re.match(r"pixel 1, 1, red: \S+$", text(page, f"{STEPS} .ps-flat-note"))
    page.locator(f"{STEPS} .ps-flat").press("ArrowRight")
    page.mouse.move(0, 0)

    before = text(page, f"{STEPS} .ps-sum")
    page.locator(f"{STEPS} .ps-filters").click(position={"x": 200, "y": 100})
    assert text(page, f"{STEPS} .ps-sum") != before
    ours, theirs = re.search(r"[=≈] (\S+)\. The network computed (\S+)\.$", text(page, f"{STEPS} .ps-sum")).groups()
    assert ours == theirs
    assert page.locator(f"{STEPS} .ps-largest tr").count() == 6

    page.locator(f"{EXPLORER} .hg-cell").nth(8 + 2).click()
    assert text(page, f"{EXPLORER} .ax-readout").startswith("Layer 2, head 3: ")
    page.locator(f"{EXPLORER} .hg-cell").nth(8 + 7).click()
    assert text(page, f"{EXPLORER} .ax-readout").startswith("Layer 2, rollout")
    page.locator(f"{EXPLORER} .pt-picture").press("ArrowRight")
    expect(page.locator(f"{EXPLORER} .ax-readout")).not_to_contain_text(place)
    page.locator(f"{EXPLORER} .pt-cls").click()
    assert "Chosen: CLS" in text(page, f"{ABOVE} .pv-where")
    page.locator(f"{STEPS} .ps-overview").click(position={"x": 3, "y": 3})
    assert "row 1, column 1," in text(page, f"{STEPS} .ps-who")
    expected = ("component_server", "/arrays/", "icon.svg")  # of the icon Chromium asks when the address changes
    rows = [url for url in requests if not any(part in url for part in expected)]
    assert rows == [], "views need nothing but the trace and the rows of a newly chosen patch"
    page.screenshot(path=screenshots / "vit.png", full_page=True)


def test_a_patch_walks_in_numbers_and_the_link_knows_which(open_tab, screenshots):
    page = open_tab("vit")
    all_show(page)
    walk, said = page.locator("#vit-walk .walk"), page.locator("#vit-walk .walk-said")
    expect(said).to_contain_text("In the end elephant scores")
    expect(said).to_contain_text("from the mean of the 256 patches")
    names = page.locator("#vit-walk .walk-name").all_inner_texts()
    assert names[0] == "residual stream in" and names[-1] == "answer" and "mean of the patches" in names
    page.locator(f"{EXPLORER} .hg-cell").nth(8 + 2).click()
    expect(walk).to_have_attribute("data-at", "1.2.0")
    page.locator(f"{ABOVE} .pt-picture").press("ArrowRight")
    expect(walk).to_have_attribute("data-at", "1.2.1")
    expect(page.locator("#vit-walk .walk-title")).to_contain_text("row 1, column 1 in layer 2, head 3")
    strip = page.locator("#vit-walk .walk-station.stream .walk-strip").first
    strip.press("ArrowRight")
    assert "residual stream in, number 2 of 384" in text(page, "#vit-walk .walk-read")
    strip.press("Enter")
    worked = page.locator("#vit-walk .walk-station", has_text="+ attention").locator(".walk-sum")
    expect(worked).to_contain_text("number 2: ")
    left, right = re.split(" [=≈] ", worked.inner_text().removeprefix("number 2: "))
    assert holds(left, right, significant=3)
    expect(page).to_have_url(re.compile("number=1"))
    page.locator("#vit-walk").screenshot(path=screenshots / "vit-walk.png")
    page.reload()
    expect(walk).to_have_attribute("data-at", "1.2.1")
    expect(worked).to_contain_text("number 2: ")


@pytest.mark.slow
def test_without_positions_and_with_more_patches(open_tab, screenshots):
    page = open_tab("vit")
    take_example(page)
    unedited = text(page, f"{ABOVE} .own .bars")
    choose(page, "#vit-positions", "removed")
    assert text(page, f"{ABOVE} .other .bars") == unedited
    assert text(page, f"{ABOVE} .own .bars") != unedited
    assert "were removed" in text(page, f"{STEPS} .ps-position-note")
    choose(page, "#vit-positions", "kept")
    assert page.locator(f"{ABOVE} .other").is_hidden()
    choose(page, "#vit-side", "20")
    assert text(page, f"{ABOVE} .other .bars") == unedited
    costs = page.locator("#vit-costs tr").all_inner_texts()
    assert costs[1].split("\t") == ["pixels a side", "280", "224"]
    assert costs[2].split("\t") == ["tokens", "401", "257"]
    page.locator(f"{EXPLORER} .pt-picture").click(position={"x": 200, "y": 200})
    page.locator(f"{EXPLORER} .ax-readout", has_text=re.compile(r"row \d+, column \d+ takes most")).wait_for()
    page.screenshot(path=screenshots / "vit-20.png", full_page=True)


@pytest.mark.slow
def test_a_webcam_snapshot(open_tab):
    page = open_tab("vit")
    page.locator("#vit-image").get_by_role("button", name=re.compile("webcam|Webcam|camera", re.I)).first.click()
    page.locator("#vit-image").get_by_text(re.compile("Click to Access Webcam", re.I)).click()
    page.locator("#vit-image video").wait_for()
    page.wait_for_function("document.querySelector('#vit-image video').videoWidth > 0")
    page.locator("#vit-image").get_by_role("button", name="capture photo").click()
    page.locator(".patch-view[data-state=full]").wait_for()


@pytest.mark.slow
def test_a_file_that_is_no_picture_gets_a_sentence_and_the_tab_goes_on(open_tab, screenshots, tmp_path):
    page = open_tab("vit", dark=True)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    page.locator("#vit-image input[type=file]").set_input_files(tmp_path / "bad.png")
    page.get_by_text("This file is not a picture that can be opened").first.wait_for()
    take_example(page, "A stop sign")
    page.screenshot(path=screenshots / "vit-dark.png", full_page=True)


@pytest.mark.slow
def test_nothing_sideways_on_a_phone(open_tab, screenshots):
    page = open_tab("vit", phone=True)
    take_example(page)
    page.locator(f"{EXPLORER} .pt-picture").tap(position={"x": 120, "y": 120})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "vit-phone.png", full_page=True)


def test_a_picture_is_named_offline_with_the_visitors_own_words(open_tab, screenshots):
    page = open_tab("vit", "Name it yourself")
    finding, maps = page.locator("#zero-shot-finding"), page.locator("#zero-shot-maps img")
    expect(finding).to_contain_text("“elephant” fits best")
    expect(maps).to_have_count(5)
    page.locator("#zero-shot-names textarea").fill("sofa\ncouch\na large grey animal")
    page.locator("#zero-shot-run").click()
    expect(finding).to_contain_text("“sofa” and “couch” mean nearly the same")
    expect(maps).to_have_count(3)
    page.screenshot(path=screenshots / "vit-names.png", full_page=True)
