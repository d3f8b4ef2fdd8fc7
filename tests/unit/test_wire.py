"""What travels to the browser: handles, forms, pictures, and the route that hands arrays out."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demos import ui, wire
from demos.ui import types
from demos.wire import Float16, Int8, Jpeg, Png, Steps8, Uint8, to_wire, view


@view
class Example:
    """An example."""

    name: str
    weights: Float16
    maybe: Float16 | None
    several: list[Int8]
    steps: Steps8
    picture: Png


@pytest.fixture(scope="module")
def browser():
    return TestClient(Starlette(routes=[wire.array_route(), ui.ui_route()]))


def example(size=64):
    random = np.random.default_rng(0)
    return Example(
        name="one",
        weights=random.random((size, size)),
        maybe=None,
        several=[np.array([-1, 2]), np.array([3])],
        steps=np.linspace(-2, 5, 256 * 16).reshape(256, 16),
        picture=random.integers(0, 256, (40, 40, 3), dtype=np.uint8),
    )


def fetched(browser, handle):
    answer = browser.get(f"/arrays/{handle['array']}")
    assert answer.status_code == 200
    return answer.content


def test_a_view_is_small_json_and_its_arrays_are_fetched(browser):
    sent = to_wire(example())
    assert len(json.dumps(sent)) < 1000
    assert (sent["name"], sent["maybe"], sent["weights"]["shape"]) == ("one", None, [64, 64])
    back = np.frombuffer(fetched(browser, sent["weights"]), "<f2").reshape(64, 64)
    np.testing.assert_allclose(back, example().weights, rtol=5e-4, atol=1e-7)


def test_tiny_arrays_travel_inside(browser):
    handles = to_wire(example())["several"]
    assert [list(np.frombuffer(base64.b64decode(handle["data"]), np.int8)) for handle in handles] == [[-1, 2], [3]]


def test_steps_are_read_back_within_half_a_step(browser):
    handle = to_wire(example())["steps"]
    steps = np.frombuffer(fetched(browser, handle), np.uint8).reshape(256, 16)
    assert np.abs(handle["low"] + handle["step"] * steps - example().steps).max() <= handle["step"] * 0.5000001


def test_pictures_are_exact(browser):
    address = to_wire(example())["picture"]
    picture = Image.open(io.BytesIO(browser.get(f"/{address}").content))
    np.testing.assert_array_equal(np.asarray(picture), example().picture)


def test_arrays_are_compressed_and_kept_by_the_browser(browser):
    handle = wire._packed(np.zeros((500, 500), np.uint8), "uint8")
    answer = browser.get(f"/arrays/{handle['array']}", headers={"accept-encoding": "gzip, deflate, br"})
    assert answer.headers["content-encoding"] == "br"
    assert int(answer.headers["content-length"]) < 1000
    assert "private" in answer.headers["cache-control"]


@pytest.mark.parametrize("name", ["unknown", "..%2F..%2Fetc%2Fpasswd", "a" * 5000, "%00"])
def test_an_unknown_array_is_a_sentence(browser, name):
    answer = browser.get(f"/arrays/{name}")
    assert answer.status_code == 404
    if answer.headers["content-type"] == "application/json":
        assert answer.json()["error"] == "What this view shows is no longer kept here: run it again."


def test_names_tell_contents_apart_and_cannot_be_guessed(monkeypatch):
    ours = [wire._packed(np.full(2000, number % 100, np.uint8), "uint8")["array"] for number in range(200)]
    assert len(set(ours)) == 100  # equal contents are kept, and fetched, once
    assert min(map(len, ours)) >= 32
    monkeypatch.setattr(wire, "_SECRET", b"of another process")
    assert wire._packed(np.zeros(2000, np.uint8), "uint8")["array"] not in ours


def test_an_array_that_does_not_say_how_it_travels_is_a_defect():
    @view
    class Wrong:
        """A view with a bare array."""

        weights: np.ndarray

    wire.VIEWS.remove(Wrong)
    with pytest.raises(TypeError, match="says how"):
        to_wire(Wrong(np.zeros(3)))


def test_empty_arrays_and_scalars_travel():
    assert wire._packed(np.zeros((0, 3)), "steps8")["shape"] == [0, 3]
    assert to_wire({"x": np.float32(0.5), "y": [np.int64(3)]}) == {"x": 0.5, "y": [3]}


def test_a_jpeg_is_a_jpeg():
    @view
    class Photo:
        """A photo."""

        image: Jpeg
        mask: Uint8

    wire.VIEWS.remove(Photo)
    sent = to_wire(Photo(np.full((64, 64, 3), 128, np.uint8), np.zeros((2, 2), np.uint8)))
    assert sent["image"].startswith(("data:image/jpeg", "arrays/"))


def test_the_types_of_the_scripts_are_those_of_the_views():
    wire.VIEWS[:] = [one for one in wire.VIEWS if one.__module__.startswith("demos.")]
    assert types.FILE.read_text(encoding="utf-8") == types.declarations(), "run: python -m demos.ui.types"


def test_files_of_the_browser_side_are_kept_for_good_and_old_versions_are_gone(browser):
    answer = browser.get(f"/ui/{ui.version()}/core/mount.js", headers={"accept-encoding": "br"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == ui.FOREVER
    assert answer.headers["content-encoding"] == "br"
    for path in ("0000/core/mount.js", f"{ui.version()}/types.py", f"{ui.version()}/..%2F__init__.py"):
        answer = browser.get(f"/ui/{path}")
        assert answer.status_code == 404
        assert "reload" in answer.json()["error"]
