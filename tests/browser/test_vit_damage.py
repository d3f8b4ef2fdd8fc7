"""The page "Break it" in a real browser: damages, the curve, painting, deeper views, dark, a phone."""

import re

import pytest

from tests.conftest import settled

pytestmark = pytest.mark.browser

TITLE = "Break it: CNN and ViT"
SHOWN = "[...document.querySelectorAll('.answer-vit .list:nth-child(2) .number')].map((n) => n.innerText).join(' ')"
FULL = ".damage-view[data-state=full]"


def whole_curve(page):
    """The page opens on the curve of its example; the strength is set to the middle, as it opens elsewhere."""
    page.locator(FULL).wait_for()
    page.locator("#damage-finding p").wait_for()
    page.locator(".damage-view .strength").fill("5")


def choose(page, label):
    page.locator("#damage-kind input").click()
    page.get_by_role("option", name=label, exact=True).click()


def unit(page, text):
    return page.locator(".damage-view .unit", has_text=text)


def percentages(page, name):
    return page.locator(f".damage-view .answer-{name} .list").nth(1).locator(".number").all_inner_texts()


def test_damage_curve_and_what_is_inside(open_tab, screenshots):
    page = open_tab("vit", TITLE)
    whole_curve(page)
    assert page.locator(".damage-view circle").count() == 22  # two curves of eleven points
    choose(page, "Blur")
    unit(page, "standard deviation 5.0 pixels").wait_for()
    page.locator(FULL).wait_for()
    page.locator("#damage-grid").wait_for(state="hidden")
    before = percentages(page, "cnn")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator(".damage-view .strength").press("ArrowRight")
    unit(page, "standard deviation 6.0 pixels").wait_for()
    assert percentages(page, "cnn") != before
    assert not [url for url in requests if "component_server" in url or "/arrays/" in url], "it is redrawn, not fetched"
    settled(page)
    page.get_by_role("button", name=re.compile("^Inside the CNN")).click()
    page.locator("#damage-maps-run").click()
    page.locator("#damage-maps p", has_text="Blur at strength 0.6").wait_for()
    assert page.locator("#damage-maps img").count() == 8 * 7
    page.get_by_role("button", name=re.compile("^How far each layer")).click()
    page.locator("#damage-fields-run").click()
    page.locator("#damage-fields img").nth(15).wait_for()
    assert page.locator("#damage-distances polyline").count() >= 2
    page.screenshot(path=screenshots / "vit-damage.png", full_page=True)


def test_paint_covers_and_changes_the_answer(open_tab):
    page = open_tab("vit", TITLE)
    whole_curve(page)
    choose(page, "Cover what you paint")
    unit(page, "what you painted").wait_for()
    page.locator(FULL).wait_for()
    page.locator(".damage-view .strength").fill("10")
    unit(page, "100 % grey").wait_for()
    before = percentages(page, "vit")
    paper = page.locator(".damage-view .picture")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    for share in (0.5, 0.7):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.4 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_function(f"(before) => {SHOWN} !== before", arg=" ".join(before))
    page.locator(FULL).wait_for()
    covered = percentages(page, "vit")
    page.mouse.move(5, 5)
    paper.focus()
    for key in ("ArrowDown", "ArrowDown", "Space"):
        page.keyboard.press(key)
    page.wait_for_function(f"(covered) => {SHOWN} !== covered", arg=" ".join(covered))
    page.get_by_role("button", name="Clear", exact=True).click()
    page.wait_for_function(f"(before) => {SHOWN} === before", arg=" ".join(before))


@pytest.mark.slow
def test_maps_are_those_of_the_strength_and_damage_on_the_screen(open_tab):
    """The last action wins, however soon it is asked for; another wish clears what it makes wrong."""
    page = open_tab("vit", TITLE)
    whole_curve(page)
    settled(page)
    page.get_by_role("button", name=re.compile("^Inside the CNN")).click()
    run, said = page.locator("#damage-maps-run"), page.locator("#damage-maps p")
    run.wait_for()
    page.evaluate(
        """() => {
          const slider = document.querySelector(".damage-view .strength");
          slider.value = "9";
          for (const name of ["input", "change"]) slider.dispatchEvent(new Event(name, { bubbles: true }));
          document.querySelector("#damage-maps-run").click();
        }"""
    )
    said.filter(has_text="at strength 0.9").wait_for()
    choose(page, "Blur")
    page.wait_for_function("!document.querySelector('#damage-maps p, #damage-maps img')")


@pytest.mark.slow
def test_nothing_sideways_on_a_phone_in_the_dark(open_tab, screenshots):
    page = open_tab("vit", TITLE, phone=True, dark=True)
    whole_curve(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "vit-damage-phone.png", full_page=True)
