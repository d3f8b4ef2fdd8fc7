"""What is said: 404 for what does not exist, 500 for our defects, 507 for a full disk; nothing is echoed at length."""

import json
import os

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demos.door.answers import NOT_HERE
from demos.sentences import DEFECT, DISK_FULL
from tests.abuse.visitors import Visitor, read_stream, sentence_of
from tests.loops import run

HTML = "<img src=x onerror=alert(1)>"
LONG = "x" * 900_000


@pytest.fixture(scope="module")
def visitor(app_url):
    with Visitor(app_url) as one:
        yield one


@pytest.fixture(autouse=True)
def app_goes_on(app_url):
    yield
    assert httpx.get(f"{app_url}/healthz", timeout=10).json()["status"] == "up"


UNKNOWN = [
    ("/call/nothing", {"data": []}),
    ("/run/nothing", {"data": []}),
    (f"/call/{'n' * 3000}", {"data": []}),
    ("/queue/join", {"data": [], "fn_index": 10**6, "session_hash": "a"}),
    ("/queue/join", {"data": [], "fn_index": -1, "session_hash": "a"}),
    ("/component_server", {"data": [], "component_id": 10**6, "fn_name": "x", "session_hash": "a"}),
]


@pytest.mark.parametrize(("path", "content"), UNKNOWN)
def test_what_does_not_exist_is_404(visitor, path, content):
    assert sentence_of(visitor.post(path, json=content), 404) == NOT_HERE


MISFITS = [
    ("/queue/join", {"data": LONG, "fn_index": 1, "session_hash": "a"}),
    ("/queue/join", {"data": [], "fn_index": LONG, "session_hash": "a"}),
    ("/queue/join", {"data": [], "fn_index": [1], "session_hash": "a"}),
    ("/queue/join", {"data": [], "fn_index": 1, "session_hash": LONG}),
    ("/queue/join", {"data": [], "fn_index": 1, "session_hash": ["a"]}),
    ("/queue/join", {"data": [], "fn_index": 1}),
    ("/queue/join", {"data": [], "session_hash": "a"}),
    ("/call/vit_trace", {"data": {"a": LONG}}),
    ("/call/vit_trace", {}),
    ("/component_server", {"data": [LONG], "component_id": {"a": 1}, "fn_name": "x", "session_hash": "a"}),
    ("/component_server", {"component_id": 1, "session_hash": "a"}),
    ("/cancel", {"session_hash": LONG}),
    ("/cancel", {"session_hash": "a", "fn_index": "b", "event_id": LONG}),
]


@pytest.mark.parametrize(("path", "content"), MISFITS)
def test_what_does_not_fit_is_said_in_one_short_sentence(visitor, path, content):
    answer = visitor.post(path, json=content)
    assert "xxxxx" not in sentence_of(answer, 400, 404, 422)
    assert len(answer.content) < 2000


@pytest.mark.parametrize("name", [HTML, LONG[:5000], HTML * 20, "a\ud800b", "שלום\u202e"])
@pytest.mark.parametrize("endpoint", ["sequences_memory", "attention_trace", "vit_trace"])
def test_what_is_repeated_is_escaped_and_short(visitor, endpoint, name):
    body = json.dumps({"data": ["hi", name, 5] if endpoint != "vit_trace" else [None, name, 0]}).encode()
    answer = visitor.post(f"/call/{endpoint}", content=body, headers={"content-type": "application/json"})
    event = answer.json()["event_id"]
    ended_well, payload = read_stream(visitor.get(f"/call/{endpoint}/{event}").text)
    assert not ended_well
    assert "<img" not in payload["error"]
    assert len(payload["error"]) < 400


@pytest.mark.parametrize("name", [HTML + ".png", "\udce9.png", "x" * 3000 + ".png", "../../a.png", "a\0b.png", "con"])
def test_names_of_files_do_no_harm(visitor, name):
    part = name.encode("utf-8", "surrogateescape")
    body = b'--b\r\nContent-Disposition: form-data; name="files"; filename="' + part + b'"\r\n\r\nx\r\n--b--\r\n'
    answer = visitor.post("/upload", content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    if answer.status_code != 200:
        sentence_of(answer, 400, 422)
        return
    path = answer.json()[0]
    assert "<" not in path
    assert ".." not in path
    file = {"path": path, "orig_name": HTML, "meta": {"_type": "gradio.FileData"}}
    ended_well, payload = visitor.event("vit_classify", [file])
    assert not ended_well
    assert "<img" not in payload["error"]


@pytest.mark.parametrize("path", ["/gradio_api/file=/proc/self/environ", "/gradio_api/file=" + "a" * 3000])
def test_a_file_that_may_not_be_read_is_not_named_again(app_url, path):
    answer = httpx.get(app_url + path)
    assert "aaaaa" * 21 not in sentence_of(answer, 403, 404)


def test_a_full_disk_is_507_and_passes(app_url, tmp_path_factory, monkeypatch):
    """The door asks how much room is left; where there is none it says so, and only uploads are concerned."""
    from demos.door import sweep
    from demos.door.answers import Refused

    kept = sweep.KeptFiles(tmp_path_factory.mktemp("kept"), list)
    monkeypatch.setattr(sweep, "LEFT_FREE_BYTES", 2**60)
    with pytest.raises(Refused) as refusal:
        kept.check_room("a", 1)
    assert (refusal.value.status, refusal.value.sentence) == (507, DISK_FULL)
    monkeypatch.undo()
    kept.check_room("a", 1)


def test_a_defect_is_500_and_says_so():
    from demos.door.gate import Gate
    from demos.door.visitors import Ledger

    async def broken(scope, receive, send):
        raise OSError(28, "full") if scope["query_string"] else RuntimeError("secret at /root/x.py")

    gate = Gate.__new__(Gate)
    gate.app, gate._own, gate._root_path, gate._proxies, gate.ledger = broken, [], "", 0, Ledger()
    sent = []

    async def send(message):
        sent.append(message)

    for query, status, sentence in ((b"", 500, DEFECT), (b"a=1", 507, DISK_FULL)):
        sent.clear()
        scope = {"type": "http", "method": "GET", "path": "/gradio_api/app_id", "headers": [], "query_string": query}
        run(gate(scope, None, send))
        assert sent[0]["status"] == status
        assert json.loads(sent[1]["body"])["error"] == sentence


# Whatever is sent.
PLACES = ["queue/join", "cancel", "component_server", "call/sequences_next", "call/vit_trace", "run/predict", "upload"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from([HTML, "a\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["data", "fn_index", "session_hash", "event_id", "component_id", "fn_name", "path", "meta", "trigger_id", "url"]
)
BODIES = (
    st.dictionaries(KEYS, VALUES, max_size=6).map(lambda content: json.dumps(content).encode())
    | VALUES.map(lambda content: json.dumps(content).encode())
    | st.binary(max_size=200)
)
KINDS = st.sampled_from(["application/json"] * 6 + ["text/plain", "multipart/form-data; boundary=b", ""])


def check_anything(visitor, place, body, kind):
    """No answer is a failure of ours, shows anything of the inside, or is long."""
    answer = visitor.post(f"/{place}", content=body, headers={"content-type": kind})
    if answer.status_code >= 400:
        sentence_of(answer, *range(400, 500), 503, 507)


ANYTHING = given(st.sampled_from(PLACES), BODIES, KINDS)
SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@ANYTHING
@settings(max_examples=150, **SETTINGS)
def test_whatever_is_sent_gets_an_answer(visitor, place, body, kind):
    check_anything(visitor, place, body, kind)


@pytest.mark.slow
@ANYTHING
@settings(max_examples=int(os.environ.get("GLASSBOX_CASES", "2000")), **SETTINGS)
def test_whatever_is_sent_gets_an_answer_2000_times(visitor, place, body, kind):
    check_anything(visitor, place, body, kind)
