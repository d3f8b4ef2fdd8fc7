"""For whoever runs the app: it answers at once, says when it is ready, gives figures, and logs no word of visitors."""

import json
import subprocess
import sys
import time

import httpx
import pytest

from tests.abuse.visitors import LIGHT, Visitor
from tests.conftest import ROOT, free_port, running_app


def test_health_is_answered_while_the_app_still_starts():
    port = free_port()
    began = time.monotonic()
    app = subprocess.Popen([sys.executable, "app.py", "--port", str(port)], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
                break
            except httpx.TransportError:
                assert time.monotonic() - began < 30
                time.sleep(0.02)
        assert answer.json()["status"] == "up"
        assert answer.json().get("starting"), "answered before Gradio was there"
        early = httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
        assert (early.status_code, early.headers["retry-after"]) == (503, "1")
        assert "starting" in early.text
    finally:
        app.kill()
        app.wait()


def test_figures_for_prometheus(app_url):
    with Visitor(app_url) as visitor:
        assert visitor.event(*LIGHT)[0]
    text = httpx.get(f"{app_url}/metrics").text
    assert 'glassbox_event_seconds_count{endpoint="sequences_next",outcome="success"}' in text
    for name in ("waiting", "running", "open", "kept_bytes", "sessions", "model_bytes", "answers", "refusals"):
        assert f"# TYPE glassbox_{name}" in text
    panels = json.loads((ROOT / "deploy" / "grafana.json").read_text())["panels"]
    asked = {word for panel in panels for target in panel["targets"] for word in names_in(target["expr"])}
    assert asked
    assert all(f"# TYPE {name}" in text or f"# TYPE {name.removesuffix('_total')}" in text for name in asked), asked


def names_in(expression):
    words = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in expression).split()
    for word in words:
        if word.startswith(("glassbox_", "process_")):
            yield word.removesuffix("_bucket").removesuffix("_count")


def test_figures_are_not_given_through_a_proxy(app_url):
    assert httpx.get(f"{app_url}/metrics", headers={"x-forwarded-for": "1.2.3.4"}).status_code == 403


@pytest.mark.thorough
def test_one_line_a_job_and_no_word_of_the_visitor():
    secret = "Wombat in the attic"
    with running_app("--models", "embedded") as url, Visitor(url) as visitor:
        assert visitor.event("sequences_next", [secret, "char-lstm", 5])[0]
        assert not visitor.event("sequences_next", [secret, "Wombat-lstm", 5])[0]
        port = url.rsplit(":", 1)[1]
        time.sleep(0.5)
        log = (ROOT / "artefacts" / f"app-{port}.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith('{"job"')]
    assert {"job", "lane", "waited", "seconds", "outcome"} == set(lines[-1])
    assert [line["outcome"] for line in lines] == ["success", "failed"]
    assert "Wombat" not in log


@pytest.mark.thorough
@pytest.mark.parametrize("prefix", ["", "/glassbox"])
def test_pages_and_assets_behind_a_prefix(prefix):
    """A proxy may leave the prefix in the path or take it away; both lead to the same door."""
    with running_app("--models", "embedded", "--root-path", "/glassbox") as url:
        page = httpx.get(f"{url}{prefix}/", headers={"accept-encoding": "br"})
        assert page.status_code == 200
        assert page.headers["content-encoding"] == "br"
        assert f'"root":"{url}/glassbox"' in page.text
        again = httpx.get(f"{url}{prefix}/", headers={"if-none-match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        script = page.text.split('src="./', 1)[1].split('"', 1)[0]
        asset = httpx.get(f"{url}{prefix}/{script}", headers={"accept-encoding": "gzip"})
        assert asset.headers["content-encoding"] == "gzip"
        assert "immutable" in asset.headers["cache-control"]
        assert httpx.post(f"{url}{prefix}/gradio_api/process_recording").status_code == 404
