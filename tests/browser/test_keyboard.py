"""The main task of every page, done with the keyboard alone: Tab to a control, keys, and what is shown is another."""

import pytest

from demos import DEMOS
from tests.conftest import inner_pages, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_STOPS = 120
SHOWN = """(slug) => {
  const panel = [...document.querySelectorAll(`#tab-${slug} [role=tabpanel]`)].find((one) => one.checkVisibility());
  const drawn = [...panel.querySelectorAll(".gb-view canvas")].filter((one) => one.checkVisibility() && one.width);
  const words = [...panel.querySelectorAll(".gb-view, .html-container, video")].map((one) => one.src ?? one.innerText);
  return [...words, ...drawn.map((one) => one.toDataURL())].join("\\n");
}"""
"""What the figures of a page show: their words and their pixels."""

TASKS = {
    "sequences": {
        "The whole picture": [("#whole-text textarea", "=The dog eats."), ("#whole-run", "Enter")],
        "Next character": [("#sequences-text textarea", "=He said")],
        "How far back": [("#sequences-reach-text textarea", "=The old man said"), ("#sequences-reach-run", "Enter")],
        "Edit the memory": [("#sequences-edit-apply", "Enter")],
        "Four types": [("#sequences-review textarea", "=A wonderful film."), ("#sequences-judge", "Enter")],
        "Captions": [("An elephant", "Enter")],
        "Ask a story": [("Two facts", "Enter"), ("#story-ask", "Enter")],
        "Train one": [("#training-go", "Enter")],
    },
    "attention": {
        "Why attention": [("#why-text textarea", "=The dog eats."), ("#why-compare", "Enter")],
        "The whole picture": [("#picture-text textarea", "=The dog eats."), ("#picture-run", "Enter")],
        "A weighted sum": [("Decoder self-attention", "Enter")],
        "All heads": [("#attention-text textarea", "=The dog eats."), ("#attention-run", "Enter")],
        "Layer by layer": [("#layers-text textarea", "=The dog eats."), ("#layers-run", "Enter")],
        "Live translation": [("#translate-next", "Enter")],
        "Change the inside": [("Decoder self-attention: switch off head 2 of layer 1", "Enter")],
        "All at once": [("#parallel-run", "Enter")],
    },
    "vit": {
        "Step by step": [("A bus: like none of its categories", "Enter")],
        "What patches know": [("An umbrella", "Enter")],
        "Nearest photos": [("An umbrella", "Enter")],
        "Your own classes": [("#vit-own-example", "Enter"), ("#vit-own-train", "Enter")],
        "Name it yourself": [("#zero-shot-names textarea", "=a cat\na dog"), ("#zero-shot-run", "Enter")],
        "Break it: CNN and ViT": [("An umbrella", "Enter")],
        "Six differences": [("#compare-run", "Enter")],
    },
    "detection": {
        "Why this box?": [("Ten things", "Enter")],
        "The live camera": [("Play the example clip", "Enter")],
        "A video file": [("Four things wandering", "Enter"), ("Process", "Enter")],
        "Your own objects": [("#detection-own-example", "Enter"), ("#detection-own-train", "Enter")],
        "DETR and RF-DETR": [("Ten things", "Enter")],
    },
    "diffusion": {
        "Forward: add noise": [("#diffusion-time input[type=range]", "ArrowRight")],
        "Reverse: take it away": [("#diffusion-run", "Enter")],
        "Inside the U-Net": [("#diffusion-inside-class input", "ArrowDown Enter"), ("#diffusion-inside-run", "Enter")],
        "Side by side": [("#diffusion-grid-rows-values textarea", "=euler"), ("#diffusion-grid-run", "Enter")],
        "Between two": [("#diffusion-walk", "Enter")],
        "From an image": [("Canvas, 32 pixels a side", "Space ArrowRight Space"), ("#diffusion-transform", "Enter")],
        "Train one": [("#diffusion-draw", "Enter")],
        "From copying to inventing": [("Samples, a row for each network", "ArrowDown ArrowRight")],
        "Applications": [("#diffusion-do input", "ArrowDown"), ("#diffusion-do-run", "Enter")],
        "A toy in 2-D": [("Letters", "Enter")],
        "Other data": [("#diffusion-blanks-text textarea", "=the ___ of"), ("#diffusion-blanks-run", "Enter")],
        "Pictures from words": [("#diffusion-prompt textarea", "=a blue potion"), ("#diffusion-large-run", "Enter")],
    },
}
"""Of each page: stops (a selector, or how a name begins) with the keys pressed there; "=text" is written anew."""
WAIT_FOR_THE_HUB = {"Windows (Swin)"}


@pytest.mark.parametrize("slug", DEMOS)
def test_every_page_has_a_task(app_url, slug):
    assert set(TASKS[slug]) == set(inner_pages(app_url, slug)) - WAIT_FOR_THE_HUB


@pytest.mark.parametrize(("slug", "title"), [(slug, title) for slug, pages in TASKS.items() for title in pages])
def test_the_main_task_of_a_page_needs_no_pointer(open_tab, slug, title):
    page = open_tab(slug, title)
    settled(page)
    page.locator(f"#tab-{slug} [role=tab][aria-selected=true]:visible").focus()
    for stop, keys in TASKS[slug][title]:
        before = page.evaluate(SHOWN, slug)
        tab_to(page, stop)
        press(page, keys)
    page.wait_for_function(f"before => ({SHOWN})({slug!r}) !== before", arg=before)


def tab_to(page, stop):
    """Press Tab until the focus, which must be seen, is on the control."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        found, seen = page.evaluate(
            """(stop) => {
              const node = document.activeElement;
              const looks = [node, node.parentElement].map((one) => getComputedStyle(one));
              const name = node.getAttribute("aria-label") ?? node.textContent.trim();
              const found = /^[#.]/.test(stop) ? !!node.closest(stop) : name.startsWith(stop);
              const seen = looks.some((one) => one.outlineStyle !== "none" || one.boxShadow !== "none");
              return [found, seen];
            }""",
            stop,
        )
        if found:
            assert seen, f"no sign of the focus on {stop}"
            return
    raise AssertionError(f"{stop} is not reached with Tab")


def press(page, keys):
    if keys.startswith("="):
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(keys[1:])
        return
    for key in keys.split():
        page.keyboard.press(key)
