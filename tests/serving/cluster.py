"""A whole cluster on this machine, for tests and measurements: Ray, processes of the interface, Caddy before them."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.conftest import ROOT, free_port

STORE_BYTES = 200 * 2**20


@contextmanager
def started(command, log, **environment) -> Iterator[subprocess.Popen]:
    """A process with all that it starts, ended afterwards."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "GLASSBOX_EARLY": "0", **environment},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            for kind in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, kind)
                    process.wait(20)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue


def wait_for(ready, log, process, seconds=180):
    """Until `ready()`; fails with the log where the process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if ready():
                return
        except (httpx.TransportError, OSError):
            pass
        time.sleep(0.3)
    raise AssertionError(f"not ready after {seconds} s:\n{log.read_text()[-4000:]}")


@contextmanager
def cluster(python: Path, folder: Path, *, interfaces: int = 2, plan=None) -> Iterator[dict]:
    """Ray with the replicas of `plan`, so many processes of the interface on it, and the proxy of `deploy/cluster`.

    Gives the addresses (`head`, `interfaces`, `proxy`) and the processes by name.
    """
    binaries, head = python.parent, f"127.0.0.1:{free_port()}"
    (folder / "plan.json").write_text(json.dumps(plan or {}))
    shared = {"GLASSBOX_SERVING": str(folder / "plan.json"), "GLASSBOX_MODELS": "embedded", "RAY_AUTH_MODE": "token"}
    shared |= {"RAY_AUTH_TOKEN": os.urandom(32).hex(), "RAY_DISABLE_DASHBOARD": "1", "GLASSBOX_THREADS": "1"}
    with ExitStack() as stack:

        def start(name, command, ready, **environment):
            log = folder / f"{name}.log"
            process = stack.enter_context(started(command, log, **shared, **environment))
            wait_for(ready, log, process)
            return process

        port = head.rpartition(":")[2]
        ray = [binaries / "ray", "start", "--head", "--block", f"--port={port}", "--node-ip-address=127.0.0.1"]
        ray += ["--num-cpus=2", f"--object-store-memory={STORE_BYTES}", "--include-dashboard=false"]
        ray += ["--disable-usage-stats", f"--temp-dir={short_folder(stack)}"]
        processes = {"head": start("head", ray, lambda: "Ray runtime started" in (folder / "head.log").read_text())}
        put = subprocess.run(
            [python, "-m", "models.serving", head],
            cwd=ROOT,
            env={**os.environ, **shared, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert put.returncode == 0, put.stdout + put.stderr
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(interfaces)]
        for number, address in enumerate(addresses, 1):
            command = [python, "app.py", "--port", address.rpartition(":")[2], "--engine", f"ray:{head}"]
            ready = answers(f"http://{address}/readyz")
            name = f"interface-{number}"
            processes[name] = start(name, command, ready, GLASSBOX_TRUSTED_PROXIES="1")
        proxy = f"127.0.0.1:{free_port()}"
        caddy = [binaries / "caddy", "run", "--adapter", "caddyfile", "--config", "deploy/cluster/Caddyfile"]
        told = {"GLASSBOX_SITE": f"http://{proxy}", "GLASSBOX_INTERFACES": " ".join(addresses)}
        processes["proxy"] = start("proxy", caddy, answers(f"http://{proxy}/healthz"), **told)
        yield {"head": head, "interfaces": addresses, "proxy": proxy, "processes": processes, "environment": shared}


def short_folder(stack: ExitStack) -> str:
    """A folder for Ray's sockets, whose paths may have 107 letters."""
    import tempfile

    return stack.enter_context(tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True))


def answers(url):
    """Whether an address answers with 200."""
    return lambda: httpx.get(url, timeout=3).status_code == 200


def processes(word):
    """Ids of the processes whose command line holds a word."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and word in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def replicas(concept):
    """Ids of the processes that are replicas of a concept, by the titles that Ray gives them."""
    return processes(f"ray::ServeReplica:glassbox-{concept}:")


def cpu_seconds(process):
    """Processor time that a process has used so far."""
    parts = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process):
    """Memory that a process takes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
