"""`make load`: fifty users for five minutes; meanwhile one diffusion run, one training and one live camera go on.
`make soak`: new sessions for ten minutes.

    python -m tests.load.run --users 50 --minutes 5 [--heavy]      asks p95 <= 1 s, nothing lost, nothing crossed
    python -m tests.load.run --users 4 --minutes 10 --soak         asks growth < 30 MB after warm-up, open files +-10

Both start the app on 127.0.0.1, end it, and fail with status 1 where an aim is missed.
"""

import argparse
import json
import os
import sys
import threading
import time
import uuid
from pathlib import Path

import httpx
from websockets.sync.client import connect

from tests.abuse.test_live import SETTINGS, frame
from tests.abuse.visitors import Visitor
from tests.conftest import running_app
from tests.jobs import Starter
from tests.load.visitors import LIGHT, LoadVisitor, Seen

LIGHT_P95_SECONDS = 1.0
GROWTH_BYTES, GROWTH_FILES = 30 * 2**20, 10
WARM_UP_SHARE = 0.3
HEAVY = ("diffusion_generate", ["monster", 4, 100, 0])


def main():
    """Run, print the table, and end with the number of aims that were missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--heavy", action="store_true", help="a diffusion run, a training and a live camera meanwhile")
    parser.add_argument("--soak", action="store_true", help="look at memory and open files instead of times")
    arguments = parser.parse_args()
    with running_app("--models", "embedded") as url:
        warm_up(url)
        seen, marks = run(url, arguments)
    missed = report(seen, marks, soak=arguments.soak)
    sys.exit(1 if missed else 0)


def warm_up(url):
    """Every endpoint once, so that all models are in memory."""
    visitor = LoadVisitor(url, 999, Seen())
    for action in (visitor.next_character, visitor.memory, visitor.trace, visitor.classify, visitor.detect):
        action()


def run(url, arguments):
    """All visitors at once; the process is looked at after `WARM_UP_SHARE` of the time and at the end."""
    seen, began = Seen(), time.monotonic()
    until = began + arguments.minutes * 60
    visitors = [LoadVisitor(url, number, seen) for number in range(arguments.users)]
    threads = [threading.Thread(target=visitor.visit, args=(until,)) for visitor in visitors]
    if arguments.heavy:
        threads += [threading.Thread(target=one, args=(url, until, seen)) for one in (denoise, train, watch)]
    for thread in threads:
        thread.start()
        time.sleep(min(0.1, 3 / len(threads)))
    time.sleep(max(0.0, began + WARM_UP_SHARE * arguments.minutes * 60 - time.monotonic()))
    marks = [process_of(url)]
    for thread in threads:
        thread.join()
    return seen, [*marks, process_of(url)]


def denoise(url, until, seen):
    """One diffusion run after the other."""
    visitor = LoadVisitor(url, 998, seen)
    while time.monotonic() < until:
        visitor.event(*HEAVY)


def train(url, until, seen):
    """One training of a recurrent network after the other, on the last page of Sequences."""
    with Visitor(url, "127.1.9.1") as visitor:
        starter = Starter(visitor)
        while time.monotonic() < until:
            visitor.session = uuid.uuid4().hex
            job = starter.pages.first("sequences", "compute_training")
            starter.prepare(job)
            began = time.monotonic()
            for message in starter.messages(job):
                now = time.monotonic()
                seen.note("training, a report", now - began, "well" if message["success"] else "with an error")
                began = now
                if now > until:
                    break


def watch(url, until, seen):
    """A live camera: frame after frame, as fast as they are answered, at most 15 a second."""
    address = url.replace("http", "ws") + "/live/detection"
    with connect(address, source_address=("127.1.9.2", 0), max_size=None) as camera:
        camera.send(json.dumps(SETTINGS))
        camera.recv(timeout=60)
        number = 0
        while time.monotonic() < until:
            number, began = number + 1, time.monotonic()
            camera.send(frame(number, seen=number - 1))
            answer = json.loads(camera.recv(timeout=60))
            seen.note("live frame", time.monotonic() - began, "well" if "boxes" in answer else "with an error")
            time.sleep(max(0.0, 1 / 15 - (time.monotonic() - began)))


def process_of(url):
    """(resident bytes, open files) of the app, as it tells Prometheus."""
    lines = httpx.get(f"{url}/metrics", timeout=30).text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return float(figures["process_resident_memory_bytes"]), float(figures["process_open_fds"])


def report(seen, marks, *, soak):
    """Print what was seen; returns the aims that were missed."""
    (bytes_before, files_before), (bytes_after, files_after) = marks
    for endpoint, taken in sorted(seen.seconds.items()):
        print(f"{endpoint:24} {len(taken):6} events   p50 {seen.percentile(0.5, endpoint):6.2f} s", end="   ")
        print(f"p95 {seen.percentile(0.95, endpoint):6.2f} s   longest {max(taken):6.2f} s")
    print(f"load average of this machine: {os.getloadavg()[1]:.1f} over the last five minutes")
    print("ended:", dict(seen.endings), "  crossed:", len(seen.crossed))
    print(f"memory {bytes_before / 2**20:.0f} -> {bytes_after / 2**20:.0f} MB", end=", ")
    print(f"files {files_before:.0f} -> {files_after:.0f}")
    aims = {
        "nothing lost": not any(ending.startswith(("lost", "with")) for ending in seen.endings),
        "nothing crossed": not seen.crossed,
    }
    if soak:
        aims[f"growth under {GROWTH_BYTES // 2**20} MB"] = bytes_after - bytes_before < GROWTH_BYTES
        aims[f"open files within {GROWTH_FILES}"] = abs(files_after - files_before) <= GROWTH_FILES
    else:
        name = f"p95 of {' and '.join(LIGHT)} under {LIGHT_P95_SECONDS:g} s"
        aims[name] = seen.percentile(0.95, *LIGHT) <= LIGHT_P95_SECONDS
    for aim, held in aims.items():
        print(f"{'held  ' if held else 'MISSED'} {aim}")
    return [aim for aim, held in aims.items() if not held]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
