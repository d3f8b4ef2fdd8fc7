"""The parts of the door alone: one reading of a request, addresses, fair places, files swept, pages kept."""

import asyncio
import base64
import errno
import gc
import hashlib
import json
import os
import time
from collections import Counter
from types import SimpleNamespace

import brotli
import gradio as gr
import pytest
from fastapi import HTTPException
from gradio.queueing import Queue
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.door import launch, sweep
from demos.door.answers import Answer, Refused, content_security_policy
from demos.door.bodies import Body
from demos.door.content import MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_JSON_VALUES, read_json
from demos.door.doors import Kind, check_media_type, check_origin, find_door
from demos.door.pages import Pages, hashes_of_scripts
from demos.door.queue import MAX_WAITING, MAX_WAITING_FIRST, PLACES_AN_ADDRESS, FairQueue, in_turn
from demos.door.sessions import FairSessions, Iterators
from demos.door.shell import Shell
from demos.door.visitors import BODIES, VISITOR, Ledger, address_of
from demos.sentences import is_disk_full, quoted, sentence_for_page
from models.errors import InputError
from tests.loops import run

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def status_of(body):
    with pytest.raises(Refused) as refusal:
        read_json(body)
    return refusal.value.status


# One reading of a request.
@given(st.dictionaries(st.text(max_size=8).filter(lambda key: key != "path"), JSON_VALUES, max_size=4))
def test_what_is_passed_on_reads_as_what_was_checked(content):
    body = json.dumps(content).encode()
    try:
        checked, passed = read_json(body)
    except Refused as refusal:  # a file object may arise by chance
        assert refusal.status == 422
        return
    assert json.loads(passed) == checked == content
    passed.decode("utf-8")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b'{"a": "x\\ud800y"}', "xy"),
        (b'{"a": "\\udc00\\ud800"}', ""),
        (b'{"a": "\\ud83d\\ude00"}', "😀"),
        (b'{"a": "\\\\ud800"}', "\\ud800"),
    ],
)
def test_half_characters_are_left_out_and_whole_ones_kept(sent, read):
    content, passed = read_json(sent)
    assert content["a"] == read
    assert json.loads(passed)["a"] == read


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"[]", 422),
        (b"null", 422),
        ('{"a": 1}'.encode("utf-16"), 422),
        ('{"a": 1}'.encode("utf-32"), 422),
        (b"\xef\xbb\xbf{}", 422),
        (b'{"a": "\xff"}', 422),
        (b'{"a":' * (MAX_JSON_DEPTH + 2) + b"1" + b"}" * (MAX_JSON_DEPTH + 2), 422),
        (b'{"a": ' + b"[" * 100_000 + b"}", 413),
        (b'{"a": [' + b"[]," * MAX_JSON_VALUES + b"1]}", 413),
        (b'{"a": "' + b"word " * (MAX_JSON_BYTES // 5) + b'"}', 413),
    ],
)
def test_bodies_that_are_not_read(body, status):
    assert status_of(body) == status


def test_a_text_full_of_commas_is_one_value_and_a_picture_may_be_large():
    assert read_json(b'{"a": "' + b"," * (MAX_JSON_VALUES * 2) + b'"}')[0]["a"][0] == ","
    assert read_json(b'{"a": "' + b"QUJD" * MAX_JSON_BYTES + b'"}')


@pytest.mark.parametrize(
    "path",
    [
        "http://a/b",
        "HTTPS://a",
        " http://a",
        "ftp://a",
        "//a/b",
        "gopher://a",
        "data:text/plain,x",
        "\\\\a\\b",
        "s3://b",
    ],
)
@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: [f], lambda f: {"x": {"y": [1, f]}}])
def test_web_addresses_are_refused_however_deep(path, wrap):
    body = json.dumps({"data": wrap({"path": path, "meta": {"_type": "gradio.FileData"}})}).encode()
    assert status_of(body) == 422


# Media types, origins, addresses.
@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=UTF-8"])
def test_the_media_type_that_is_read(kind):
    check_media_type(Kind.JSON, [kind])


@pytest.mark.parametrize(
    "kinds",
    [
        [],
        [""],
        ["text/plain"],
        ["application/x+json"],
        ["application/json+x"],
        ["application/json; charset=utf-16"],
        ['application/json;charset="utf-7"'],
        ["text/plain; application/json"],
        ["application/json", "application/json"],
        ["multipart/form-data; boundary=a"],
        ["application/x-www-form-urlencoded"],
    ],
)
def test_every_other_media_type_is_refused(kinds):
    with pytest.raises(Refused) as refusal:
        check_media_type(Kind.JSON, kinds)
    assert refusal.value.status == 415


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"host": "a:1"}, True),
        ({"host": "a:1", "origin": "http://a:1"}, True),
        ({"host": "inner", "x-forwarded-host": "a", "origin": "https://a"}, True),
        ({"host": "a:1", "origin": "http://a"}, False),
        ({"host": "a", "origin": "null"}, False),
        ({"host": "a", "origin": "https://a.evil"}, False),
        ({"host": "a", "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_pages_of_other_hosts_may_not_write(headers, passes):
    if passes:
        check_origin(headers)
    else:
        with pytest.raises(Refused):
            check_origin(headers)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/", Kind.PAGE),
        ("GET", "/assets/index-DphvyggB.js", Kind.PAGE),
        ("GET", "/gradio_api/queue/data", Kind.STREAM),
        ("GET", "/gradio_api/call/vit_trace/0a1b", Kind.STREAM),
        ("GET", "/gradio_api/file=/tmp/x", Kind.FILE),
        ("POST", "/gradio_api/call/vit_trace", Kind.JSON),
        ("POST", "/gradio_api/component_server/", Kind.JSON),
        ("POST", "/gradio_api/upload", Kind.UPLOAD),
    ],
)
def test_open_doors(method, path, kind):
    assert find_door({"type": "http", "method": method, "path": path, "headers": []}, path, [])[0] is kind


def scope(peer, *forwarded):
    return {"client": (peer, 1), "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded]}


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("127.0.0.1", ["6.6.6.6"], 0, "127.0.0.1"),
        ("127.0.0.1", ["1.2.3.4"], 1, "1.2.3.4"),
        ("127.0.0.1", ["6.6.6.6, 1.2.3.4"], 1, "1.2.3.4"),
        ("127.0.0.1", ["6.6.6.6", "1.2.3.4"], 1, "1.2.3.4"),
        ("127.0.0.1", ["6.6.6.6, 1.2.3.4, 10.0.0.1"], 2, "1.2.3.4"),
        ("127.0.0.1", ["1.2.3.4"], 2, "127.0.0.1"),
        ("127.0.0.1", [], 1, "127.0.0.1"),
        ("::ffff:1.2.3.4", [], 0, "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", [], 0, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", [], 0, "2001:db8:1:2::/64"),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_saw(peer, forwarded, proxies, address):
    assert address_of(scope(peer, *forwarded), proxies) == address


# Shares.
def test_one_address_may_hold_its_share_and_no_other_pays():
    ledger, held = Ledger(), []
    for _ in range(BODIES.an_address):
        held.append(ledger.hold(BODIES, "a"))
        held[-1].__enter__()
    with pytest.raises(Refused) as refusal, ledger.hold(BODIES, "a"):
        pass
    assert (refusal.value.status, refusal.value.retry_after) == (429, 5)
    with ledger.hold(BODIES, "b"):
        assert ledger.held() == {BODIES.name: BODIES.an_address + 1}
    for one in held:
        one.__exit__(None, None, None)
    assert ledger.held() == {BODIES.name: 0}


def test_uploaded_bytes_are_counted_by_the_minute(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    ledger = Ledger()
    ledger.spend("a", 200 * 2**20)
    with pytest.raises(Refused, match="try again in 61 s"):
        ledger.spend("a", 50 * 2**20)
    ledger.spend("b", 200 * 2**20)
    now[0] += 61
    ledger.spend("a", 200 * 2**20)


def event(address, session="s"):
    return SimpleNamespace(request=SimpleNamespace(client=SimpleNamespace(host=address)), session_hash=session)


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_everybodys_first_event_comes_before_anybodys_second(addresses):
    waiting = [event(address) for address in addresses]
    order = in_turn(waiting, [])
    assert sorted(map(id, order)) == sorted(map(id, waiting))
    seen, ranks = Counter(), []
    for one in order:
        host = one.request.client.host
        ranks.append(seen[host])
        seen[host] += 1
    assert ranks == sorted(ranks)


def test_who_runs_already_waits_for_who_does_not():
    flood = [event("flood") for _ in range(5)]
    other = event("other")
    assert in_turn([*flood, other], running=[event("flood")])[0] is other


@pytest.fixture
def asks(monkeypatch):
    """`asks(address)`: one more event of that address at a queue where nothing runs; the status it is answered."""
    lane = SimpleNamespace(queue=[])
    queue = FairQueue(
        live_updates=False, concurrency_count=1, update_intervals=1, max_size=None, blocks=SimpleNamespace()
    )
    queue.event_queue_per_concurrency_id["lane"] = lane

    async def push(_, body, *__):
        one = event(VISITOR.get(), body.session_hash)
        lane.queue.append(one)
        queue.event_ids_to_events[str(id(one))] = one
        return True, "", "success"

    monkeypatch.setattr(Queue, "push", push)

    async def ask(address):
        VISITOR.set(address)
        session = f"{address} {len(lane.queue)}"
        try:
            await queue.push(SimpleNamespace(session_hash=session), SimpleNamespace(), None)
        except HTTPException as refusal:
            return refusal.status_code
        return 200

    return lambda address: run(ask(address))


def test_a_queue_that_a_few_have_filled_takes_the_first_of_everybody_else(asks):
    few = MAX_WAITING // PLACES_AN_ADDRESS
    for number in range(few):
        assert {asks(f"flood{number}") for _ in range(PLACES_AN_ADDRESS)} == {200}
        assert asks(f"flood{number}") == 429
    assert [asks("neighbour"), asks("neighbour")] == [200, 503]
    others = [asks(f"other{number}") for number in range(MAX_WAITING_FIRST)]
    assert others == sorted(others)
    assert others.count(200) == MAX_WAITING_FIRST - MAX_WAITING - 1


def test_a_flood_of_sessions_costs_only_its_own(monkeypatch):
    from demos.door import sessions, visitors

    monkeypatch.setattr(sessions, "SlimSession", lambda _: SimpleNamespace(state_components=(), state_data={}))
    holder = FairSessions()
    holder.blocks, holder.capacity = None, 20
    visitors.VISITOR.set("victim")
    mine = [holder[f"mine-{number}"] for number in range(3)]
    visitors.VISITOR.set("flood")
    for number in range(230):
        holder[f"flood-{number}"]
    visitors.VISITOR.set("victim")
    assert len(holder.session_data) == 20
    assert [holder[f"mine-{number}"] for number in range(3)] == mine


def test_what_a_session_holds_is_measured_with_all_it_refers_to():
    import numpy as np
    import torch

    from demos.door.sessions import bytes_of

    kept = SimpleNamespace(array=np.zeros(50_000, np.uint8), part=np.zeros((100, 1000))[:, :5])
    assert 50_000 < bytes_of(kept) < 60_000
    assert bytes_of([kept, kept, {"again": kept}]) < 60_000
    assert bytes_of({"network": torch.nn.Linear(1000, 100)}) > 400_000
    assert bytes_of((None, "name", print, SimpleNamespace)) < 500


# Bodies.
def receiving(*messages):
    waiting = list(messages)

    async def receive():
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    return receive


def piece(content, more=True):
    return {"type": "http.request", "body": content, "more_body": more}


def test_a_body_is_read_to_its_end_and_not_past_its_limit():
    assert run(Body(receiving(piece(b"ab"), piece(b"c", False)), 3).whole()) == b"abc"
    with pytest.raises(Refused) as refusal:
        run(Body(receiving(piece(b"ab"), piece(b"cd", False)), 3).whole())
    assert refusal.value.status == 413


def test_a_body_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr("demos.door.bodies.SILENT_SECONDS", 0.05)
    with pytest.raises(Refused) as refusal:
        run(Body(receiving(piece(b"ab")), 100).whole())
    assert refusal.value.status == 408


# Words.
@given(st.text(alphabet=st.characters(codec=None, exclude_categories=[])))
@settings(max_examples=300)
def test_whatever_is_repeated_is_short_encodable_and_no_html(text):
    assert len(quoted(text)) <= 100
    quoted(text).encode()
    assert "<" not in sentence_for_page(text)
    assert len(sentence_for_page(text)) <= 300 * len("&amp;")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_is_known_through_what_was_raised_from_it(code):
    try:
        try:
            raise OSError(code, "full")
        except OSError as error:
            raise ValueError("could not save") from error
    except ValueError as error:
        assert is_disk_full(error)
    assert not is_disk_full(OSError(errno.ENOENT, "absent"))


def answered(*messages, encodings=""):
    sent, told = [], []

    async def send(message):
        sent.append(message)

    async def answer():
        one = Answer(send, encodings, told.append)
        for message in messages:
            await one.send(message)

    run(answer())
    return sent, told


def test_a_failure_never_repeats_what_was_sent():
    validation = {"detail": [{"loc": ["body", "data"], "msg": "Input should be a list", "input": "x" * 10**6}]}
    start = {"type": "http.response.start", "status": 422, "headers": [(b"content-type", b"application/json")]}
    sent, told = answered(start, {"type": "http.response.body", "body": json.dumps(validation).encode()})
    sentence = json.loads(sent[1]["body"])["error"]
    assert told == [422]
    assert sentence == "The request does not fit this address: data Input should be a list."
    assert dict(sent[0]["headers"])[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize("value", [5, float("nan"), True, [], {}, ["text"]])
def test_a_text_box_takes_texts_only(value):
    with Shell() as app:
        box = gr.Textbox(label="Your sentence")
        box.submit(str.upper, box, box)
    with pytest.raises(InputError, match="Your sentence must be text"):
        run(app.preprocess_data(app.fns[0], [value], None))


def test_a_page_is_made_once_kept_compressed_and_not_sent_twice():
    made = []

    async def app(scope, receive, send):
        made.append(scope["path"])
        await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"page " * 1000})

    async def visit(pages, **headers):
        sent = []

        async def send(message):
            sent.append(message)

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        request = {"type": "http", "method": "GET", "path": "/", "query_string": b"tab=vit", "headers": raw}
        await pages.answer(request, "/", send)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    async def visits():
        pages = Pages(app)
        first = await asyncio.gather(*(visit(pages, host="a", accept_encoding="gzip, br") for _ in range(30)))
        tag = first[0][1][b"etag"].decode()
        again = await visit(pages, host="a", accept_encoding="br", if_none_match=tag)
        other = await visit(pages, host="b")
        return first, again, other

    first, again, other = run(visits())
    assert len(made) == 2
    assert brotli.decompress(first[0][2]) == other[2] == b"page " * 1000
    assert again[0] == 304
    assert again[2] == b""


def test_only_scripts_that_stand_in_the_page_are_allowed_by_its_policy():
    page = b"""<head><script>let a = "<b>";</script ><SCRIPT type="module">
      import "x";</SCRIPT><script src="a.js"></script><script>let a = "<b>";</script></head>"""
    digests = [base64.b64encode(hashlib.sha256(text).digest()).decode() for text in SCRIPTS_OF_THE_PAGE]
    assert hashes_of_scripts(page) == [f"'sha256-{digest}'" for digest in digests]
    policy = content_security_policy(hashes_of_scripts(page))
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts.split()[1:] == ["'self'", *hashes_of_scripts(page), "'unsafe-eval'", "blob:"]


SCRIPTS_OF_THE_PAGE = (b'let a = "<b>";', b'\n      import "x";')


# Files.
@pytest.fixture
def kept(tmp_path):
    page = tmp_path / "of-the-page.png"
    page.write_bytes(b"x" * 100)
    in_use = []
    folder = sweep.KeptFiles(tmp_path, lambda: in_use)
    folder.in_use = in_use
    return folder


def upload(kept, name, age, size=100):
    path = kept.folder / name / "file.bin"
    path.parent.mkdir()
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_old_files_go_and_files_of_the_page_stay(kept):
    old, young = upload(kept, "old", 31 * 60), upload(kept, "young", 29 * 60)
    assert kept.sweep() == 100
    assert not old.exists()
    assert young.exists()
    assert (kept.folder / "of-the-page.png").exists()


def test_files_that_events_need_and_files_used_again_stay(kept):
    needed, touched = upload(kept, "needed", 31 * 60), upload(kept, "touched", 31 * 60)
    kept.in_use.append(str(needed))
    kept.touch([str(touched), "/etc/passwd", "no\0path", "http://a"])
    assert kept.sweep() == 0
    assert needed.exists()
    assert touched.exists()


def test_past_the_total_size_the_oldest_go_and_a_full_disk_is_said(kept, monkeypatch):
    monkeypatch.setattr(sweep, "KEPT_BYTES", 250)
    older, newer = upload(kept, "older", 1000), upload(kept, "newer", 500)
    kept.sweep(wanted=100)
    assert not older.exists()
    assert newer.exists()
    with pytest.raises(Refused) as refusal:
        kept.check_room("a", 300)
    assert refusal.value.status == 507


def test_one_visitor_may_take_a_share_of_the_room(kept, monkeypatch):
    monkeypatch.setattr(sweep, "KEPT_BYTES", 1000)
    mine = upload(kept, "mine", 1, size=350)
    kept.note_upload("me", [str(mine)])
    with pytest.raises(Refused) as refusal:
        kept.check_room("me", 100)
    assert refusal.value.status == 429
    kept.check_room("you", 100)
    mine.unlink()
    kept.sweep()
    kept.check_room("me", 100)


def test_folders_of_processes_that_are_gone_are_removed(tmp_path):
    gone, mine = tmp_path / "glassbox-999999999", tmp_path / f"glassbox-{os.getppid()}"
    for folder in (gone, mine):
        (folder / "deep").mkdir(parents=True)
    made = sweep.private_folder(tmp_path)
    assert made.exists()
    assert mine.exists()
    assert not gone.exists()


def test_a_run_that_ended_while_it_was_cancelled_is_simply_gone():
    running = Iterators(one=None)
    del running["one"], running["one"]
    assert running == {}


# What the steps of a generator send.
def drawn_late(steps):
    """What each step shows where a browser draws when all have come: Gradio's client makes changes in place."""
    shell, function = Shell(), SimpleNamespace(outputs=[None])
    now, drawn = None, []
    for place, step in enumerate(steps):
        (sent,) = shell.handle_streaming_diffs(function, [json.loads(json.dumps(step))], "session", "run", final=False)
        now = sent if place == 0 else changed_in_place(now, sent)
        drawn.append(now)
    return drawn


def changed_in_place(value, changes):
    for action, path, new in changes:
        if not path:
            value = new if action == "replace" else value + new
            continue
        *way, last = path
        inner = value
        for key in way:
            inner = inner[key]
        if action == "delete":
            del inner[last]
        elif action == "add" and isinstance(inner, list):
            inner.insert(last, new)
        else:
            inner[last] = inner[last] + new if action == "append" else new
    return value


def test_a_skip_takes_nothing_from_what_a_busy_browser_has_yet_to_draw():
    full = {"steps": [1, 2], "note": "done"}
    assert drawn_late([gr.skip(), {"steps": [1], "note": ""}, full, gr.skip()]) == [gr.skip(), full, full, gr.skip()]


def test_an_update_takes_nothing_from_the_update_before():
    first, second = gr.update(visible=True), gr.update(value="x")
    assert drawn_late([first, second, gr.skip(), "y"]) == [first, second, gr.skip(), "y"]


@pytest.mark.parametrize("step", [gr.skip(), gr.update(visible=False)])
def test_what_a_step_leaves_alone_changes_no_property_of_a_view(step):
    with Shell() as app:
        view = gr.HTML()
        gr.Button().click(lambda: step, None, view)
    (function,) = app.fns.values()
    (sent,) = run(app.postprocess_data(function, step, None))
    assert sent == dict(step)


def test_garbage_is_looked_for_again_once_the_first_page_is_out(monkeypatch):
    opened = []
    monkeypatch.setattr(launch, "open_early", opened.append)
    gc.disable()
    try:
        launch._settle(SimpleNamespace(first_openings=["a tab"]))
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
        assert opened == [["a tab"]]
    finally:
        gc.unfreeze()
        gc.enable()
