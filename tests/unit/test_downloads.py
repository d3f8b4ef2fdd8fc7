"""How many downloads one visitor, and all together, may have on their way."""

import threading
from contextlib import contextmanager

import pytest

from models import hub, weights
from models.errors import InputError


@pytest.fixture
def names(monkeypatch, tmp_path):
    """Hub models that are not on this machine; a download begins and stays on its way, without a network."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setattr(hub, "_children", {})
    monkeypatch.setattr(hub, "_downloads", {})
    monkeypatch.setattr(threading, "Thread", lambda **_: NeverBegun())
    monkeypatch.setattr(hub.subprocess, "Popen", lambda *_, **__: None)
    found = [entry.name for entry in weights.CATALOGUE.values() if entry.kind == "hub"]
    assert len(found) > hub.MAX_DOWNLOADS
    return found


class NeverBegun:
    def start(self):
        return None


@contextmanager
def asked_by(visitor):
    token = hub.ASKING.set(visitor)
    try:
        yield
    finally:
        hub.ASKING.reset(token)


def test_one_visitor_may_begin_a_few_and_the_others_still_may(names):
    mine, other = names[: hub.MAX_DOWNLOADS_EACH], names[hub.MAX_DOWNLOADS_EACH]
    with asked_by("me"):
        assert [hub.start(name).status for name in mine] == ["running"] * len(mine)
        with pytest.raises(InputError, match="ask again when one of them has arrived"):
            hub.start(other)
        assert hub.start(mine[0]).status == "running", "one that is on its way may be asked for again"
    with asked_by("you"):
        assert hub.start(other).status == "running"


def test_all_visitors_together_may_begin_as_many_as_there_is_room_for(names):
    for number, name in enumerate(names[: hub.MAX_DOWNLOADS]):
        with asked_by(f"visitor {number}"):
            hub.start(name)
    with asked_by("one more"), pytest.raises(InputError, match="Other models are on their way"):
        hub.start(names[hub.MAX_DOWNLOADS])


def test_what_has_failed_or_arrived_takes_no_place(names):
    with asked_by("me"):
        for name in names[: hub.MAX_DOWNLOADS_EACH]:
            hub.start(name)
        hub._downloads[names[0]] = hub.Download("failed", reason="gone", asked_by="me")
        assert hub.start(names[hub.MAX_DOWNLOADS_EACH]).status == "running"
