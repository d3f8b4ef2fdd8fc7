"""Fetching hub models in the background: one commit for good, safetensors only, progress, and a deadline.

A child process downloads, so that a hub that hangs can be given up: threads cannot be stopped, children can.

    python -m models.hub NAME       download a hub model of the catalogue now (progress as JSON lines)
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from models import weights
from models.errors import InputError, WeightsError

ASKING: ContextVar[str] = ContextVar("ASKING", default="")
"""For whom the present code runs; whoever serves visitors sets it."""
MAX_DOWNLOADS_EACH, MAX_DOWNLOADS = 3, 6
STALL_SECONDS = float(os.environ.get("GLASSBOX_HUB_STALL_SECONDS", "30"))


@dataclass(frozen=True)
class Download:
    """State of one hub model: `bytes_done` of `bytes_total` (0: not known yet), and why it failed if it did."""

    status: Literal["absent", "running", "ready", "failed"]
    bytes_done: int = 0
    bytes_total: int = 0
    reason: str = ""
    asked_by: str = ""


_downloads: dict[str, Download] = {}
_downloads_lock = threading.Lock()


def state_of(name: str) -> Download:
    """What is known about a hub model, without asking the network."""
    if (weights.hub_path(weights.find(name)) / "complete.json").exists():
        return Download("ready")
    with _downloads_lock:
        return _downloads.get(name, Download("absent"))


def start(name: str) -> Download:
    """Begin to fetch a hub model in the background unless it is here or on its way; returns the state at once.

    Raises `InputError` where `MAX_DOWNLOADS_EACH` are on their way for whoever asks, or `MAX_DOWNLOADS` in all.
    """
    entry = weights.find(name)
    if entry.kind != "hub":
        raise InputError(f"{entry.title} does not come from the hub.")
    state = state_of(name)
    if state.status == "ready":
        return state
    with _downloads_lock:
        if _downloads.get(name, state).status == "running":
            return _downloads[name]
        running = [one.asked_by for one in _downloads.values() if one.status == "running"]
        if len(running) >= MAX_DOWNLOADS or (ASKING.get() and running.count(ASKING.get()) >= MAX_DOWNLOADS_EACH):
            raise InputError("Other models are on their way: ask again when one of them has arrived.")
        _downloads[name] = Download("running", asked_by=ASKING.get())
    threading.Thread(target=_watch_child, args=(entry,), daemon=True).start()
    return Download("running")


def _watch_child(entry: weights.Weights) -> None:
    """Run the child, relay its progress, and end it when no byte arrived for `STALL_SECONDS`."""
    command = [sys.executable, "-m", "models.hub", entry.name]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=weights.EMBEDDED.parent.parent
    )
    last_byte = time.monotonic()
    finished = threading.Event()

    def end_when_stalled() -> None:
        while not finished.wait(0.2):
            if time.monotonic() - last_byte > STALL_SECONDS:
                child.kill()
                return

    threading.Thread(target=end_when_stalled, daemon=True).start()
    state = Download("running")
    assert child.stdout is not None
    for line in child.stdout:
        news = Download(**json.loads(line))
        if news != state:
            last_byte, state = time.monotonic(), news
            _remember(entry.name, state)
    finished.set()
    if child.wait() < 0:
        _remember(entry.name, Download("failed", reason=f"nothing arrived for {STALL_SECONDS:g} seconds"))
    elif state.status not in ("ready", "failed"):
        _remember(entry.name, Download("failed", reason="the download ended early"))


def _remember(name: str, state: Download) -> None:
    with _downloads_lock:
        _downloads[name] = replace(state, asked_by=_downloads[name].asked_by if name in _downloads else "")


def describe(name: str) -> str:
    """One sentence on where a hub model stands."""
    state, title = state_of(name), weights.find(name).title
    share = (
        f", {state.bytes_done / state.bytes_total:.0%} of {state.bytes_total / 1e6:.0f} MB" if state.bytes_total else ""
    )
    return {
        "absent": f"{title} is not on this machine yet: choose it in its tab to fetch it from the hub.",
        "running": f"{title} is being fetched from the hub{share}; ask again in a moment.",
        "failed": f"{title} could not be fetched from the hub: {state.reason}.",
        "ready": f"{title} is ready.",
    }[state.status]


def _fetch(name: str) -> Iterator[Download]:
    """Download the files of a hub model one by one, in the child process.

    `complete.json` (their SHA-256) is written last: a download killed at any moment leaves nothing that would be
    taken for a model. `commit`, beside it, says what was fetched.
    """
    from huggingface_hub import HfApi, hf_hub_download

    entry = weights.find(name)
    target = weights.hub_path(entry)
    pinned = weights.commit_of(entry)
    info = HfApi().model_info(entry.origin, revision=pinned or "main", files_metadata=True)
    commit = pinned or info.sha or ""
    if not re.fullmatch("[0-9a-f]{40}", commit):
        raise WeightsError("the hub does not say which commit it hands out")
    wanted = [s for s in info.siblings or [] if any(Path(s.rfilename).match(pattern) for pattern in entry.patterns)]
    if not any(s.rfilename.endswith(".safetensors") for s in wanted):
        raise WeightsError("it holds no safetensors file")
    total = sum(s.size or 0 for s in wanted)
    done, digests = 0, {}
    yield Download("running", done, total)
    for sibling in wanted:
        path = Path(hf_hub_download(entry.origin, sibling.rfilename, revision=commit, local_dir=target))
        digests[sibling.rfilename] = weights.sha256_of(path)
        if sibling.lfs and sibling.lfs.sha256 != digests[sibling.rfilename]:
            path.unlink()
            raise WeightsError(f"{sibling.rfilename} arrived damaged")
        done += sibling.size or 0
        yield Download("running", done, total)
    (target / "commit").write_text(commit + "\n")
    (target / "complete.partial").write_text(json.dumps(digests, indent=2))
    os.replace(target / "complete.partial", target / "complete.json")
    shutil.rmtree(target / ".cache", ignore_errors=True)
    yield Download("ready", done, total)


def _print_fetch(name: str) -> int:
    """Print the download's states as JSON lines; bytes of the file under way are read off the growing folder."""
    entry, state, ended = weights.find(name), Download("running"), threading.Event()

    def report_growth() -> None:
        while not ended.wait(0.5):
            size = sum(p.stat().st_size for p in weights.hub_path(entry).rglob("*") if p.is_file())
            _print_state(replace(state, bytes_done=min(size, state.bytes_total)))

    threading.Thread(target=report_growth, daemon=True).start()
    try:
        for state in _fetch(name):
            _print_state(state)
    except WeightsError as error:
        state = Download("failed", reason=str(error))
    except Exception as error:  # the hub client raises many types; the visitor needs the kind, not the trace
        state = Download("failed", reason=f"the hub cannot be reached or refused ({type(error).__name__})")
    ended.set()
    _print_state(state)
    return 0 if state.status == "ready" else 1


def _print_state(state: Download) -> None:
    sys.stdout.write(json.dumps(state.__dict__) + "\n")  # one write: two threads report, and lines must not mix
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(_print_fetch(sys.argv[1]))
