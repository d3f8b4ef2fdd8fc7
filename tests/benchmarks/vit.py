"""The ViT tab: one trace, one click, and a training of one's own classes (run this).

    python tests/benchmarks/vit.py

A trace is a picture of 224 pixels through ViT-S/14 with everything kept; drawing is what the browser gets of it. A
click is measured in a real browser, from the event to the frame that shows it: a patch, a head, a layer, a filter; and
a patch of a run of 28 x 28 patches, whose rows come from the server. A training is five classes of five pictures in the
browser, from the press on Train until the verdicts stand there: reading the pictures, all heads, and drawing.
"""

import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demos.views.explorer import pack_attention, view_of_patch_attention
from demos.views.vit import picture_of, view_of_answers, view_of_patches
from demos.vit.shared import EMBEDDED, example_pictures
from models.compute import run_of
from models.images import read_image
from models.vit.cost import cost_of
from models.vit.trace import VitResult, load_vit, patch_embedding, trace_image
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, running_app
from tests.travelled import travelled

ROUNDS = 15
CLICKS = {
    "a patch": ("#vit-attention .pt-picture", "click"),
    "a patch, above": ("#vit-answer .pt-picture", "click"),
    "a head": ("#vit-attention .hg-cell:nth-of-type(20)", "click"),
    "a layer": ("#vit-attention .ax-layer", "input"),
    "a filter": ("#vit-patches .ps-filters", "click"),
}
MEASURE = """async ([selector, kind, round]) => {
  const target = document.querySelector(selector);
  target.scrollIntoView({ block: "center" });
  const box = target.getBoundingClientRect();
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const place = (start, length) => start + length * (0.1 + 0.05 * round);
  await frame();
  if (kind === "input") target.value = 1 + (round % 12);
  const started = performance.now();
  const [clientX, clientY] = [place(box.x, box.width), place(box.y, box.height)];
  target.dispatchEvent(new MouseEvent(kind, { bubbles: true, clientX, clientY }));
  await frame();
  while (document.querySelector("#vit-attention .ax").dataset.busy === "true") await frame();
  return performance.now() - started;
}"""


def milliseconds(action):
    start = time.perf_counter()
    result = action()
    return result, 1000 * (time.perf_counter() - start)


def draw(network, trace):
    packed = pack_attention(trace.attention)
    result = VitResult(
        trace, run_of(load_vit(EMBEDDED), 0.0), cost_of(network.shape, 16, 101), patch_embedding(network)
    )
    picture = picture_of(trace)
    views = view_of_answers(trace, picture, "", (0, 0)), view_of_patches(result, picture, "")
    return [*views, view_of_patch_attention(packed, picture, "")]


def server_side():
    import torch  # after `models`, which sets how its threads wait

    network = load_vit(EMBEDDED).network
    picture = read_image(next(iter(example_pictures().values())))
    traces, drawings, size = [], [], 0
    for _ in range(ROUNDS):
        trace, duration = milliseconds(lambda: trace_image(network, picture))
        traces.append(duration)
        drawn, duration = milliseconds(lambda trace=trace: draw(network, trace))
        drawings.append(duration)
        size = travelled(*drawn)
    print(f"{torch.get_num_threads()} threads, medians of {ROUNDS} rounds")
    print(f"trace at 224 pixels: {statistics.median(traces):.0f} ms, drawing: {statistics.median(drawings):.0f} ms")
    print(f"to the browser: {size / 1e6:.2f} MB")


def in_the_browser():
    with running_app("--models", "embedded") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, base_url=url)
        page.goto("/?tab=vit")
        page.get_by_role("button", name="A cheetah").click()
        page.locator("#vit-attention .ax[data-state=full]").wait_for()
        page.wait_for_timeout(1000)
        for name, (selector, kind) in CLICKS.items():
            clicks(page, name, selector, kind)
        first = page.locator("#vit-attention .ax").get_attribute("data-run")
        page.locator("#vit-side").get_by_text("28", exact=True).click()
        page.locator(f"#vit-attention .ax:not([data-run='{first}'])").wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        clicks(page, "a patch of 28 x 28", *CLICKS["a patch"])
        trainings(page)
        browser.close()


def trainings(page):
    page.get_by_role("tab", name="Your own classes", exact=True).click()
    page.locator("#vit-own-example").click()
    page.locator("#vit-collector .cc-class").nth(4).wait_for(timeout=60_000)
    times = [milliseconds(lambda count=count: train(page, count))[1] / 1000 for count in range(1, 5)]
    print(f"five classes of five pictures: first {times[0]:.1f} s, then {statistics.median(times[1:]):.1f} s")


def train(page, count):
    page.locator("#vit-own-train").click()
    page.locator(f"#vit-own-board .class-board[data-ended='{count}']").wait_for(timeout=60_000)


def clicks(page, name, selector, kind):
    times = [page.evaluate(MEASURE, [selector, kind, count]) for count in range(ROUNDS)]
    print(f"click on {name}: {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms")


if __name__ == "__main__":
    server_side()
    in_the_browser()
