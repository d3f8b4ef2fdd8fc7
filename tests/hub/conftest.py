"""A hub of tiny checkpoints in their true formats, made here by transformers and diffusers themselves."""

import threading
import time
from collections.abc import Mapping

import pytest

from models import hub, hub_cache, hub_fetch, weights
from tests.hub.checkpoints import MAKERS
from tests.hub.stand_in import serving

FIRST_COMMIT = "1" * 40  # of the repositories that the catalogue does not pin


class Repositories(Mapping):
    """`{"owner/name": (commit, folder)}`; a checkpoint is made when it is first asked for."""

    def __init__(self, folder):
        self._folder, self._lock = folder, threading.Lock()
        self._names = {weights.CATALOGUE[name].origin: name for name in MAKERS}

    def __getitem__(self, origin):
        name = self._names[origin]
        folder = self._folder / name
        with self._lock:
            if not folder.exists():
                MAKERS[name](folder)
        revision = weights.CATALOGUE[name].revision
        return (revision if hub_cache.COMMIT.fullmatch(revision) else FIRST_COMMIT), folder

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)


@pytest.fixture(scope="session")
def repositories(tmp_path_factory):
    return Repositories(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def stand_in(repositories, monkeypatch, tmp_path):
    """The stand-in hub, an empty cache for what comes from it, and no memory of earlier downloads."""
    with serving(repositories) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(hub, "_downloads", {})
        monkeypatch.setattr(hub, "_children", {})
        yield server


@pytest.fixture
def fetch():
    """`fetch(name)`: start the download and wait until it has ended one way or the other."""

    def fetch_(name, seconds=60):
        hub.start(name)
        deadline = time.monotonic() + seconds
        while hub.state_of(name).status == "running" and time.monotonic() < deadline:
            time.sleep(0.05)
        return hub.state_of(name)

    return fetch_


@pytest.fixture
def fetched(endpoint, monkeypatch):
    """`fetched(name)`: all states of a download in this process, without pauses between attempts."""
    monkeypatch.setattr(hub_fetch.time, "sleep", lambda _: None)
    return lambda name: list(hub_fetch.fetch(name))


@pytest.fixture
def endpoint(stand_in, monkeypatch):
    """The hub's client reads its settings when it is imported; children of the app read them anew."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", stand_in.url)
    template = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", stand_in.url + template)
