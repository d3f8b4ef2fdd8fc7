"""Live detection: the network by runtime, then camera to box in a real browser, beside the usual way (run this).

    python tests/benchmarks/detection.py [--seconds 15]

The network: median of one picture by PyTorch and by the export. In the browser a fake camera shows the example video at
30 frames a second. Ours: the Detection tab, from the moment a frame was captured until its boxes were drawn. The usual
way: `gr.Image` streams to a handler that runs the network in PyTorch, draws and returns a picture to `gr.Image`; there
a pattern of blocks in the frames tells which frame a picture shows, and time runs from that frame's place on the
camera's own preview until the annotated picture is on the page. One run, one machine; the load average is printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models import runtime
from models.video import VideoFile
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, ROOT, free_port, running_app, write_y4m

NAME = "rf-detr-s14-objects"
BLOCK, BITS, FRAMES = 16, 6, 60
ROUNDS = 30
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


def network():
    import torch

    from models.detection.export import Exported, exported_folder
    from models.detection.fastest import precisions
    from models.detection.network import load_detector, predict

    image = next(VideoFile(ROOT / "assets" / "media" / "detection-video.mp4").frames()).image
    detector = runtime.load(NAME, load_detector).network
    folder = exported_folder(NAME)
    print(f"the network, {detector.resolution} pixels, {torch.get_num_threads()} threads, median of {ROUNDS}:")
    ways = {"PyTorch float32": lambda: predict(detector, image)}
    ways["PyTorch bfloat16"] = lambda: predict(detector, image, reduced=True)
    for precision in precisions(folder):
        exported = Exported(folder, detector, precision)
        ways[exported.title] = lambda exported=exported: exported.predict(image)
    for title, run in ways.items():
        print(f"  {title}: {1000 * median_seconds(run):.0f} ms")


def median_seconds(run):
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def report(title, frames):
    latencies = [frame["latency"] for frame in frames]
    span = (frames[-1]["at"] - frames[0]["at"]) / 1000
    p50, p95 = np.percentile(latencies, (50, 95))
    print(f"  {title}: {(len(frames) - 1) / span:.1f} frames/s, camera to box {p50:.0f} ms (95 %: {p95:.0f} ms)")


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
    report("ours", page.evaluate("window.delays"))
    print(f"    {page.locator('#detection-live .facts').inner_text()}".replace("\n", " "))


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
        report("gr.Image to gr.Image, PyTorch float32", page.evaluate("window.delays"))
    finally:
        app.terminate()
        app.wait(20)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=15, help="how long each way is watched")
    seconds = parser.parse_args().seconds
    folder = ROOT / "artefacts"
    folder.mkdir(exist_ok=True)
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    network()
    flags = [*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={camera_file(folder)}"]
    print("in the browser:")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["camera"])
        with running_app("--models", "embedded") as url:
            ours(context.new_page(), url, seconds)
        usual(context.new_page(), seconds)
        browser.close()
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
