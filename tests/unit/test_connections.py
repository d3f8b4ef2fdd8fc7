"""Connections alone: one that says nothing, one that reads nothing, too many of one address."""

import socket
import time
from contextlib import contextmanager

import pytest
import uvicorn

from demos.door import connections
from demos.door.connections import OPEN, PatientProtocol
from demos.door.front import Front

LARGE = 20_000_000
ME, OTHER = "127.0.0.1", "127.0.0.9"


async def answer(scope, receive, send):
    size = LARGE if scope["path"] == "/large" else 2
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(size).encode())]})
    await send({"type": "http.response.body", "body": b"x" * size})


@pytest.fixture(scope="module")
def front():
    with socket.socket() as probe:
        probe.bind((ME, 0))
        port = probe.getsockname()[1]
    served = Front(ME, port)
    served._app = answer
    served.open()
    yield served
    served.close()


@contextmanager
def connected(front, address=ME):
    with socket.create_connection((ME, front.port), source_address=(address, 0)) as one:
        one.settimeout(20)
        yield one


def is_ended(one):
    """Whether the server has closed it; waits for that."""
    try:
        return one.recv(100) == b""
    except ConnectionResetError:
        return True


def ask(one, path="/"):
    one.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode())


def test_the_server_speaks_through_it(front):
    assert isinstance(front, uvicorn.Server)
    assert front.config.http is PatientProtocol


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: a\r\nx: "])
def test_a_head_that_does_not_come_ends_the_connection(front, monkeypatch, begun):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with connected(front) as one:
        one.sendall(begun)
        assert is_ended(one)


def test_a_head_that_never_ends_is_not_waited_for_however_often_it_says_something(front, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with connected(front) as one:
        one.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(OSError):
            for _ in range(200):
                one.sendall(b"x: y\r\n")
                time.sleep(0.05)


def test_a_second_head_is_waited_for_as_the_first(front, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with connected(front) as one:
        ask(one)
        assert b"200 OK" in one.recv(1000)
        one.sendall(b"GET / HTTP/1.1\r\n")
        while not is_ended(one):
            pass


def test_an_answer_that_nobody_reads_is_given_up_and_one_read_slowly_is_not(front, monkeypatch):
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.5)
    with connected(front) as silent, connected(front) as slow:
        ask(silent, "/large")
        ask(slow, "/large")
        size = 0
        while size < LARGE:  # in pieces, with pauses shorter than the patience
            time.sleep(0.02)
            piece = slow.recv(200_000)
            assert piece, f"given up after {size} bytes"
            size += len(piece)
        deadline = time.monotonic() + 20
        while OPEN[ME] > 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_one_address_may_hold_so_many_and_others_still_some(front, monkeypatch):
    deadline = time.monotonic() + 20
    while OPEN.total():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    monkeypatch.setattr(connections, "CONNECTIONS_AN_ADDRESS", 3)
    with connected(front) as a, connected(front) as b, connected(front) as c, connected(front) as d:
        assert is_ended(d)
        with connected(front, OTHER) as other:
            ask(other)
            assert b"200 OK" in other.recv(1000)
        ask(a), ask(b), ask(c)
        assert all(b"200 OK" in one.recv(1000) for one in (a, b, c))
