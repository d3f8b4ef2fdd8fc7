"""Bytes over the wire and seconds until the first page can be used, first and second visit, over slow networks.

    python tests/benchmarks/wire.py [--against COMMIT] [--files]

Chromium measures: what arrives (headers and bodies, as they travel), and when the text box of the first tab and the
view below it are there. `--against` does the same with an earlier commit, in a worktree of its own that is removed
afterwards. `--files` lists what a first visit fetches.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, ROOT, free_port

NETWORKS = {"400 kbit/s": (400_000 / 8, 100), "10 Mbit/s": (10_000_000 / 8, 40)}
USABLE = ("#sequences-text textarea", "#sequences-reader .empty")
AIMS = {"first visit": 900_000, "second visit": 120_000, "400 kbit/s": 20.0, "10 Mbit/s": 3.5}


@dataclass(frozen=True)
class Visit:
    """What one visit cost."""

    seconds: float
    files: Counter

    @property
    def bytes(self):
        return self.files.total()


@contextlib.contextmanager
def served(folder):
    """The app of that folder, on a port of its own, once it has answered its first page."""
    port = free_port()
    command = [sys.executable, "app.py", "--port", str(port), "--models", "embedded"]
    app = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(port, app)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(20)


def wait_until_ready(port, app):
    import httpx

    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert app.poll() is None, "the app ended"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/", timeout=60).status_code == 200:
                return
        time.sleep(0.1)
    raise TimeoutError("the app did not come up")


@contextlib.contextmanager
def checked_out(commit):
    """A worktree of that commit."""
    with tempfile.TemporaryDirectory(prefix="wire-") as parent:
        folder = Path(parent) / "tree"
        subprocess.run(["git", "worktree", "add", "--detach", "-q", folder, commit], cwd=ROOT, check=True)
        try:
            yield folder
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)


def visit(context, url, network):
    """Open the page in `context` over that network; everything that arrived until it is at rest counts."""
    page = context.new_page()
    wire = context.new_cdp_session(page)
    names, files = {}, Counter()
    wire.on("Network.requestWillBeSent", lambda event: names.update({event["requestId"]: event["request"]["url"]}))
    wire.on("Network.loadingFinished", lambda event: files.update({_name(names, event): event["encodedDataLength"]}))
    wire.send("Network.enable")
    speed, latency = NETWORKS[network]
    conditions = {"offline": False, "latency": latency, "downloadThroughput": speed, "uploadThroughput": speed}
    wire.send("Network.emulateNetworkConditions", conditions)
    page.set_default_timeout(300_000)
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    for selector in USABLE:
        page.locator(selector).first.wait_for(state="visible")
    seconds = time.perf_counter() - began
    page.wait_for_timeout(3000)
    page.close()
    return Visit(seconds, files)


def _name(names, event):
    return names.get(event["requestId"], "").partition("?")[0]


def measure(folder):
    """For each network: the first and the second visit of one browser."""
    with served(folder) as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        visits = {}
        for network in NETWORKS:
            context = chromium.new_context()
            visits[network] = [visit(context, url, network), visit(context, url, network)]
            context.close()
        chromium.close()
    return visits


def report(measured):
    """The table: one column a tree."""
    print(f"{'':34}" + "".join(f"{name:>14}" for name in measured) + f"{'aim':>14}")
    network = next(iter(NETWORKS))
    for number, name in enumerate(("first visit", "second visit")):
        values = [f"{visits[network][number].bytes / 1000:.0f} kB" for visits in measured.values()]
        print_row(f"{name}, over the wire", values, f"{AIMS[name] / 1000:.0f} kB")
    for network in NETWORKS:
        for number, name in enumerate(("first visit", "second visit")):
            values = [f"{visits[network][number].seconds:.1f} s" for visits in measured.values()]
            print_row(f"{name}, usable at {network}", values, f"{AIMS[network]:.1f} s")


def print_row(name, values, aim):
    print(f"{name:34}" + "".join(f"{value:>14}" for value in values) + f"{aim:>14}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", metavar="COMMIT", help="measure that commit too")
    parser.add_argument("--files", action="store_true", help="list what a first visit fetches")
    arguments = parser.parse_args()
    measured = {}
    if arguments.against:
        with checked_out(arguments.against) as folder:
            measured[arguments.against] = measure(folder)
    measured["now"] = measure(ROOT)
    report(measured)
    if arguments.files:
        for url, size in measured["now"]["10 Mbit/s"][0].files.most_common(60):
            print(f"{size:>9,} {url}")


if __name__ == "__main__":
    main()
