"""Seconds from `python app.py` to the whole first page, five cold processes (run this file)."""

import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import ROOT, free_port

RUNS = 5


def seconds_to_first_page():
    port = free_port()
    began = time.perf_counter()
    command = [sys.executable, "app.py", "--port", str(port), "--models", "embedded"]
    app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


if __name__ == "__main__":
    times = [seconds_to_first_page() for _ in range(RUNS)]
    print(f"first page: median {statistics.median(times):.2f} s, {min(times):.2f} to {max(times):.2f} s, {RUNS} runs")
