"""A cluster brought into trouble for real, on this machine: what a visitor reads, what the log says, what goes on.

python -m tests.serving.trouble            with a Python that has Ray; prints what was found as JSON

With `GLASSBOX_OLD_RAY=FOLDER/bin/ray` the older head is a real one.
"""

import contextlib
import importlib.util
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from models.compute import choose
from models.errors import EngineError
from models.serving import cluster as serving
from models.serving import engine as module
from tests.conftest import ROOT, free_port
from tests.serving import tasks
from tests.serving.cluster import short_folder, started, wait_for

MODEL = "vit-s14-caltech101"
OWN = f"vit/{MODEL}"
IDLE = "dinov2-small"
PLAN = {OWN: {"mark": "apart", "memory_gb": 1}, f"vit/{IDLE}": {"replicas": 0, "memory_gb": 1}}
STORE_BYTES = 80 * 2**20
OLD = "import ray; ray.__version__ = '2.9.0'; from ray.scripts.scripts import main; main()"
"""A head that says of itself that it is an older one."""
HOURS_AHEAD = 2


class Log(logging.Handler):
    """Lines for the operator, as they come."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        """Keep it."""
        self.lines.append(record.getMessage())

    def said(self, words, since=0):
        """Whether a line with these words came after so many lines."""
        return any(words in line for line in self.lines[since:])


def node(stack, folder, name, *told, program=(), **environment):
    """A node of Ray in processes of its own, ended at the end; returns its first process."""
    binary = program or [Path(sys.executable).parent / "ray"]
    command = [*binary, "start", "--block", "--disable-usage-stats", "--node-ip-address=127.0.0.1", "--num-cpus=1"]
    log = folder / f"{name}.log"
    process = stack.enter_context(started([*command, *told], log, **environment))
    wait_for(lambda: "Ray runtime started" in log.read_text(), log, process)
    return process


def head(stack, folder, name="head", **more):
    """A head; returns its address."""
    port = free_port()
    told = ["--head", f"--port={port}", f"--object-store-memory={STORE_BYTES}", "--include-dashboard=false"]
    node(stack, folder, name, *told, f"--temp-dir={short_folder(stack)}", **more)
    return f"127.0.0.1:{port}"


def sentence_of(work):
    """What a visitor reads, and after how long; no sentence where it went well."""
    start, sentence = time.monotonic(), ""
    try:
        work()
    except EngineError as error:
        sentence = str(error)
    return {"sentence": sentence, "seconds": round(time.monotonic() - start, 1)}


def until(ready, seconds):
    """Seconds until `ready()`; None if it does not become so."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if ready():
            return round(time.monotonic() - start, 1)
        time.sleep(0.5)
    return None


def first_click(address, log):
    """A first click where `address` is no cluster that may be joined: who computes it, after how long, and the log."""
    lines, start = len(log.lines), time.monotonic()
    engine = serving.engine_for(f"ray:{address}")
    choose(engine)
    own = tasks.process_of(MODEL) == os.getpid()
    engine._lines.__self__.leave()
    return {"here": own, "seconds": round(time.monotonic() - start, 1), "log": log.lines[lines:]}


def nobody(log):
    """An address where nobody listens."""
    return first_click(f"127.0.0.1:{free_port()}", log)


def silent(log):
    """An address where somebody listens who never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return first_click(f"127.0.0.1:{server.getsockname()[1]}", log)


def older(log):
    """A head of an older Ray."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        real = os.environ.get("GLASSBOX_OLD_RAY")
        return first_click(head(stack, folder, program=[real] if real else [sys.executable, "-c", OLD]), log)


def idle(log, *_):
    """A model whose replicas are none until it is asked for."""
    concept, start = tasks.process_of("none"), time.monotonic()
    own = tasks.process_of(IDLE)
    return {"own process": own not in (concept, os.getpid()), "seconds": round(time.monotonic() - start, 1)}


def sizes(log, *_):
    """Results near and above what the object store and a message hold."""
    found = {}
    for megabytes in (60, 90, 120):
        found[megabytes] = sentence_of(lambda size=megabytes: tasks.give(size))
    return found | {"after": sentence_of(lambda: tasks.give(1))}


def memory(log, *_):
    """A replica that takes more memory than its node may give."""
    lines, before = len(log.lines), tasks.process_of("none")
    found = sentence_of(lambda: tasks.take_memory(4096))
    again = until(lambda: _well(lambda: tasks.process_of("none")), 120)
    return found | {"log": log.lines[lines:], "again": again, "another": tasks.process_of("none") != before}


def clocks(log, *_):
    """Replicas whose clock is ahead: a click, a stream to its end, and one that is left before."""
    lines, ahead = len(log.lines), tasks.clock("none") - time.time()
    steps = list(tasks.count("none", 5))
    left = tasks.count("none", 600)
    next(left)
    left.close()
    return {"ahead": ahead, "steps": steps, "after": sentence_of(lambda: tasks.give(1)), "log": log.lines[lines:]}


def another_clock():
    """An environment in which processes have the wrong time; None where what fakes it is not installed."""
    spec = importlib.util.find_spec("libfaketime")
    if spec is None or spec.origin is None:
        return None
    library = Path(spec.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    return {"LD_PRELOAD": str(library), "FAKETIME": f"+{HOURS_AHEAD}h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def _well(work):
    with contextlib.suppress(EngineError):
        work()
        return True
    return False


def placed(log, engine, address, stack, folder):
    """A model whose node is not there, comes, and leaves in the middle of a stream."""
    concept = tasks.process_of("none")
    found = {"without a node": tasks.process_of(MODEL) == concept, "waits": log.said("no node of the cluster can hold")}
    resources = json.dumps({"apart": 1})
    apart = node(stack, folder, "apart", f"--address={address}", f"--resources={resources}")
    found["comes"] = until(lambda: OWN in engine._lines(), 60)
    own = tasks.process_of(MODEL)
    found["own process"] = own not in (concept, os.getpid())
    found["others stay"] = tasks.process_of("none") == concept
    steps = tasks.count(MODEL, 600)
    next(steps)
    os.killpg(apart.pid, signal.SIGKILL)
    found["leaves"] = sentence_of(lambda: list(steps))
    lines = len(log.lines)
    found["goes on"] = until(lambda: _well(lambda: tasks.process_of(MODEL)), 240)
    found["by the concept"] = tasks.process_of(MODEL) == concept
    found["said"] = log.lines[lines:]
    return found


def main():
    """Everything, or what is named."""
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": os.urandom(32).hex()}  # not one that this user may have
    log = Log()
    logging.getLogger("glassbox.serving").addHandler(log)
    module.concept_of = lambda _: "vit"  # these tasks are of no concept
    ways = {"nobody": nobody, "silent": silent, "older": older}
    inside = {"placed": placed, "idle": idle, "sizes": sizes, "memory": memory, "clocks": clocks}
    little = {"RAY_memory_usage_threshold": f"{share_with_more(2 * 2**30):.3f}"}
    asked, found = sys.argv[1:] or [*ways, *inside], {}
    for name in [name for name in asked if name in ways]:
        found[name] = ways[name](log)
    for group, environment in ((["idle", "placed", "sizes"], {}), (["memory"], little), (["clocks"], another_clock())):
        group = [name for name in group if name in asked and environment is not None]
        if group:
            with running(log, **environment) as made:
                found |= {name: inside[name](log, *made) for name in group}
    print(json.dumps(found))


@contextlib.contextmanager
def running(log, **environment):
    """A cluster of one node with little room for results, in that environment.

    Gives the engine, the address, what closes what is added, and a folder.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "plan.json").write_text(json.dumps(PLAN))
        os.environ |= {"GLASSBOX_SERVING": str(folder / "plan.json"), "GLASSBOX_THREADS": "1", "GLASSBOX_EARLY": "0"}
        address = head(stack, folder, **environment)
        command = [sys.executable, "-m", "models.serving", address]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        log.lines += done.stderr.splitlines()
        assert done.returncode == 0, done.stderr
        engine = serving.engine_for(f"ray:{address}")
        choose(engine)
        assert engine._lines(), log.lines
        yield engine, address, stack, folder
        engine._lines.__self__.leave()
        import ray

        ray.shutdown()


def share_with_more(size):
    """The share of this machine's memory that is used when so many bytes more are."""
    told = dict(re.findall(r"(\w+):\s+(\d+) kB", Path("/proc/meminfo").read_text()))
    total, free = (1024 * int(told[name]) for name in ("MemTotal", "MemAvailable"))
    return min(0.97, (total - free + size) / total)


if __name__ == "__main__":
    main()
