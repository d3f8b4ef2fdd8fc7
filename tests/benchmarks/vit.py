"""The ViT tab: one trace, one click, and a training of one's own classes.

A trace is a picture of 224 pixels through ViT-S/14 with everything kept; drawing is what the browser gets of it. A
click is measured in a real browser, from the event to the frame that shows it: a patch, a head, a layer, a filter; and
a patch of a run of 28 x 28 patches, whose rows come from the server. A training is five classes of five pictures in the
browser, from the press on Train until the verdicts stand there: reading the pictures, all heads, and drawing.
"""

import time
from collections.abc import Iterator

import torch
from PIL import Image
from playwright.sync_api import sync_playwright
from transformers import AutoModel, AutoModelForImageClassification, ViTImageProcessor, pipeline

from demos.views.explorer import pack_attention, view_of_patch_attention
from demos.views.vit import picture_of, view_of_answers, view_of_patches
from demos.vit.shared import EMBEDDED, example_pictures
from models import weights
from models.compute import run_of
from models.images import read_image
from models.vit.contenders import square
from models.vit.cost import cost_of
from models.vit.curve import Wish, measure_curve
from models.vit.lens import probed
from models.vit.trace import VitResult, load_vit, patch_embedding, trace_image
from tests.benchmarks import onnx_graph
from tests.benchmarks.rows import Row, compare
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, running_app

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
    cost, embedding = cost_of(network.shape, 16, 101), patch_embedding(network)
    probes = probed(EMBEDDED, network, trace.tokens)
    result = VitResult(trace, run_of(load_vit(EMBEDDED), 0.0), cost, embedding, probes)
    picture = picture_of(trace)
    views = view_of_answers(trace, picture, "", (0, 0), probed=probes), view_of_patches(result, picture, "")
    return [*views, view_of_patch_attention(packed, picture, "")]


def rows() -> Iterator[Row]:
    """The rows of this file."""
    yield from server_side()
    yield from in_the_browser()


def image_classifier():
    """The library's own way from a picture to a name."""
    network = AutoModelForImageClassification.from_pretrained(weights.folder(EMBEDDED))
    return pipeline("image-classification", network, image_processor=ViTImageProcessor(size=224))


def server_side() -> Iterator[Row]:
    network = load_vit(EMBEDDED).network
    eager = AutoModel.from_pretrained(weights.folder(EMBEDDED), attn_implementation="eager").eval()
    picture = read_image(next(iter(example_pictures().values())))
    pixels = torch.zeros(1, 3, 224, 224)

    def forward():
        with torch.no_grad():
            eager(pixels, output_attentions=True, output_hidden_states=True)

    def traced():
        return trace_image(network, picture)

    trace = traced()
    what = "ViT-S/14, 224 pixels, everything kept"
    yield compare(what, ROUNDS, traced, "transformers, eager", forward, counted=traced)
    classify = image_classifier()
    shown = Image.fromarray(picture)
    yield compare(f"{what}, beside the answer alone", ROUNDS, traced, "transformers' pipeline", lambda: classify(shown))
    if onnx_graph.HERE:
        run = onnx_graph.onnx_run(eager, {"pixel_values": pixels})
        yield compare(f"{what}, beside a graph that keeps as much", ROUNDS, traced, "ONNX Runtime", run)
    yield compare("the same, drawn for the browser", ROUNDS, lambda: draw(network, trace))
    wish = Wish(square(picture), "shuffle")
    yield compare("Break it: both networks at eleven strengths, with maps", 3, lambda: list(measure_curve(wish)))


def in_the_browser() -> Iterator[Row]:
    with running_app("--models", "embedded") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, base_url=url)
        page.goto("/?tab=vit")
        page.locator("#vit-attention .ax[data-state=full]").wait_for()
        page.wait_for_timeout(1000)
        for name, (selector, kind) in CLICKS.items():
            yield clicks(page, name, selector, kind)
        page.get_by_role("tab", name="Your own classes", exact=True).click()
        page.locator("#vit-own-example").click()
        page.locator("#vit-collector .cc-class").nth(4).wait_for(timeout=60_000)
        times = [milliseconds(lambda count=count: train(page, count))[1] for count in range(1, 5)]
        yield Row("five classes of five pictures learned, in the browser", tuple(times))
        browser.close()


def train(page, count):
    page.locator("#vit-own-train").click()
    page.locator(f"#vit-own-board .class-board[data-ended='{count}']").wait_for(timeout=60_000)


def clicks(page, name, selector, kind) -> Row:
    times = [page.evaluate(MEASURE, [selector, kind, count]) for count in range(ROUNDS)]
    return Row(f"a click on {name}, until it is on the screen", tuple(times))
