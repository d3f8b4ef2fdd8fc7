"""The live WebSocket used as no browser would: one clear sentence or a closed door, and nobody else pays for it."""

import io
import json
import struct
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from demos.detection.socket import HEADER, MAX_CONNECTIONS_AN_ADDRESS, MAX_SETTINGS_CHARS, MAX_UNREAD
from models.detection.classes import CLASSES

SCENE = Path(__file__).resolve().parents[2] / "assets" / "media" / "detection-1.png"
SETTINGS = {"model": "rf-detr-s14-objects"}
WAIT = 60


def jpeg(image=None, **how):
    buffer = io.BytesIO()
    (image or Image.open(SCENE).convert("RGB")).save(buffer, "JPEG", **{"quality": 85, **how})
    return buffer.getvalue()


FRAME = jpeg()


@pytest.fixture(autouse=True)
def app_goes_on(app_url):
    yield
    assert httpx.get(f"{app_url}/healthz", timeout=10).json()["status"] == "up"


@pytest.fixture
def address(app_url):
    return app_url.replace("http", "ws") + "/live/detection"


@contextmanager
def opened(address, settings=SETTINGS):
    with connect(address, max_size=None, close_timeout=2) as socket:
        socket.send(json.dumps(settings))
        assert receive(socket)["ready"]
        yield socket


def receive(socket):
    return json.loads(socket.recv(timeout=WAIT))


def frame(number, seen=0, seconds=None, data=FRAME):
    return HEADER.pack(number, seen, number / 15 if seconds is None else seconds) + data


def ask(socket, number, **how):
    socket.send(frame(number, seen=max(0, number - 1), **how))
    return receive(socket)


@pytest.mark.parametrize("origin", ["https://example.org", "http://127.0.0.1:1", "null", "http://[", "x" * 2000])
def test_pages_of_other_hosts_are_refused(address, origin):
    with pytest.raises(InvalidStatus) as refusal, connect(address, origin=origin):
        pass
    assert refusal.value.response.status_code == 403
    assert "pages of this host" in json.loads(refusal.value.response.body)["error"]


def test_pages_of_this_host_are_served(address, app_url):
    with connect(address, origin=app_url) as socket:
        socket.send(json.dumps(SETTINGS))
        assert receive(socket)["ready"]


def test_an_address_may_hold_a_few_connections(address):
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS_AN_ADDRESS):
            stack.enter_context(connect(address))
        with pytest.raises(InvalidStatus) as refusal, connect(address):
            pass
        assert refusal.value.response.status_code == 503
        assert "Too many" in json.loads(refusal.value.response.body)["error"]
    for _ in range(50):  # a closed connection is noticed soon, not at once
        try:
            with opened(address):
                return
        except InvalidStatus:
            time.sleep(0.1)
    raise AssertionError("closed connections still count")


def noise(side):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("", "empty"),
        ("{", "not valid JSON"),
        ("[" * 3000, "not valid JSON"),
        ("[1]", "JSON object"),
        ("null", "JSON object"),
        ("{}", "The model must be text"),
        (json.dumps({"model": "../rf-detr"}), "no such model"),
        (json.dumps({"model": "gpt2"}), "no such model"),
        (json.dumps(SETTINGS | {"track": "yes"}), "track must be true or false"),
        (json.dumps(SETTINGS | {"threshold": 2}), "The threshold must be"),
        ('{"model": "rf-detr-s14-objects", "threshold": NaN}', "The threshold must be"),
        (json.dumps(SETTINGS | {"line": [[0, 0], [0, 0]]}), "two points that lie apart"),
        (json.dumps(SETTINGS | {"line": [[0, 0], [2, 0]]}), "coordinate must be"),
        (json.dumps(SETTINGS | {"line": "across"}), "list of points"),
        (json.dumps(SETTINGS | {"zone": [[0, 0], [1, 1]]}), "3 to 20 corners"),
        (json.dumps(SETTINGS | {"zone": [[0, 0]] * 21}), "short list"),
        (json.dumps(SETTINGS | {"zone": [[0, None]] * 4}), "coordinate must be"),
        ("x" * (MAX_SETTINGS_CHARS + 1), "the limit is"),
        (b"", "header"),
        (b"\x00" * 16, "header"),
        (frame(1, data=b"x" * 300_001), "at most 300,000"),
        (frame(1), "Settings must come before"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else f"{len(value)} bytes",
)
def test_a_first_message_that_is_none_is_answered_with_a_sentence(address, message, sentence):
    with connect(address) as socket:
        socket.send(message)
        answer = receive(socket)
        assert list(answer) == ["error"]
        assert sentence in answer["error"]
        assert len(answer["error"]) < 250
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=WAIT)
        assert socket.close_code == 1008


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (frame(3, data=b"garbage" * 100), "must be a JPEG"),
        (frame(3, data=FRAME[:3000]), "damaged"),
        (frame(3, data=jpeg(progressive=True)), "baseline"),
        (frame(3, data=jpeg(Image.new("RGB", (1400, 700)))), "pixels a side"),
        (frame(3, data=jpeg(Image.new("RGB", (1000, 2)))), "long and thin"),
        (frame(2), "rising numbers"),
        (frame(3, seconds=float("nan")), "finite time"),
        (frame(3, seconds=float("inf")), "finite time"),
    ],
)
def test_a_faulty_frame_ends_the_connection_with_a_sentence(address, sent, sentence):
    with opened(address) as socket:
        assert ask(socket, 2)["boxes"]
        socket.send(sent)
        assert sentence in receive(socket)["error"]
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=WAIT)


def test_a_message_over_the_limit_closes_the_connection(address):
    with opened(address) as socket:
        socket.send(b"x" * 2**20)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=WAIT)
        assert socket.close_code == 1009


def test_strange_times_are_survived(address):
    with opened(address, SETTINGS | {"track": True}) as socket:
        times = [0.0, -1e308, -1e308, 5e-324, 1e308, 1e308, 0.1]
        for number, moment in enumerate(times, 1):
            answer = ask(socket, number, seconds=moment)
            assert answer["boxes"]
            assert answer["counts"]["seen"].keys() <= set(CLASSES)


def test_a_client_that_floods_leaves_the_others_their_share(address):
    with opened(address) as flood, opened(address) as honest:
        ask(honest, 1)
        flooded = 0
        rounds = 6
        for number in range(2, 2 + rounds):
            for _ in range(5):
                flooded += 1
                flood.send(frame(flooded, seen=flooded - 1))
            assert ask(honest, number)["boxes"]
        answers = [receive(flood) for _ in range(flooded)]
        done = sum("boxes" in answer for answer in answers)
        assert done + sum(answer.get("dropped", False) for answer in answers) == flooded
        assert done <= 2 * rounds + 4  # those of the flood took turns with the honest ones


def test_a_client_that_never_reads_is_not_computed_for(address):
    with opened(address) as silent, opened(address) as honest:
        for number in range(1, 60):
            silent.send(frame(number, seen=0))
        for number in range(1, 4):  # by now the silent one is further behind than is served
            ask(honest, number)
        waits = []
        for number in range(4, 11):
            silent.send(frame(number + 100, seen=0))
            waits.append(ask(honest, number)["seconds"]["wait"])
        assert np.median(waits) < 0.02
        answers = [receive(silent) for _ in range(59)]
        assert sum("boxes" in answer for answer in answers) <= MAX_UNREAD


def test_the_header_is_the_documented_one():
    documented = (SCENE.parents[2] / "docs" / "live-transport.md").read_text()
    assert HEADER.size == struct.calcsize("<IId") == 16
    assert f"`{HEADER.format}`" in documented
