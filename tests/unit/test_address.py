"""Values of an address are checked like any input; what is not understood is named, the rest is used."""

import gradio as gr
import pytest

from app import create_app
from demos import address
from demos.address import read_value, read_values
from models.errors import InputError

with gr.Blocks():
    CONTROLS = {
        "model": gr.Radio([("One", "one"), ("Two", "two")], value="one"),
        "side": gr.Dropdown([("8", 8), ("as trained", 0)], value=0),
        "parts": gr.CheckboxGroup(["a", "b", "c"]),
        "seed": gr.Number(0, precision=0, minimum=0, maximum=99),
        "heat": gr.Slider(0, 2, 0.7, step=0.05),
        "steps": gr.Slider(1, 50, 25, step=1),
        "on": gr.Checkbox(),
        "text": gr.Textbox(max_length=20),
        "picture": gr.Image(),
    }

GOOD = [
    ("model", "two", "two"),
    ("side", "8", 8),
    ("parts", "c,a", ["c", "a"]),
    ("parts", "", []),
    ("seed", "7", 7),
    ("heat", "0.35", 0.35),
    ("steps", "50", 50),
    ("on", "1", True),
    ("on", "0", False),
    ("text", "<b>é</b>", "<b>é</b>"),
    ("picture", "lion", str(address.EXAMPLES / "lion.jpg")),
]
BAD = [
    ("model", "three"),
    ("model", ""),
    ("model", None),
    ("model", ["one"]),
    ("model", {"one": 1}),
    ("side", "9"),
    ("parts", "a,x"),
    ("seed", "-1"),
    ("seed", "100"),
    ("seed", "1.5"),
    ("seed", "1e400"),
    ("seed", "nan"),
    ("seed", "x"),
    ("seed", 7),
    ("heat", "2.01"),
    ("heat", "inf"),
    ("steps", "2.5"),
    ("steps", "٣x"),
    ("on", "yes"),
    ("on", ""),
    ("text", "x" * 21),
    ("text", "x" * 100_000),
    ("picture", "../../etc/passwd"),
    ("picture", "/etc/passwd"),
    ("picture", "lion.jpg"),
    ("unknown", "1"),
    ("__class__", "1"),
]


def test_a_picture_of_ones_own_is_read_where_it_was_uploaded(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "get_upload_folder", lambda: str(tmp_path / "cache"))
    (tmp_path / "cache" / "a").mkdir(parents=True)
    for path in (tmp_path / "cache" / "a" / "own.png", tmp_path / "other.png"):
        path.write_bytes(b"x")
    own = str(tmp_path / "cache" / "a" / "own.png")
    assert read_value(CONTROLS["picture"], own) == own
    wrong = ("cache/../other.png", "other.png", "cache", "cache/a", "cache/a/none.png", "cache/a/own.png\0")
    for text in wrong:
        with pytest.raises(InputError):
            read_value(CONTROLS["picture"], str(tmp_path / text))


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_value_is_read(name, text, value):
    assert read_value(CONTROLS[name], text) == value


@pytest.mark.parametrize(("name", "text"), BAD)
def test_what_a_control_cannot_have_is_refused_and_the_rest_is_used(name, text):
    values, refused = read_values(
        CONTROLS, {"model": "two", name: text} if name != "model" else {name: text, "on": "1"}
    )
    assert refused == [name]
    assert len(values) == 1


def test_what_is_refused_is_named_in_few_words():
    values, refused = read_values(CONTROLS, {"x" * 100_000 + str(number): "1" for number in range(5000)})
    assert values == {}
    assert len(refused) <= 5
    assert max(map(len, refused)) <= 24


@pytest.mark.parametrize("sent", [None, 3, "values", [], {"values": None}, {"values": [1]}, {"values": {"model": 1}}])
def test_whatever_a_browser_sends_only_first_values_or_good_ones_are_set(sent):
    restore = address.restoring(CONTROLS)
    *updates, said = restore(gr.EventData(None, sent))
    assert all(update == gr.skip() for update in updates)
    assert said["restored"] is True


def test_every_kept_control_takes_its_own_first_value():
    app = create_app()
    kept = [fn for fn in app.fns.values() if (fn.api_name or "").startswith(address.RESTORE)]
    assert kept
    for fn in kept:
        *controls, marker = fn.outputs
        for control, key in zip(controls, marker.props["keys"], strict=True):
            if key["first"] in (None, "") or key["kind"] == "picture":
                continue
            first = key["first"]
            text = ("0", "1")[first] if isinstance(first, bool) else first
            text = ",".join(map(str, first)) if isinstance(first, list) else str(text)
            assert read_value(control, text) == first, (fn.api_name, key["name"])


def test_a_checkbox_refuses_in_the_words_of_all_others():
    with pytest.raises(InputError):
        read_value(CONTROLS["text"], 5)
