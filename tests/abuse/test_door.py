"""The raw API, used as no browser would: one clear sentence, the HTTP answer intact, the app goes on."""

import json

import httpx
import pytest

from demos.door.bodies import MAX_BODY_BYTES, MAX_UPLOAD_BODY_BYTES

TEXT_ENDPOINTS = [
    ("sequences_next", ["char-lstm", 5]),
    ("attention_trace", ["translator-en-fr"]),
    ("attention_translate", ["translator-en-fr", 1, ""]),
    ("attention_edit", ["book-gpt", [], [], [], [], [], True]),
]


def len_or_none(text):
    return f"{len(text)} characters" if isinstance(text, str) else None


FORBIDDEN = ("Traceback", 'File "', ".py", "/home/", "/root/", "Error(", "Exception")


@pytest.fixture(scope="module")
def api(app_url):
    with httpx.Client(base_url=f"{app_url}/gradio_api", timeout=60) as session:
        yield session


@pytest.fixture(autouse=True)
def app_goes_on(app_url):
    yield
    assert httpx.get(f"{app_url}/healthz", timeout=10).json()["status"] == "up"


def call(api, endpoint, *data):
    """Call an endpoint as any HTTP client may. Returns (ok, payload): its outputs, or the error's sentence."""
    answer = api.post(f"/call/{endpoint}", json={"data": list(data)})
    assert answer.status_code == 200, answer.text
    stream = api.get(f"/call/{endpoint}/{answer.json()['event_id']}").text
    event, payload = stream.strip().splitlines()[-2:]
    payload = json.loads(payload.removeprefix("data: "))
    if event == "event: complete":
        return True, payload
    assert event == "event: error", stream
    return False, payload["error"]


def refused(api, endpoint, *data):
    ok, sentence = call(api, endpoint, *data)
    assert not ok, sentence
    assert isinstance(sentence, str), "an error without a sentence"
    assert sentence.strip()
    assert len(sentence) < 300
    assert not any(word in sentence for word in FORBIDDEN), sentence
    return sentence


def uploaded(api, data, name="picture.png"):
    path = api.post("/upload", files={"files": (name, data)}).json()[0]
    return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


# Act first, 1: no file of the server can be read through an upload control.
@pytest.mark.parametrize("endpoint", ["vit_classify", "detection_detect", "detection_explain"])
@pytest.mark.parametrize("path", ["/proc/self/environ", "/etc/passwd", "../../app.py", "assets/manifest.json"])
def test_paths_outside_the_uploads_are_refused(api, endpoint, path):
    more = {"detection_detect": [0.5, []], "detection_explain": [0.5]}.get(endpoint, [])
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    refused(api, endpoint, file, *more)
    without_mark = api.post(f"/call/{endpoint}", json={"data": [{"path": path}, *more]})
    assert without_mark.status_code == 422


@pytest.mark.parametrize("key", ["page", "view", "deep_link", "at", "__theme", "all_endpoints", "anything"])
def test_any_query_gets_the_page(app_url, key):
    for address in ("/", "/config", "/gradio_api/info"):
        assert httpx.get(app_url + address, params={key: "no page of ours"}, timeout=60).status_code == 200, address


def test_files_of_the_project_are_not_served(app_url):
    for path in ("app.py", "assets/manifest.json", "/proc/self/environ", "../app.py"):
        assert httpx.get(f"{app_url}/gradio_api/file={path}").status_code in (403, 404)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x.png", "https://example.org/x.png", "//example.org/x.png"])
def test_files_given_as_web_addresses_are_refused(api, address):
    file = {"path": address, "url": address, "meta": {"_type": "gradio.FileData"}}
    answer = api.post("/call/vit_classify", json={"data": [file]})
    assert answer.status_code == 422
    assert "upload" in answer.json()["error"]


# Act first, 2: the queue and its limits cannot be passed by.
@pytest.mark.parametrize(
    "name",
    ["sequences_next", "sequences_sample", "sequences_caption", "attention_trace", "attention_edit", "vit_classify"],
)
def test_direct_posts_past_the_queue_are_closed(api, name):
    assert api.post(f"/run/{name}", json={"data": ["hello", None, None]}).status_code == 404


# Act first, 3: no exception text reaches the client.
@pytest.mark.parametrize(
    ("endpoint", "data"),
    [
        ("sequences_next", []),
        ("sequences_next", ["hi", "char-lstm", "ten"]),
        ("sequences_next", [{"a": 1}, "char-lstm", 5]),
        ("sequences_next", ["hi", ["char-lstm"], 5]),
        ("sequences_next", ["hi", "../char-lstm", 5]),
        ("sequences_sample", ["hi", "char-lstm", 10**9, 1, 5, 1, 0]),
        ("sequences_sample", ["hi", "char-lstm", 5, "hot", 5, 1, 0]),
        ("sequences_memory", ["hi", "yours"]),
        ("sequences_memory", [{}, "char-rnn"]),
        ("sequences_classify", [["a"]]),
        ("sequences_classify", [None]),
        ("sequences_caption", [None, "caption-gru", "", 0, 1, 0]),
        ("sequences_caption", ["picture.png", "caption-gru", "", 0, 1, 0]),
        ("sequences_caption", [None, "photo-captioner", {"a": 1}, 0, 1, 0]),
        ("sequences_caption", [None, ["caption-gru"], "", "hot", 10**9, None]),
        ("sequences_translate", [7]),
        ("sequences_answer", [None, "Where is Mary?"]),
        ("sequences_answer", ["Mary is in the garden.", {"a": 1}]),
        ("attention_trace", [None, None]),
        ("attention_trace", ["hi", "evil/model"]),
        ("attention_trace", ["hi", {"name": "gpt2"}]),
        ("attention_translate", ["hi", "translator-en-fr", 0, ""]),
        ("attention_translate", ["hi", "../translator-en-fr", 1, ""]),
        ("attention_translate", ["hi", "translator-en-fr", 1, {"a": 1}]),
        ("attention_edit", ["hi", "book-gpt", "all", [], [], [], [], True]),
        ("attention_edit", ["hi", "book-gpt", [["decoder", 99, 0]], [], [], [], [], True]),
        ("attention_edit", ["hi", "book-gpt", [], [], [], [10**9], [], True]),
        ("attention_edit", ["hi", "book-gpt", [], [], [], [], [0, 1, 2], "no"]),
        ("diffusion_forward", [None, 250, "cosine", 0]),
        ("diffusion_forward", ["picture.png", 250, "cosine", 0]),
        ("diffusion_transform", [None, "any", 0.6, 1, 5, 0, True]),
        ("diffusion_inpaint", [None, None]),
        ("diffusion_inpaint", ["picture.png", "mask.png", "any", 1]),
        ("diffusion_inpaint", [None, None, "any", 10**9]),
        ("diffusion_between", ["potion", "dragon"]),
        ("diffusion_between", ["potion", "tree", 1, 2, 10**9]),
        ("diffusion_between", ["potion", ["tree"], {"a": 1}]),
        ("diffusion_fork", ["potion", 26]),
        ("diffusion_fork", ["potion", None]),
        ("diffusion_fork", ["potion", 3, {"a": 1}, "strong", 7, "x"]),
        ("vit_classify", [None]),
        ("vit_classify", ["picture.png"]),
        ("vit_classify", [7]),
        ("vit_compare", [None, "blur", 0.5]),
        ("vit_compare", ["picture.png", "blur", 0.5]),
        ("vit_compare", [None, "fire", 0.5]),
        ("vit_compare", [None, "occlude", 0.5]),
        ("vit_compare", [None, "blur", 2]),
        ("vit_compare", [None, "blur", "much"]),
        ("vit_compare", [None, ["blur"], 0.5]),
        ("vit_finetune", [None, None, 0, 20, 0]),
        ("vit_finetune", [[], ["a"], 0, 20, 0]),
        ("vit_finetune", [[], [], 3, 20, 0]),
        ("vit_finetune", [[], [], 0, 10**9, 0]),
        ("vit_finetune", [["picture.png"], ["a"], 0, 20, 0]),
        ("vit_finetune", [7, {"a": 1}, 0, 20, 0]),
        ("vit_trace", [None, "vit-s14-caltech101", 0]),
        ("vit_trace", ["picture.png", "vit-s14-caltech101", 0]),
        ("detection_detect", [None, "high", []]),
        ("detection_detect", [None, 0.5, []]),
        ("detection_explain", [None, 0.5]),
        ("detection_explain", [None, "high"]),
        ("detection_explain", ["picture.png", 0.5]),
        ("detection_explain", [7, 0.5]),
        ("diffusion_generate", ["dragon", 1, 5, 0]),
        ("diffusion_generate", [3, 1, 5, 0]),
        ("diffusion_generate", ["monster", 0, 5, 0]),
        ("diffusion_generate", ["monster", 10**9, 5, 0]),
        ("diffusion_generate", ["monster", 1, 10_000, 0]),
        ("diffusion_generate", ["monster", 1, 0, 0]),
        ("diffusion_generate", ["monster", 1, "5", 0]),
        ("diffusion_generate", ["monster", 1, 5, -1]),
        ("diffusion_generate", ["monster", 1, 5, None]),
    ],
)
def test_wrong_values_get_one_clear_sentence(api, endpoint, data):
    refused(api, endpoint, *data)


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("vit-s14-caltech101", 100),
        ("vit-s14-caltech101", 392),
        ("vit-s14-caltech101", -14),
        ("vit-s14-caltech101", "224"),
        ("vit-s14-caltech101", None),
        ("../vit-s14-caltech101", 224),
        (["vit-s14-caltech101"], 224),
    ],
)
def test_a_trace_of_a_picture_needs_a_model_and_a_size_that_fit(api, model, size):
    from tests.unit.test_images import PHOTO, encoded

    refused(api, "vit_trace", uploaded(api, encoded(PHOTO)), model, size)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "true", '"NaN"'])
def test_numbers_that_are_none(api, number):
    body = f'{{"data": ["potion", 1, {number}, 0]}}'
    answer = api.post("/call/diffusion_generate", content=body, headers={"content-type": "application/json"})
    if answer.status_code == 200:
        stream = api.get(f"/call/diffusion_generate/{answer.json()['event_id']}").text
        assert "event: error" in stream
        assert '"error": null' not in stream
    else:
        assert answer.status_code == 422


@pytest.mark.parametrize("text", ["", "   \n", "x" * 1_000_000, "\0\0", None], ids=len_or_none)
@pytest.mark.parametrize(("endpoint", "rest"), TEXT_ENDPOINTS)
def test_texts_that_are_none_or_too_much(api, endpoint, rest, text):
    refused(api, endpoint, text, *rest)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\u202eabc", "😀😀", "e\u0301" * 20, "a\0b", "שלום עולם"]
)
@pytest.mark.parametrize(("endpoint", "rest"), TEXT_ENDPOINTS)
def test_strange_but_true_texts_work_or_are_said_to_be_unknown(api, endpoint, rest, text):
    ok, payload = call(api, endpoint, text, *rest)
    assert ok or "has no symbol for anything in this" in str(payload), payload
    if text.isascii():
        assert ok, payload


def test_a_lone_surrogate_does_not_break_the_stream(api):
    body = b'{"data": ["a\\ud800b", "char-lstm", 5]}'
    answer = api.post("/call/sequences_next", content=body, headers={"content-type": "application/json"})
    if answer.status_code == 200:
        assert "event: complete" in api.get(f"/call/sequences_next/{answer.json()['event_id']}").text
    else:
        assert answer.status_code == 422


# Act first, 4: pictures that are bombs, damaged, or none.
@pytest.mark.parametrize("endpoint", ["vit_classify", "detection_detect", "detection_explain"])
@pytest.mark.parametrize("case", ["empty", "text", "cut", "bomb", "thin", "svg", "eps"])
def test_bad_pictures(api, endpoint, case):
    from tests.unit.test_images import PHOTO, encoded, png_of_size

    data = {
        "empty": b"",
        "text": b"hello",
        "cut": encoded(PHOTO)[:300],
        "bomb": png_of_size(20000, 20000),
        "thin": png_of_size(50000, 1),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0",
    }[case]
    name = f"picture.{case}" if case in ("svg", "eps") else "picture.png"
    more = {"detection_detect": [0.5, []], "detection_explain": [0.5]}.get(endpoint, [])
    sentence = refused(api, endpoint, uploaded(api, data, name), *more)
    assert "picture" in sentence.lower()


# The door itself.
def test_bodies_and_uploads_over_the_limit(api):
    large = b'{"data": ["' + b"x" * MAX_BODY_BYTES + b'"]}'
    answer = api.post("/call/sequences_next", content=large, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert api.post("/upload", files={"files": ("a.png", b"x" * 21_500_000)}).status_code == 413
    form = {"content-type": "multipart/form-data; boundary=b"}
    assert api.post("/upload", content=b"x" * (MAX_UPLOAD_BODY_BYTES + 1), headers=form).status_code == 413


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'"text"', b"null", b"[" * 5000, b'{"a":' * 100 + b"1" + b"}" * 100]
)
def test_bodies_that_are_no_request(api, body):
    answer = api.post("/call/sequences_next", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert not any(word in answer.text for word in FORBIDDEN)


def test_names_that_do_not_exist(api):
    assert api.post("/call/nothing", json={"data": []}).status_code == 404
    join = {"data": [1], "fn_index": 99999, "session_hash": "a"}
    assert api.post("/queue/join", json=join).status_code == 404
    server = {"data": [1], "component_id": 99999, "fn_name": "x", "session_hash": "a"}
    assert api.post("/component_server", json=server).status_code == 404
    assert "event: error" in api.get("/call/sequences_next/no-such-event").text


def test_headers_of_every_answer(app_url):
    for path in ("/", "/healthz", "/gradio_api/info"):
        headers = httpx.get(app_url + path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self' https://huggingface.co" in headers["content-security-policy"]


def test_health_and_readiness(app_url):
    assert httpx.get(f"{app_url}/healthz").json()["status"] == "up"
    models = httpx.get(f"{app_url}/readyz").json()["models"]
    assert {"char-lstm", "sprites-unet", "rf-detr-s14-objects"} <= set(models)
