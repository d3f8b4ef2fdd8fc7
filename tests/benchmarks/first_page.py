"""From `python app.py` to the whole first page, in new processes; the first start, which compiles, does not count."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from tests.benchmarks.rows import Row
from tests.conftest import ROOT, free_port

RUNS = 5


def seconds_to_first_page():
    port = free_port()
    began = time.perf_counter()
    command = [sys.executable, "app.py", "--port", str(port), "--models", "embedded"]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    app = subprocess.Popen(command, cwd=ROOT, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                return time.perf_counter() - began
            except urllib.error.URLError:
                time.sleep(0.02)
    finally:
        app.terminate()
        app.wait()


def rows() -> Iterator[Row]:
    """The row of this file."""
    seconds_to_first_page()
    yield Row("from `python app.py` to the first page", tuple(1000 * seconds_to_first_page() for _ in range(RUNS)))
