"""Other spellings and other floods of what was once seen: raw requests as no client library would write them."""

import gzip
import socket
import threading
import time
import uuid
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from demos.door.connections import CONNECTIONS_AN_ADDRESS
from demos.door.queue import PLACES_AN_ADDRESS
from demos.door.visitors import NEW_PAGES_A_MINUTE
from tests.abuse.test_shares import HEAVY, NOTICED_SECONDS, light_seconds, meanwhile, wait_until
from tests.abuse.visitors import FORBIDDEN, LIGHT, Visitor, sentence_of
from tests.conftest import running_app

pytestmark = pytest.mark.thorough

BODY = b'{"data": ["hi", "char-lstm", 1]}'
JSON = b"content-type: application/json\r\n"
CALL = "/gradio_api/call/sequences_next"
FLOOD, NEIGHBOUR, FORGER = "127.0.2.2", "127.0.2.3", "127.0.2.4"


@pytest.fixture(scope="module")
def app():
    with running_app("--models", "embedded") as url:
        with Visitor(url, NEIGHBOUR) as first:
            assert first.event(*LIGHT)[0]
        yield url


@pytest.fixture
def neighbour(app):
    with Visitor(app, NEIGHBOUR) as one:
        yield one


def exchanged(url, sent, address="127.0.0.1"):
    """What the server answers to these bytes, until it closes or has said its status."""
    target = urlsplit(url)
    with socket.create_connection((target.hostname, target.port), source_address=(address, 0)) as one:
        one.settimeout(30)
        one.sendall(sent)
        answer = b""
        with suppress(ConnectionResetError):
            while piece := one.recv(65536):
                answer += piece
        return answer


def posted(url, path=CALL, headers=JSON, body=BODY, *, length=True):
    host = f"host: {urlsplit(url).netloc}\r\nconnection: close\r\n".encode()
    length = b"content-length: %d\r\n" % len(body) if length else b""
    return exchanged(
        url, b"POST " + path.encode("latin-1") + b" HTTP/1.1\r\n" + host + headers + length + b"\r\n" + body
    )


def got(url, path, method="GET"):
    host = f"host: {urlsplit(url).netloc}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    return exchanged(url, f"{method} {path} HTTP/1.1\r\n{host}".encode("latin-1"))


def status_of(answer):
    """The status, after looking whether anything of the inside is told."""
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    if not answer.startswith(b"HTTP/1.1 200"):
        assert not any(word.encode() in answer for word in FORBIDDEN), answer[:500]
    return int(answer.split()[1])


CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
SPELLINGS = {
    "the one spelling": (JSON, 200),
    "a tab before it": (b"content-type:\tapplication/json\r\n", 200),
    "twice": (JSON + JSON, 415),
    "twice, the other first": (b"content-type: text/plain\r\n" + JSON, 415),
    "two in one": (b"content-type: application/json, text/plain\r\n", 415),
    "a space of another alphabet": (b"content-type: application/json\xa0\r\n", 415),
    "two charsets": (b"content-type: application/json; charset=utf-8; charset=utf-16\r\n", 415),
    "a charset in quotes": (b'content-type: application/json; charset="utf-7"\r\n', 415),
    "more than json": (b"content-type: application/json+x\r\n", 415),
    "any": (b"content-type: application/*\r\n", 415),
    "over two lines": (b"content-type: application/\r\n json\r\n", 415),
    "a zero byte": (b"content-type: application/json\0\r\n", 400),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_media_types(app_url, spelling):
    headers, status = SPELLINGS[spelling]
    assert status_of(posted(app_url, headers=headers)) == status


FRAMINGS = {
    "chunked": (b"transfer-encoding: chunked\r\n", CHUNKED, (200,)),
    "chunked, with another length": (b"transfer-encoding: chunked\r\ncontent-length: 3\r\n", CHUNKED, (200, 400)),
    "gzip and chunked": (b"transfer-encoding: gzip, chunked\r\n", CHUNKED, (400, 501)),
    "chunked twice": (b"transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n", CHUNKED, (400, 501)),
    "a chunk of many words": (b"transfer-encoding: chunked\r\n", b"1;" + b"x" * 200_000 + b"\r\n{\r\n", (400,)),
    "two lengths": (b"content-length: 3\r\ncontent-length: 4\r\n", BODY, (400,)),
    "a length below nothing": (b"content-length: -1\r\n", BODY, (400,)),
    "a length with a sign": (b"content-length: +29\r\n", BODY, (400,)),
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_bodies_framed_in_two_ways(app_url, framing):
    headers, body, statuses = FRAMINGS[framing]
    assert status_of(posted(app_url, headers=JSON + headers, body=body, length=False)) in statuses


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"gzip, gzip"])
def test_a_compressed_body_is_not_unpacked(app_url, encoding):
    packed = gzip.compress(b'{"data": ["' + b"a" * 20_000_000 + b'"]}')
    assert status_of(posted(app_url, headers=JSON + b"content-encoding: " + encoding + b"\r\n", body=packed)) == 422


def test_what_follows_an_ambiguous_request_is_no_request(app_url):
    hidden = b"0\r\n\r\nGET /gradio_api/app_id HTTP/1.1\r\nhost: a\r\n\r\n"
    headers = JSON + b"content-length: 4\r\ntransfer-encoding: chunked\r\n"
    answer = posted(app_url, headers=headers, body=hidden, length=False)
    assert status_of(answer) in (400, 422)
    assert b"app_id" not in answer


CALLS = {
    "/GRADIO_API/call/sequences_next": 404,
    "/gradio_api/CALL/sequences_next": 404,
    "/gradio_api//call/sequences_next": 404,
    "//gradio_api/call/sequences_next": 404,
    "/gradio_api/call/sequences_next//": 404,
    "/gradio_api/./call/sequences_next": 404,
    "/x/../gradio_api/call/sequences_next": 404,
    "/gradio_api/call/sequences_next%00": 404,
    "/gradio_api/call/sequences_next%0a": 404,
    "/gradio_api/call/sequences%255fnext": 404,
    "/gradio_api/call/sequences_next%3fa": 404,
    "/gradio_api/call/sequences_next;a": 404,
    "/gradio_api/call/v2/sequences_next": 405,
    "/gradio_api/run/sequences_next/": 404,
    "/gradio_api/api/sequences_next": 404,
    "/gradio_api/call/" + "a" * 20_000: 404,
    "http://evil.example/gradio_api/call/sequences_next": 404,
    "/gradio_api/%63all/sequences_next": 200,
    "/gradio_api/call/sequences_next?session_hash=a": 200,
}


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path[:50])
def test_doors_by_other_spellings(app_url, path):
    """What is let in by another spelling of the same door passes the same checks: paths are read once."""
    assert status_of(posted(app_url, path)) == CALLS[path]
    if CALLS[path] == 200:
        body = b'{"data": [{"path": "http://127.0.0.1:1/x"}]}'
        assert status_of(posted(app_url, path, body=body)) == 422


FILES = [
    "file%3D/etc/passwd",
    "file=%2Fetc%2Fpasswd",
    "file=%252Fetc%252Fpasswd",
    "file=..%2f..%2f..%2fetc%2fpasswd",
    "file=....//....//etc/passwd",
    "file=/proc/self/environ%00.png",
    "file=file:///etc/passwd",
    "file=%66ile:///etc/passwd",
    "file=%20http://127.0.0.1:1/",
    "file=%09http://127.0.0.1:1/",
    "file=//127.0.0.1:1/x",
    "file=\\\\127.0.0.1\\x",
    "file=C:/x",
    "file=./assets/manifest.json",
    "file=%2e/assets/manifest.json",
    "file=/dev/zero",
    "file=/proc/self/mem",
    "file=" + "a/" * 5000,
    "../app.py",
    "../assets/../../app.py",
    "../assets/%2e%2e/%2e%2e/app.py",
    "../static/..%2f..%2fapp.py",
    "../static//etc/passwd",
    "../ui/x/../../app.py",
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path[:40])
def test_files_by_other_spellings(app_url, path):
    path = path.removeprefix("..") if path.startswith("../") else f"/gradio_api/{path}"
    answer = got(app_url, path)
    assert status_of(answer) in (403, 404)
    assert b"root:" not in answer


METHODS = ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "FOO"]
PLACES = ["/gradio_api/upload", "/gradio_api/queue/data?session_hash=a", "/gradio_api/heartbeat/x", "/live/detection"]


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_methods_that_no_door_takes(app_url, method, path):
    assert status_of(got(app_url, path, method)) in (404, 405)


@pytest.mark.parametrize(
    "host",
    [
        "a</script><script>alert(1)</script>",
        "a" * 50_000,
        "a b",
        "a%0d%0ax",
        "a/b",
        "a@b",
        "a,b",
        "[::1",
        "a:999999",
        "é",
    ],
    ids=lambda host: host[:20],
)
@pytest.mark.parametrize("name", ["host", "x-forwarded-host"])
def test_hosts_that_cannot_be_one_get_no_page(app_url, name, host):
    heads = {"host": urlsplit(app_url).netloc} | {name: host}
    head = "".join(f"{key}: {value}\r\n" for key, value in heads.items())
    answer = exchanged(app_url, f"GET / HTTP/1.1\r\nconnection: close\r\n{head}\r\n".encode("latin-1"))
    assert status_of(answer) in (400, 431)
    assert b"<script" not in answer


@pytest.mark.parametrize("number", ["1" + "0" * 5000, "1e400", "-1e400", "0x10", "1_000", "٣", "1" * 300 + ".5"])
def test_numbers_of_any_size(app_url, number):
    answer = posted(app_url, body=f'{{"data": ["hi", "char-lstm", {number}]}}'.encode())
    assert status_of(answer) in (200, 422)


FORGED = {
    "x-forwarded-for": "10.0.0.{}, 10.1.0.{}",
    "forwarded": "for=10.0.0.{}",
    "x-real-ip": "10.0.0.{}",
    "cf-connecting-ip": "10.0.0.{}",
    "true-client-ip": "10.0.0.{}",
    "x-client-ip": "10.0.0.{}",
}


@pytest.mark.parametrize("name", FORGED)
def test_addresses_in_other_headers_are_nobodys(app, name):
    """All cases come from one address, so that together they take one visitor's places.

    Whoever were taken for another visitor each time would never be told to wait for their own events (429).
    """

    def status(number):
        headers = {name: FORGED[name].format(number, number)}
        body = {"data": HEAVY[1], "session_hash": uuid.uuid4().hex}
        return visitor.post(f"/call/{HEAVY[0]}", json=body, headers=headers).status_code

    with Visitor(app, FORGER) as visitor:
        assert 429 in map(status, range(2 * PLACES_AN_ADDRESS))


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host"])
def test_figures_are_not_given_through_any_proxy(app_url, name):
    sentence_of(httpx.get(f"{app_url}/metrics", headers={name: "a.example"}), 403)


def test_pages_for_many_hosts_are_made_for_a_few(app, neighbour):
    """Each new name of the host costs the making of a page of 2 MB."""
    statuses, began = [], time.monotonic()

    def attack(_):
        with Visitor(app, FLOOD) as flood:
            while 429 not in statuses and len(statuses) < 2 * NEW_PAGES_A_MINUTE:
                headers = {"host": f"h{len(statuses)}.example"}
                statuses.append(flood.get(f"{app}/config", headers=headers).status_code)

    with meanwhile(attack):
        wait_until(lambda: statuses)
        assert light_seconds(neighbour, 15) < NOTICED_SECONDS
    slower_than_its_share = time.monotonic() - began > 60 * len(statuses) / NEW_PAGES_A_MINUTE  # never too many at once
    assert set(statuses) == {200, 429} or (set(statuses) == {200} and slower_than_its_share)


def test_connections_that_say_nothing_are_few(app, neighbour):
    target = urlsplit(app)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_AN_ADDRESS + 50):
            stack.enter_context(socket.create_connection((target.hostname, target.port), source_address=(FLOOD, 0)))
        last = stack.enter_context(socket.create_connection((target.hostname, target.port), source_address=(FLOOD, 0)))
        last.settimeout(30)
        with suppress(ConnectionResetError):
            assert last.recv(10) == b""
        assert light_seconds(neighbour) < NOTICED_SECONDS


FLOODS = {
    "cancel": lambda one: one.post("/cancel", json={"session_hash": "a", "fn_index": 1, "event_id": uuid.uuid4().hex}),
    "reset": lambda one: one.post("/reset", json={"event_id": uuid.uuid4().hex}),
    "sessions": lambda one: one.begin(*LIGHT, session=uuid.uuid4().hex),
    "streams": lambda one: one.get(f"/call/sequences_next/{uuid.uuid4().hex}"),
    "files": lambda one: one.get("/file=" + "a" * 200),
    "uploads": lambda one: one.post("/upload", files={"files": ("ä\u202e.png", b"x" * 100_000)}),
    "live": lambda one: one.get("/../live/detection"),
    "deep": lambda one: one.post(
        "/queue/join", content=b'{"a":' * 20_000, headers={"content-type": "application/json"}
    ),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_storms_of_small_requests(app, neighbour, kind):
    """Four clients of one address ask as fast as they are answered."""
    statuses = []

    def attack(stop):
        with Visitor(app, FLOOD) as flood:
            while not stop.is_set():
                statuses.append(FLOODS[kind](flood).status_code)

    def all_of_them(stop):
        threads = [threading.Thread(target=attack, args=(stop,), daemon=True) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60)

    with meanwhile(all_of_them):
        wait_until(lambda: len(statuses) >= 4)
        assert light_seconds(neighbour) < NOTICED_SECONDS
    assert statuses
    assert not [status for status in statuses if status >= 500 and status not in (503, 507)]
