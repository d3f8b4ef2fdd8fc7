"""One connection of the live transport, with a client of our own making on its other end: silence, haste, deaf ears."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from demos.detection import socket as live
from demos.detection.frames import Stream
from demos.detection.socket import HEADER, Visit, is_same_host
from models.compute import Run

SETTINGS = {"type": "websocket.receive", "text": json.dumps({"model": "any"})}


class Client:
    """Sends `messages`, then is silent; keeps what it is told. A deaf one lets the server wait for ever.

    A message that is a dictionary of a `told` answer is not sent: the client waits until it was told that.
    """

    def __init__(self, messages=(), deaf=False):
        self.messages, self.deaf = list(messages), deaf
        self.told, self.closed = [], None

    async def receive(self):
        if not self.messages:
            await asyncio.Event().wait()
        message = self.messages.pop(0)
        while "told" in message and message["told"] not in self.told:
            await asyncio.sleep(0.01)
        return await self.receive() if "told" in message else message

    async def send_text(self, text):
        if self.deaf:
            await asyncio.Event().wait()
        self.told.append(json.loads(text))

    async def close(self, code):
        self.closed = code


def frame(number, seen=0):
    return {"type": "websocket.receive", "bytes": HEADER.pack(number, seen, number / 10) + b"jpeg %d" % number}


LEAVE = {"type": "websocket.disconnect", "code": 1000}


@pytest.fixture
def served(monkeypatch):
    """`served(client)` runs a visit whose frames are answered at once; returns the frames that were computed."""
    computed = []
    stream = Stream("any", "", 504, Run("any", "Any", 1, "embedded", "cpu", 0.0))
    monkeypatch.setattr(live, "_stream_with", lambda *_: stream)
    monkeypatch.setattr(Stream, "facts", lambda self: {"facts": []})
    monkeypatch.setattr(live, "detect", lambda stream, jpeg, arrived: computed.append(jpeg) or "found")

    monkeypatch.setattr(live, "answer", lambda found, **_: {"boxes": []})

    def run(client):
        with ThreadPoolExecutor(1) as thread:  # the browser tests leave an event loop in this one
            thread.submit(lambda: asyncio.run(asyncio.wait_for(Visit(client).run(), 20))).result()
        return computed

    return run


def test_silence_ends_a_connection(served, monkeypatch):
    monkeypatch.setattr(live, "IDLE_SECONDS", 0.2)
    client = Client([SETTINGS])
    served(client)
    assert client.told == [{"ready": True, "facts": []}, {"error": "Nothing was sent for 0 seconds."}]
    assert client.closed == 1001


def test_a_client_that_takes_no_answer_is_let_go(served, monkeypatch):
    monkeypatch.setattr(live, "SEND_SECONDS", 0.2)
    began = time.monotonic()
    client = Client([SETTINGS], deaf=True)
    served(client)
    assert time.monotonic() - began < 5
    assert client.told == []


def test_haste_is_slowed_down(served, monkeypatch):
    monkeypatch.setattr(live, "MESSAGES_A_SECOND", 20)
    began = time.monotonic()
    served(Client([SETTINGS, *(frame(number, number - 1) for number in range(1, 11)), LEAVE]))
    assert time.monotonic() - began >= 10 / 20


def test_frames_beyond_what_was_read_are_dropped_uncomputed(served):
    dropped = {"frame": 20, "dropped": True}
    client = Client([SETTINGS, frame(1, 0), frame(20, 1), frame(21, 20), {"told": dropped}, LEAVE])
    computed = served(client)
    assert b"jpeg 20" not in computed
    assert dropped in client.told


def test_a_defect_is_an_apology(served, monkeypatch):
    monkeypatch.setattr(live, "read_settings", lambda text: 1 / 0)
    client = Client([SETTINGS])
    served(client)
    assert client.told == [{"error": "Something went wrong on our side; the app goes on."}]
    assert client.closed == 1008


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({}, True),
        ({"host": "a.org"}, True),
        ({"host": "a.org", "origin": "https://a.org"}, True),
        ({"host": "a.org:7860", "origin": "http://a.org:7860"}, True),
        ({"host": "10.0.0.1", "x-forwarded-host": "a.org", "origin": "https://a.org"}, True),
        ({"host": "a.org", "origin": "https://b.org"}, False),
        ({"host": "a.org", "origin": "https://a.org.b.org"}, False),
        ({"host": "a.org", "origin": "http://a.org:81"}, False),
        ({"host": "a.org", "origin": "null"}, False),
        ({"host": "a.org", "origin": ""}, False),
        ({"host": "", "origin": "null"}, False),
        ({"origin": "https://["}, False),
    ],
)
def test_only_pages_of_this_host_may_connect(headers, same):
    assert is_same_host(headers) is same
