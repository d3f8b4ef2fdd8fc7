"""The page "Why this box?" in a real browser: a query's way, points, proposals, patches, suppression, matching."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(open_tab):
    def open_(**how):
        page = open_tab("detection", **how)
        expect(figure(page)).to_have_attribute("data-run", re.compile("."))
        before = figure(page).get_attribute("data-run")
        page.get_by_role("button", name="Ten things").click()
        expect(figure(page)).not_to_have_attribute("data-run", before)
        expect(figure(page)).to_have_attribute("data-state", "full")
        expect(figure(page)).to_have_attribute("data-redrawn", re.compile(r"\d"))
        return page

    return open_


def figure(page):
    return page.locator("#detection-figure .figure")


def choose_view(page, name):
    page.locator("#detection-figure .views button", has_text=name).click()
    expect(figure(page)).to_have_attribute("data-view", name)


def group(page, name):
    return page.locator(f"#detection-figure .gb-chips[aria-label='{name}']")


def posts(page):
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def unfold(page, title):
    page.get_by_role("button", name=title).click()


def test_a_box_is_followed_layer_by_layer_without_a_run(tab, screenshots):
    page = tab()
    sent = posts(page)
    page.locator("#detection-figure .list button").nth(1).click()
    query = figure(page).get_attribute("data-query")
    choose_view(page, "layer by layer")
    stages = group(page, "stage").locator("button")
    assert stages.all_inner_texts()[:5] == ["proposal", "reference", "layer 1", "layer 2", "layer 3"]
    stages.nth(1).click()
    expect(page.locator("#detection-figure .inside")).to_contain_text("stays the same in all decoder layers")
    stages.nth(4).click()
    expect(page.locator("#detection-figure .decode tr")).to_have_count(5)
    expect(page.locator("#detection-figure .bars .gb-bar-row")).to_have_count(25)
    assert figure(page).get_attribute("data-query") == query
    assert sent == []
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(stages.nth(3)).to_be_focused()
    expect(stages.nth(3)).to_have_attribute("aria-pressed", "true")
    stages.nth(4).click()
    page.screenshot(path=screenshots / "detection-layers.png", full_page=True)
    check_the_arithmetic(page)
    group(page, "stage").get_by_role("button", name="play").click()
    expect(group(page, "stage").locator("button[aria-pressed=true]")).to_have_text("layer 3", timeout=10_000)
    expect(group(page, "stage").get_by_role("button", name="play")).to_be_visible()


def check_the_arithmetic(page):
    rows = [line.split("\t") for line in page.locator("#detection-figure .decode tr").all_inner_texts()[1:]]
    sizes = [float(row[1]) for row in rows[2:]]
    for row, size in zip(rows[:2], sizes, strict=True):
        sign, delta = row[2].split(" ")[:2]
        moved = float(row[1]) + (-1 if sign == "−" else 1) * float(delta) * size
        assert float(row[3][2:].replace("−", "-")) == pytest.approx(moved, abs=2e-4)
    for row in rows[2:]:
        factor = 2.718281828 ** float(row[2].removeprefix("× e^").replace("−", "-"))
        assert float(row[3][2:]) == pytest.approx(float(row[1]) * factor, abs=3e-4)


@pytest.mark.slow
def test_points_queries_and_proposals(tab, screenshots):
    page = tab()
    choose_view(page, "sampling points")
    expect(group(page, "head").locator("button")).to_have_count(17)
    group(page, "head").get_by_role("button", name="3", exact=True).click()
    expect(page.locator("#detection-figure .inside")).to_contain_text("at 32 points")
    page.screenshot(path=screenshots / "detection-points.png", full_page=True)
    choose_view(page, "other queries")
    links = page.locator("#detection-figure .links button")
    expect(links).to_have_count(8)
    page.screenshot(path=screenshots / "detection-queries.png", full_page=True)
    target = re.search(r"query (\d+)", links.first.inner_text())[1]
    links.first.click()
    expect(figure(page)).to_have_attribute("data-query", target)
    choose_view(page, "proposals")
    expect(page.locator("#detection-figure .inside")).to_contain_text(f"query {target} started here")
    page.screenshot(path=screenshots / "detection-proposals.png", full_page=True)
    number = page.locator("#detection-figure .number")
    number.fill("77")
    expect(figure(page)).to_have_attribute("data-query", "77")
    number.fill("100")
    expect(figure(page)).to_have_attribute("data-query", "77")
    choose_view(page, "boxes")
    page.locator("#detection-figure .picture").click(position={"x": 430, "y": 350})  # the statue, lower right
    expect(page.locator("#detection-figure .summary")).to_contain_text("says statue")


def test_parts_of_the_picture_show_more_and_follow_picture_and_threshold(tab, screenshots):
    page = tab()
    unfold(page, "Look closer")
    view = page.locator("#detection-closer .cv")
    expect(view).to_have_attribute("data-boxes", "5 10")
    expect(view.locator(".cv-said")).to_contain_text(
        re.compile(
            r"shows 5 things, with its four parts it shows 10\. The smallest that is new, potion, covers 0\.9 by"
        )
    )
    page.screenshot(path=screenshots / "detection-closer.png", full_page=True)
    threshold = page.get_by_label("number input for Threshold")
    threshold.fill("1")
    threshold.press("Enter")
    expect(view).to_have_attribute("data-boxes", "0 0")
    expect(view.locator(".cv-said")).to_have_text(
        "Above 1.00 the four parts show nothing that the whole picture does not."
    )
    page.get_by_role("button", name="A hand and a card").first.click()
    threshold.fill("0.5")
    threshold.press("Enter")
    expect(view).to_have_attribute("data-boxes", "5 5")
    page.locator("#detection-image").get_by_label("Remove Image").click()
    expect(view).to_have_attribute("data-state", "empty")


@pytest.mark.slow
def test_patches_follow_the_chosen_box_and_duplicates_are_counted(tab, screenshots):
    page = tab()
    unfold(page, "Where the patches look")
    readout = page.locator("#detection-patches .ax-readout")
    expect(readout).to_contain_text("Layer 12, mean of heads: row")
    first = readout.inner_text()
    page.locator("#detection-figure .list button").nth(1).click()
    expect(readout).not_to_have_text(first)
    page.screenshot(path=screenshots / "detection-patches.png", full_page=True)
    unfold(page, "Is suppression needed?")
    view = page.locator("#detection-suppression .sv")
    rows = view.locator(".sv-table tbody tr")
    expect(rows).to_have_count(4)
    expect(view).to_have_attribute("data-removed", "0")
    view.get_by_role("button", name="proposals").click()
    threshold = page.get_by_label("number input for Threshold")
    threshold.fill("0.1")
    threshold.press("Enter")
    expect(view).not_to_have_attribute("data-removed", "0")
    for cells in (row.locator("td").all_inner_texts() for row in rows.all()):
        assert int(cells[1]) - int(cells[2]) == int(cells[3])
    expect(page.locator("#detection-by-layer tbody tr")).to_have_count(4)
    view.get_by_role("button", name="layer 3").click()
    view.get_by_role("button", name="none sees another").click()
    expect(view).to_have_attribute("data-hidden", "alone")
    expect(view.locator(".sv-said")).to_contain_text(re.compile(r"No query sees another: \d+ boxes instead of \d+"))
    expect(page).to_have_url(re.compile("hidden=alone"))
    view.get_by_role("button", name=re.compile(r"^without .+ \(query \d+\)$")).first.press("Enter")
    expect(view.locator(".sv-said")).to_contain_text(re.compile(r"^Without query \d+ "))
    page.screenshot(path=screenshots / "detection-suppression.png", full_page=True)
    page.locator("#detection-image").get_by_label("Remove Image").click()
    expect(view).to_have_attribute("data-state", "empty")
    expect(figure(page)).to_have_attribute("data-state", "empty")


def test_drawn_boxes_are_matched_with_queries(tab, screenshots):
    page = tab()
    unfold(page, "Matched in training")
    view = page.locator("#detection-matching .mv")
    view.get_by_role("button", name="Take the boxes found").click()
    found = page.locator("#detection-figure .list button").count()
    expect(view).to_have_attribute("data-truths", str(found))
    expect(view.locator("h5")).to_have_count(found)
    page.locator("#detection-figure .list button").first.click()
    expect(figure(page)).to_have_attribute("data-query", view.get_attribute("data-matched").split(",")[0])
    view.get_by_role("button", name="Clear").click()
    view.locator(".mv-picture").scroll_into_view_if_needed()
    surface = view.locator(".mv-picture").bounding_box()
    page.mouse.move(surface["x"] + 40, surface["y"] + 30)
    page.mouse.down()
    page.mouse.move(surface["x"] + 200, surface["y"] + 160, steps=4)
    page.mouse.up()
    expect(view).to_have_attribute("data-truths", "1")
    expect(view.locator(".mv-loss")).to_contain_text("The loss of the last layer")
    view.get_by_role("button", name="Add a box").click()
    view.get_by_label("left of box 2, pixels").fill("10")
    expect(view.locator("tr.matched")).to_have_count(2)
    assert len(set(view.get_attribute("data-matched").split(","))) == 2
    page.screenshot(path=screenshots / "detection-matching.png", full_page=True)


@pytest.mark.slow
def test_a_phone_in_the_dark_scrolls_nothing_sideways(tab, screenshots):
    page = tab(phone=True, dark=True)
    for view in ("layer by layer", "sampling points", "other queries", "proposals"):
        choose_view(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for title in ("Where the patches look", "Is suppression needed?", "Matched in training", "Small and large objects"):
        unfold(page, title)
    expect(page.locator("#detection-sizes tbody tr")).to_have_count(9)
    page.locator("#detection-matching .mv-take").click()
    expect(page.locator("#detection-matching h5").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "detection-why-phone.png", full_page=True)
