"""Two readers of one request would disagree somewhere: one spelling of everything, and nothing is fetched."""

import socket
import threading

import httpx
import pytest

from demos.door.answers import NOT_HERE
from tests.abuse.visitors import Visitor, sentence_of


@pytest.fixture(scope="module")
def visitor(app_url):
    with Visitor(app_url) as one:
        yield one


@pytest.fixture
def canary():
    """Address of a server that must never be asked, and how often it was."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                asked.append(1)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", asked
        listening.shutdown(socket.SHUT_RDWR)


TYPES = [
    "Application/X+JSON",
    "application/x+json",
    "application/vnd.api+json",
    "text/plain",
    "text/plain;charset=UTF-8",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/octet-stream",
    "",
    None,
]
WRITTEN = ["call/vit_classify", "queue/join", "component_server", "component_server/", "cancel", "run/predict", "reset"]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("place", WRITTEN)
def test_one_media_type_or_none(visitor, place, kind, canary):
    where, asked = canary
    body = f'{{"data": [{{"path": "http://{where}/x.png", "meta": {{"_type": "gradio.FileData"}}}}]}}'
    headers = {} if kind is None else {"content-type": kind}
    sentence_of(visitor.post(f"/{place}", content=body, headers=headers), 415)
    assert not asked


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "APPLICATION/JSON;CHARSET=utf-8"])
@pytest.mark.parametrize("spelling", ["http://{}/x", "HTTP://{}/x", " http://{}/x", "//{}/x", "ftp://{}/x"])
def test_however_it_is_spelt_no_address_is_fetched(visitor, kind, spelling, canary):
    where, asked = canary
    file = f'{{"path": "{spelling.format(where)}", "meta": {{"_type": "gradio.FileData"}}}}'
    for place in ("call/vit_classify", "call/vit_finetune"):
        body = f'{{"data": [{file}]}}'
        answer = visitor.post(f"/{place}", content=body, headers={"content-type": kind})
        assert "upload" in sentence_of(answer, 422)
    assert not asked


@pytest.mark.parametrize("place", ["file=http://{}/x", "file=https://{}/x", "file=HTTP://{}/", "file=ftp://{}/a"])
def test_the_relay_is_closed(visitor, place, canary):
    where, asked = canary
    assert sentence_of(visitor.get(f"/{place.format(where)}"), 404) == NOT_HERE
    assert not asked


def test_gradios_own_ways_to_fetch_are_replaced():
    from gradio import processing_utils, routes

    from demos.door.launch import refuse_fetching
    from models.errors import InputError

    refuse_fetching()
    with pytest.raises(InputError):
        processing_utils.save_url_to_cache("http://127.0.0.1:1/x", "/tmp")
    with pytest.raises(InputError):
        processing_utils.ssrf_protected_download("http://127.0.0.1:1/x", "/tmp")
    for function in (processing_utils.async_ssrf_protected_download, routes.secure_url_stream_response):
        with pytest.raises(InputError):
            function("http://127.0.0.1:1/x", "/tmp").send(None)


CLOSED = [
    ("POST", "/gradio_api/process_recording"),
    ("POST", "/gradio_api/process_recording/"),
    ("POST", "/gradio_api/stream/0a1b"),
    ("POST", "/gradio_api/stream/0a1b/close"),
    ("POST", "/gradio_api/vibe-edit"),
    ("POST", "/gradio_api/run-history/connect"),
    ("POST", "/login"),
    ("GET", "/logout"),
    ("GET", "/monitoring"),
    ("GET", "/monitoring/summary"),
    ("GET", "/monitoring/key"),
    ("GET", "/gradio_api/deep_link?session_hash=a"),
    ("GET", "/gradio_api/dev/reload"),
    ("GET", "/gradio_api/proxy=https://example.hf.space/x"),
    ("GET", "/gradio_api/file/app.py"),
    ("GET", "/gradio_api/runs"),
    ("GET", "/gradio_api/custom_component/a/client/b/c.js"),
    ("GET", "/svelte/x.js"),
    ("GET", "/docs"),
    ("GET", "/gradio_api/stream/a/b/1/playlist.m3u8"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_doors_that_nothing_here_uses_are_closed(app_url, method, path):
    form = {"files": {"video": ("a.mp4", b"x")}} if method == "POST" else {}
    assert sentence_of(httpx.request(method, app_url + path, **form), 404) == NOT_HERE


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(app_url, method):
    sentence_of(httpx.request(method, app_url + "/gradio_api/queue/join"), 404, 405)


@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://127.0.0.1:1", "http://127.0.0.1"])
@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
@pytest.mark.parametrize("place", WRITTEN)
def test_pages_of_other_hosts_may_not_write(visitor, place, kind, origin):
    answer = visitor.post(f"/{place}", content=b"{}", headers={"content-type": kind, "origin": origin})
    assert "this host" in sentence_of(answer, 403)


def test_pages_of_other_hosts_may_not_upload(visitor):
    answer = visitor.post("/upload", files={"files": ("a.png", b"x")}, headers={"origin": "https://example.org"})
    assert "this host" in sentence_of(answer, 403)


def test_pages_of_this_host_may(app_url, visitor):
    own = {"origin": app_url}
    assert visitor.post("/upload", files={"files": ("a.png", b"x")}, headers=own).status_code == 200
    body = {"data": ["hi", "char-lstm", 1]}
    assert visitor.post("/call/sequences_next", json=body, headers=own).status_code == 200


def test_a_page_under_a_foreign_name_of_the_host_changes_nothing_for_others(app_url):
    """The page names its own address by the Host header; what is kept for one name is not given to another."""
    evil = httpx.get(app_url, headers={"host": "evil.example"}, timeout=60).text
    assert "evil.example" in evil
    assert "evil.example" not in httpx.get(app_url, timeout=60).text
