"""Throughput and waiting of the app without Ray and on it: replicas, batches, processes of the interface.

python -m tests.serving.bench --python .venv-cluster/bin/python --write docs/scaling.json

All in one run, one after the other, on a machine that does other things too: compare within a run only.
"""

import argparse
import itertools
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from gradio_client import Client

from tests.conftest import ROOT, running_app
from tests.runtime_only.test_endpoints import CALLS
from tests.serving.cluster import cluster, cpu_seconds, replicas, resident_bytes

ENDPOINTS = ("/vit_classify", "/attention_trace", "/diffusion_generate")
BATCHED = ("/vit_classify", "/attention_trace")
CLICKS = {"/vit_classify": 8, "/sequences_next": 8, "/detection_detect": 4, "/diffusion_generate": 1}
"""What visitors do, and how often it is done to know its cost."""


def asked(endpoint):
    """Arguments of one call after the other; texts differ, as the run of one that was just read is kept."""
    numbers = itertools.count(secrets.randbelow(10**6))
    while True:
        first, *others = CALLS[endpoint]()
        yield (f"{first} {next(numbers):07}" if endpoint == "/attention_trace" else first, *others)


def ask(url, endpoint, ready, long, took):
    """One visitor who asks again as soon as answered, for so long after everybody has been answered once."""
    client, arguments = Client(url, verbose=False), asked(endpoint)
    client.predict(*next(arguments), api_name=endpoint)
    ready.wait()
    until = time.monotonic() + long
    while (start := time.monotonic()) < until:
        client.predict(*next(arguments), api_name=endpoint)
        took.append(time.monotonic() - start)


def measure(title, url, visitors, seconds, interfaces=(), endpoints=ENDPOINTS):
    """Requests a second, median and 95th percentile of their seconds, for each endpoint alone.

    interfaces: processes whose processor time and memory are told, as are those of the replicas.
    """
    rows = []
    for endpoint in endpoints:
        ready, took = threading.Barrier(visitors + 1, timeout=120), []
        threads = [threading.Thread(target=ask, args=(url, endpoint, ready, seconds, took)) for _ in range(visitors)]
        for thread in threads:
            thread.start()
        ready.wait()
        computing = replicas(concept_of(endpoint))
        before = [[cpu_seconds(one) for one in group] for group in (interfaces, computing)]
        begun = time.monotonic()
        for thread in threads:
            thread.join()
        passed = time.monotonic() - begun
        after = [[cpu_seconds(one) for one in group] for group in (interfaces, computing)]
        used = [(sum(late) - sum(early)) / len(took) for early, late in zip(before, after, strict=True)]
        ordered = sorted(took)
        rows.append(
            {
                "configuration": title,
                "endpoint": endpoint,
                "visitors": visitors,
                "requests_a_second": round(len(took) / passed, 2),
                "median_seconds": round(statistics.median(ordered), 3),
                "p95_seconds": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
                "interface_cpu_seconds": round(used[0], 4),
                "replica_cpu_seconds": round(used[1], 4),
                "interface_bytes": max(map(resident_bytes, interfaces), default=0),
                "replica_bytes": max(map(resident_bytes, computing), default=0),
                "load": round(os.getloadavg()[0], 1),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def concept_of(endpoint):
    """The concept whose replicas compute an endpoint."""
    return endpoint.strip("/").partition("_")[0]


def costs(url, interface):
    """Processor seconds of one click, of the interface and of replicas, and bytes of its answer; by endpoint."""
    found = {}
    for endpoint, times in CLICKS.items():
        client = Client(url, verbose=False)
        arguments = CALLS[endpoint]()
        answer = client.predict(*arguments, api_name=endpoint)
        computing = replicas(concept_of(endpoint))
        before = cpu_seconds(interface), sum(map(cpu_seconds, computing))
        for _ in range(times):
            client.predict(*arguments, api_name=endpoint)
        after = cpu_seconds(interface), sum(map(cpu_seconds, computing))
        used = [round((late - early) / times, 4) for early, late in zip(before, after, strict=True)]
        files = [Path(part) for part in flat(answer) if isinstance(part, str) and part.startswith("/")]
        size = len(json.dumps(answer, default=str)) + sum(path.stat().st_size for path in files if path.is_file())
        found[endpoint] = {"interface_cpu_seconds": used[0], "replica_cpu_seconds": used[1], "bytes": size}
        print(endpoint, json.dumps(found[endpoint]), flush=True)
    return found


def flat(value):
    """All that is in nested lists and tuples."""
    if isinstance(value, list | tuple):
        return [one for part in value for one in flat(part)]
    return [value]


def deploy(python, made, folder, plan):
    """Another plan for a cluster that runs."""
    (folder / "plan.json").write_text(json.dumps(plan))
    environment = {**os.environ, **made["environment"], "PYTHONPATH": str(ROOT)}
    subprocess.run([python, "-m", "models.serving", made["head"], *plan], cwd=ROOT, env=environment, check=True)
    time.sleep(5)


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, default=ROOT / ".venv-cluster" / "bin" / "python")
    parser.add_argument("--visitors", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    told = (arguments.visitors, arguments.seconds)
    with running_app("--models", "embedded", python=sys.executable, GLASSBOX_THREADS="1") as url:
        rows = measure("without Ray", url, *told)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with cluster(arguments.python.absolute(), folder, interfaces=2) as made:
            first, both = f"http://{made['interfaces'][0]}", f"http://{made['proxy']}"
            one, *_ = pids = [made["processes"][f"interface-{number}"].pid for number in (1, 2)]
            clicks = costs(first, one)
            rows += measure("Ray, 1 replica, 1 process", first, *told, [one])
            rows += measure("Ray, 1 replica, 2 processes", both, *told, pids)
            deploy(arguments.python, made, folder, {concept_of(one): {"replicas": 2} for one in ENDPOINTS})
            rows += measure("Ray, 2 replicas, 1 process", first, *told, [one])
            rows += measure("Ray, 2 replicas, 2 processes", both, *told, pids)
            several = [endpoint for endpoint in ENDPOINTS if endpoint in BATCHED]
            deploy(arguments.python, made, folder, {concept_of(one): {"batch": 8} for one in ENDPOINTS})
            rows += measure("Ray, 1 replica, 1 process, batches of up to 8", first, *told, [one], several)
            if arguments.write:
                write(arguments.write, rows, clicks)


def write(path, rows, clicks):
    """Put what was measured into the file beside what is assumed there."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known |= {"costs": clicks, "measured": rows}
    known |= {name: max(row[name] for row in rows) for name in ("interface_bytes", "replica_bytes")}
    known |= {"cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d")}
    path.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
