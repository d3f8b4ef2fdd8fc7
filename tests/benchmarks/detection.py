"""Live detection: the network by runtime, then camera to box in a real browser, beside the usual way.

The network: one picture by PyTorch and by the export in each precision, then once more in a process that is held to
the instructions of a processor without bfloat16, as those of most laptops are. ONNX Runtime is not beside it: PyTorch
cannot write the network's resampling of positions (bicubic, antialiased) as ONNX. In the browser a fake camera shows
the example video at 30 frames a second. Ours: the Detection tab, from the moment a frame was captured until its boxes
were drawn. The usual way: `gr.Image` streams to a handler that runs the network in PyTorch, draws and returns a
picture to `gr.Image`; there a pattern of blocks in the frames tells which frame a picture shows, and time runs from
that frame's place on the camera's own preview until the annotated picture is on the page.
"""

import dataclasses
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

from playwright.sync_api import sync_playwright

from models import runtime
from models.detection.export import Exported, exported_folder
from models.detection.fastest import precisions
from models.detection.network import load_detector, predict
from models.video import VideoFile
from tests.benchmarks.rows import Row, compare
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, ROOT, free_port, running_app, write_y4m

NAME = "rf-detr-s14-objects"
MASKED = {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"}
BLOCK, BITS, FRAMES = 16, 6, 60
ROUNDS, SECONDS = 20, 15
NAIVE = """
import sys

import gradio as gr

from models import runtime
from models.detection.network import detect, load_detector
from models.detection.supervised import detections_of
import supervision as sv

loaded = runtime.load("rf-detr-s14-objects", load_detector)
annotator = sv.BoxAnnotator()


def answer(picture):
    if picture is None:
        return None
    found = detections_of(detect(loaded.network, picture, 0.5), picture.shape[:2])
    return annotator.annotate(picture.copy(), found)


with gr.Blocks() as demo:
    webcam = gr.WebcamOptions(constraints={"video": {"width": 640, "height": 480}}, mirror=False)
    camera = gr.Image(sources=["webcam"], streaming=True, elem_id="camera", webcam_options=webcam)
    shown = gr.Image(elem_id="shown", streaming=True, format="jpeg")
    camera.stream(answer, camera, shown, stream_every=1 / 30, time_limit=120, concurrency_limit=1)
demo.launch(server_port=int(sys.argv[1]), quiet=True, ssr_mode=False)
"""
READ_PATTERNS = """() => {
  const canvas = document.createElement("canvas");
  const [block, bits] = [16, 6];
  [canvas.width, canvas.height] = [block * bits, block];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const read = (picture, width) => {
    const scale = width / 640;
    context.drawImage(picture, 0, 0, block * bits * scale, block * scale, 0, 0, canvas.width, canvas.height);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let number = 0;
    for (let i = 0; i < bits; i++) if (pixels[4 * (8 * canvas.width + i * block + 8)] > 127) number |= 1 << i;
    return number;
  };
  const video = document.querySelector("#camera video");
  const seen = new Map();
  window.delays = [];
  const look = (now) => {
    seen.set(read(video, video.videoWidth), now);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  let last = null;
  const check = () => {
    const picture = document.querySelector("#shown img");
    if (picture?.complete && picture.naturalWidth && picture.src !== last) {
      last = picture.src;
      const shownAt = seen.get(read(picture, picture.naturalWidth));
      if (shownAt !== undefined) window.delays.push({ at: performance.now(), latency: performance.now() - shownAt });
    }
    requestAnimationFrame(check);
  };
  check();
}"""


def camera_file(folder):
    """The example video, with each frame's number as white and black blocks in its corner."""
    scenes = list(VideoFile(ROOT / "assets" / "media" / "detection-video.mp4").frames())
    images = []
    for number in range(FRAMES):
        image = scenes[number % len(scenes)].image.copy()
        for bit in range(BITS):
            image[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
        images.append(image)
    path = folder / "camera.y4m"
    write_y4m(path, images, rate=30)
    return path


def network() -> Iterator[Row]:
    image = next(VideoFile(ROOT / "assets" / "media" / "detection-video.mp4").frames()).image
    detector = runtime.load(NAME, load_detector).network
    folder = exported_folder(NAME)
    in_torch = partial(predict, detector, image)
    what = f"RF-DETR, {detector.resolution} pixels, "
    for precision in precisions(folder):
        exported = Exported(folder, detector, precision)
        yield compare(
            f"{what}{exported.title}",
            ROUNDS,
            lambda exported=exported: exported.predict(image),
            "PyTorch, float32",
            in_torch,
            counted=in_torch,
        )
    if runtime.has_bfloat16():
        reduced = partial(in_torch, reduced=True)
        yield compare(f"{what}PyTorch, bfloat16", ROUNDS, reduced, counted=reduced)


def without_bfloat16() -> Iterator[Row]:
    """The rows of `network` in a process that has none."""
    command = [sys.executable, "-m", "tests.benchmarks.detection"]
    told = subprocess.run(command, cwd=ROOT, env={**os.environ, **MASKED}, check=True, capture_output=True, text=True)
    for row in json.loads(told.stdout):
        yield Row(**row | {"what": f"{row['what']}, without bfloat16"})


def live(title, frames, theirs) -> Iterator[Row]:
    """Latency, and the time between two answers."""

    def between(answers):
        return [later["at"] - earlier["at"] for earlier, later in itertools.pairwise(answers)]

    def latency(answers):
        return [answer["latency"] for answer in answers]

    for what, of in (("camera to box, in the browser", latency), ("from one answer to the next", between)):
        yield Row(f"{title}: {what}", tuple(of(frames)), "gr.Image streaming", tuple(of(theirs)))


def ours(page, url, seconds):
    page.goto(f"{url}/?tab=detection")
    page.get_by_role("tab", name="The live camera").click()
    page.get_by_role("button", name="Start the camera").click()
    page.locator("#detection-live .facts", has_text="OpenVINO, ").wait_for(timeout=120_000)
    page.wait_for_timeout(4000)
    page.evaluate(
        "() => { window.delays = []; document.querySelector('#detection-live .live').addEventListener('frame',"
        " ({ detail }) => window.delays.push({ at: performance.now(), latency: detail.latency })); }"
    )
    page.wait_for_timeout(1000 * seconds)
    return page.evaluate("window.delays")


def usual(page, seconds):
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"}
    app = subprocess.Popen([sys.executable, "-c", NAIVE, str(port)], cwd=ROOT, env=environment)
    try:
        for _ in range(120):
            try:
                page.goto(f"http://127.0.0.1:{port}")
                break
            except Exception:
                time.sleep(0.5)
        page.locator("#camera").get_by_text("Click to Access Webcam").click()
        page.locator("#camera video").wait_for()
        page.locator("#camera button.icon, #camera .button-wrap button").first.click()
        page.locator("#shown img").wait_for(timeout=60_000)
        page.evaluate(READ_PATTERNS)
        page.wait_for_timeout(1000 * seconds)
        return page.evaluate("window.delays")
    finally:
        app.terminate()
        app.wait(20)


def rows() -> Iterator[Row]:
    """The rows of this file."""
    folder = ROOT / "artefacts"
    folder.mkdir(exist_ok=True)
    yield from network()
    yield from without_bfloat16()
    flags = [*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={camera_file(folder)}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["camera"])
        with running_app("--models", "embedded") as url:
            mine = ours(context.new_page(), url, SECONDS)
        with running_app("--models", "embedded", **MASKED) as url:
            masked = ours(context.new_page(), url, SECONDS)
        theirs = usual(context.new_page(), SECONDS)
        yield from live("live detection", mine, theirs)
        yield from live("live detection without bfloat16", masked, theirs)
        browser.close()


if __name__ == "__main__":
    print(json.dumps([dataclasses.asdict(row) for row in network()]))
