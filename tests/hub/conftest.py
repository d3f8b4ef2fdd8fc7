"""A hub of tiny checkpoints in their true formats, made here by transformers and diffusers themselves."""

import time

import pytest

from models import hub, weights
from tests.hub.checkpoints import MAKERS
from tests.hub.stand_in import serving


@pytest.fixture(scope="session")
def repositories(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    made = {}
    for name, make in MAKERS.items():
        entry = weights.CATALOGUE[name]
        make(folder / name)
        made[entry.origin] = (entry.revision, folder / name)
    return made


@pytest.fixture
def stand_in(repositories, monkeypatch, tmp_path):
    """The stand-in hub, an empty cache for what comes from it, and no memory of earlier downloads."""
    with serving(repositories) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "0")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("GLASSBOX_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(hub, "_downloads", {})
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
