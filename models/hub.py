"""Models from the hub: which are here, which are on their way, and asking for one in the background.

A child process downloads (`models/hub_fetch.py`), so that a hub that hangs can be given up: threads cannot be stopped,
children can. What has arrived stays in the hub's standard cache (`models/hub_cache.py`), so that the next attempt, or
another program, goes on from there.

    python -m models.hub NAME ...       fetch models of the catalogue now; without a name: list what there is
"""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace

from models import hub_cache, weights
from models.errors import InputError
from models.hub_fetch import Download, fetch, reason_of

ASKING: ContextVar[str] = ContextVar("ASKING", default="")
"""For whom the present code runs; whoever serves visitors sets it."""
MAX_DOWNLOADS_EACH, MAX_DOWNLOADS = 3, 6
STALL_SECONDS = float(os.environ.get("GLASSBOX_HUB_STALL_SECONDS", "30"))

_downloads: dict[str, Download] = {}
_children: dict[str, "subprocess.Popen[str]"] = {}
_lock = threading.Lock()


def state_of(name: str) -> Download:
    """What is known about a hub model, without asking the network."""
    with _lock:
        told = _downloads.get(name, Download("absent"))
    if told.status != "running" and hub_cache.is_whole(weights.find(name)):
        return Download("ready")
    return told if told.status != "ready" else Download("absent")


def is_here(name: str) -> bool:
    """Whether a model of the catalogue can be loaded now."""
    return weights.find(name).kind != "hub" or state_of(name).status == "ready"


def is_offline() -> bool:
    """Whether whoever runs the app has forbidden to ask the hub (`HF_HUB_OFFLINE`)."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


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
    if is_offline():
        return _remember(name, Download("failed", reason="HF_HUB_OFFLINE is set on this server"))
    with _lock:
        if _downloads.get(name, state).status == "running":
            return _downloads[name]
        running = [one.asked_by for one in _downloads.values() if one.status == "running"]
        if len(running) >= MAX_DOWNLOADS or (ASKING.get() and running.count(ASKING.get()) >= MAX_DOWNLOADS_EACH):
            raise InputError("Other models are on their way: ask again when one of them has arrived.")
        _downloads[name] = Download("running", state.bytes_done, state.bytes_total, asked_by=ASKING.get())
        _children[name] = subprocess.Popen(
            [sys.executable, "-m", "models.hub_fetch", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=weights.EMBEDDED.parent.parent,
        )
    threading.Thread(target=_watch, args=(name, _children[name]), daemon=True).start()
    if entry.beside:
        with suppress(InputError):  # it can be asked for again
            start(entry.beside)
    return Download("running")


def start_better() -> None:
    """Begin to fetch what every page would rather begin with, for a host who has asked for hub models."""
    for concept in weights.BETTER:
        start(weights.better_than_embedded(concept)[0])


def cancel(name: str) -> Download:
    """End a download; what has arrived stays for the next attempt. Returns the state."""
    with _lock:
        child = _children.pop(name, None)
        if child is not None:
            _downloads[name] = replace(_downloads[name], status="absent")
            child.kill()
    return state_of(name)


def _watch(name: str, child: "subprocess.Popen[str]") -> None:
    """Relay what the child says of its download, and end it when it had nothing new to say for `STALL_SECONDS`."""
    last_news, finished, stalled = time.monotonic(), threading.Event(), threading.Event()
    state = None

    def end_when_stalled() -> None:
        while not finished.wait(0.2):
            if state is not None and time.monotonic() - last_news > STALL_SECONDS:
                stalled.set()
                child.kill()
                return

    threading.Thread(target=end_when_stalled, daemon=True).start()
    assert child.stdout is not None
    for line in child.stdout:
        news = Download(**json.loads(line))
        if news != state:
            last_news, state = time.monotonic(), news
        if news.status == "running":
            _tell(name, child, news)
    finished.set()
    child.wait()
    state = state or Download("running")
    if stalled.is_set():
        state = replace(state, status="failed", reason=f"nothing arrived for {STALL_SECONDS:g} seconds")
    elif state.status not in ("ready", "failed"):
        state = replace(state, status="failed", reason="the download ended early")
    _tell(name, child, state, ended=True)


def _tell(name: str, child: "subprocess.Popen[str]", state: Download, *, ended: bool = False) -> None:
    """Remember what a child says, unless its download was cancelled."""
    with _lock:
        if _children.get(name) is not child:
            return
        if ended:
            del _children[name]
        _downloads[name] = replace(state, asked_by=_downloads[name].asked_by)


def _remember(name: str, state: Download) -> Download:
    with _lock:
        _downloads[name] = state
    return state


def describe(name: str) -> str:
    """One sentence on where a hub model stands."""
    state, title = state_of(name), weights.find(name).title
    share = (
        f", {state.bytes_done / state.bytes_total:.0%} of {state.bytes_total / 1e6:.0f} MB" if state.bytes_total else ""
    )
    return {
        "absent": f"{title} is not on this machine yet.",
        "running": f"{title} is being fetched from the hub{share}.",
        "failed": f"{title} could not be fetched from the hub: {state.reason}.",
        "ready": f"{title} is ready.",
    }[state.status]


def main(names: list[str]) -> int:
    """The command line described at the top of this module."""
    if not names:
        for entry in weights.CATALOGUE.values():
            if entry.kind == "hub":
                here = "here" if is_here(entry.name) else f"{entry.megabytes} MB"
                print(f"{entry.name:32} {here:>8}  {entry.title} ({entry.licence})")
        return 0
    return max(_fetch_now(weights.find(name)) for name in names)


def _fetch_now(entry: weights.Weights) -> int:
    """Fetch a model in this process and tell the terminal of it."""
    if entry.kind != "hub" or hub_cache.is_whole(entry):
        print(f"{entry.name}: here")
        return 0
    told = -1
    try:
        for state in fetch(entry.name):
            percent = 100 * state.bytes_done // max(1, state.bytes_total)
            if percent // 10 > told // 10:
                print(f"{entry.name}: {percent} % of {state.bytes_total / 1e6:.0f} MB", flush=True)
                told = percent
    except Exception as error:
        print(f"{entry.name}: {reason_of(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        sys.exit(str(error))
