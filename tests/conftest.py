"""The real app in a process of its own, a client for its API and a real browser with a fake webcam."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

settings.register_profile("shared cores", deadline=None)  # how long an example takes is what else the machine does
settings.load_profile("shared cores")

ROOT = Path(__file__).resolve().parent.parent
# Milliseconds until a state that does not come is a failure: nothing is timed, and machines may be slow and busy.
PATIENCE = 300_000
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A browser test may fail once, as machines that share their cores stall; the summary names it (RERUN).

    It is for `make check` (`thorough`) unless it says that `make test` runs it too (`core`).
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
            if not (item.get_closest_marker("core") or item.get_closest_marker("slow")):
                item.add_marker(pytest.mark.thorough)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_app(*arguments, python=sys.executable, **environment):
    """Start `app.py` with `python` on a free port, wait for its first page, and end it afterwards."""
    port = free_port()
    log = ROOT / "artefacts" / f"app-{port}.log"
    log.parent.mkdir(exist_ok=True)
    command = [python, "app.py", "--host", "127.0.0.1", "--port", str(port), *arguments]
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "GLASSBOX_EARLY": "0", **environment},  # many apps are started: none works ahead
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_up(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_up(url, process, log):
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the app did not come up:\n{log.read_text()}")


@pytest.fixture(scope="session")
def app_url():
    """Address of the app under test; `GLASSBOX_TEST_URL` tests one that runs already."""
    if url := os.environ.get("GLASSBOX_TEST_URL"):
        yield url
        return
    with running_app() as url:
        yield url


def patient_client(url):
    """A client that asks once more where its stream was closed as it asked.

    Gradio's client has one stream for all its events; the server closes it after the last one, and on a slow machine
    the next may fall between the two.
    """
    from gradio_client import Client

    class PatientClient(Client):
        def predict(self, *values, **named):
            try:
                return super().predict(*values, **named)
            except CancelledError:
                return super().predict(*values, **named)

    return PatientClient(url, verbose=False)


@pytest.fixture(scope="session")
def client(app_url):
    return patient_client(app_url)


@pytest.fixture(scope="session")
def screenshots():
    folder = ROOT / "artefacts" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def webcam_file(tmp_path_factory):
    """Two seconds of 640 x 480 video (y4m) that show the first frame of the example video, whose boxes are known."""
    from models.video import VideoFile

    path = tmp_path_factory.mktemp("webcam") / "scene.y4m"
    write_y4m(path, [next(VideoFile(ROOT / "assets" / "media" / "detection-video.mp4").frames()).image] * 30)
    return path


def write_y4m(path, images, rate=15):
    """Frames (480, 640, 3) uint8 as a file that Chromium's fake camera plays in a loop."""
    frames = []
    for image in images:
        planes = np.asarray(Image.fromarray(image).convert("YCbCr"))
        luma, chroma = planes[..., 0], planes[::2, ::2, 1:]
        frames.append(b"FRAME\n" + luma.tobytes() + chroma[..., 0].tobytes() + chroma[..., 1].tobytes())
    path.write_bytes(f"YUV4MPEG2 W640 H480 F{rate}:1 Ip A1:1 C420jpeg\n".encode() + b"".join(frames))


@pytest.fixture(scope="session")
def browser(webcam_file):
    if not CHROMIUM:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Chromium is not installed: run `make setup`")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        flags = [*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={webcam_file}"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser, app_url):
    """`new_page(dark=False, phone=False, calm=False)`: its console errors and outside requests fail the test."""
    contexts, faults = [], []

    def make(*, dark=False, phone=False, calm=False):
        context = browser.new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if calm else "no-preference",
            has_touch=phone,
            base_url=app_url,
            permissions=["camera"],
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if _outside(request.url, app_url) else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not _left(fault, faults)] == []


def _left(fault, faults):
    """Whether Gradio complains of a page that was left: it aborts the stream that was open, and says two errors."""
    aborted = [one for one in faults if one.startswith("AbortError: signal is aborted")]
    return fault in aborted or bool(aborted and fault.startswith("Unexpected error Connection errored out."))


def _outside(url, app_url):
    return not url.startswith((app_url, app_url.replace("http:", "ws:"), "data:", "blob:", "about:"))


@pytest.fixture
def page(new_page):
    return new_page()


def choose_page(tab, title):
    """Open a page of a tab."""
    tab.get_by_role("tab", name=title, exact=True).click()


def inner_pages(app_url, slug):
    """Titles of the pages of a tab, in their order."""
    from demos.words import in_english

    config = in_english(httpx.get(f"{app_url}/config", timeout=60).json())
    components = {component["id"]: component for component in config["components"]}

    def titles(node, inside):
        component = components.get(node["id"], {"type": "", "props": {}})
        if component["type"] == "tabitem":
            if inside:
                return [component["props"]["label"]]
            if component["props"]["elem_id"] != f"tab-{slug}":
                return []
            inside = True
        return [title for child in node.get("children") or [] for title in titles(child, inside)]

    return titles(config["layout"], inside=False)


COUNTER = Path(__file__).parent / "runtime_only" / "walk.js"


@pytest.fixture
def open_tab(new_page):
    """`open_tab(slug, title=None, opened=True, **how)`: a page with that tab open, and in it the page of that title.

    opened: wait for its first view.
    """

    def open_(slug, title=None, opened=True, **how):
        page = new_page(**how)
        page.add_init_script(path=COUNTER)
        page.goto(f"/?tab={slug}")
        tab = page.locator(f"#tab-{slug}")
        tab.wait_for(state="visible")
        if title is not None:
            choose_page(tab, title)
        if opened:
            wait_for_the_opening(page, slug)
        return page

    return open_


MOUNTED = """panel => [...panel.querySelectorAll(".gb-mount")].every(
    (view) => !view.checkVisibility() || view.dataset.mounted || view.querySelector(".gb-fault:not([hidden])"))"""


def wait_for_the_opening(page, slug):
    """Until all views of the page in sight are in their places, and the first run is shown if it opens on one."""
    panel = page.locator(f"#tab-{slug} [role=tabpanel]:visible").first
    panel.wait_for()
    name = re.sub(rf"\b({slug}|page|tab)\b|-", "", panel.get_attribute("id"))
    if page.evaluate("name => gradio_config.dependencies.some((one) => one.api_name === name)", f"open_{slug}_{name}"):
        panel.and_(page.locator("[data-opened=true]")).wait_for()
    page.wait_for_function(MOUNTED, arg=panel.element_handle())


def settled(page, milliseconds=PATIENCE):
    """Until every event that a page of `open_tab` asked for is answered."""
    page.wait_for_function("runtime.completed >= runtime.asked", timeout=milliseconds)
