"""A page is the same however often Gradio looks at its signatures, and looks at each once."""

import inspect
import typing

import gradio as gr
import pytest
from gradio.components import base

from demos.door.building import inspected_once
from demos.door.shell import Shell


def page(blocks=Shell):
    """A page with one of each way that events and components are made."""
    with blocks() as app:
        first, second = gr.Textbox("a", elem_id="a"), gr.Textbox("b", elem_id="b")
        box = gr.HTML("c")
        for text in (first, second):
            text.change(_joined, [first, second], box, api_name="joined")
        for told in (_told, lambda one: one, str):
            gr.Button("d").click(told, first, box)
        first.change(None, None, None, js="() => {}")
    return app


def _joined(one: str, other: str = "") -> str:
    return one + other


def _told(one: str, event: gr.EventData) -> str:
    return f"{one} {event}"


def described(app):
    """What the browser gets of it, without what is drawn by chance; numbers of components counted from the first."""
    config = app.get_config_file()
    first = min(component["id"] for component in config["components"])
    facts = [
        {key: value for key, value in component["props"].items() if key not in ("proxy_url", "share_token")}
        | {"id": component["id"] - first, "type": component["type"]}
        for component in config["components"]
    ]
    events = [
        {key: one[key] for key in ("api_name", "js", "collects_event_data", "api_visibility", "show_progress")}
        | {key: [number - first for number in one[key]] for key in ("inputs", "outputs")}
        for one in config["dependencies"]
    ]
    return facts, events


def test_the_page_is_that_of_gradio():
    plain = page(gr.Blocks)
    with inspected_once():
        made = page()
    assert described(made) == described(plain)
    names = ["joined", "joined_1", "_told", "lambda", "str", "js_fn"]
    assert [event["api_name"] for event in described(made)[1]] == names


def test_every_constructor_is_looked_at_once(monkeypatch):
    """Where this fails, Gradio asks in another way, and `inspected_once` saves less or nothing."""
    counts = []
    find = inspect.getfullargspec
    monkeypatch.setattr(inspect, "getfullargspec", lambda function: counts.append(function) or find(function))
    pages = [page() for _ in range(4)]
    before = len(counts)
    counts.clear()
    with inspected_once():
        pages += [page() for _ in range(4)]
    assert len({len(made.config["components"]) for made in pages}) == 1
    assert 0 < len(counts) == len(set(counts)) < before / 3


def test_a_class_is_listed_once():
    with inspected_once():
        gr.HTML("a", render=False)
        known = vars(base)["dir"].cache_info().misses
        gr.HTML("b", render=False)
        assert known == vars(base)["dir"].cache_info().misses > 0
    assert "dir" not in vars(base)


def test_all_is_as_before_afterwards():
    plain = inspect.signature, inspect.getfullargspec, typing.get_type_hints
    with pytest.raises(ValueError, match="no signature"), inspected_once(), inspected_once():
        assert inspect.signature(_told).parameters.keys() == {"one", "event"}
        hints = typing.get_type_hints(_told)
        hints.clear()
        assert typing.get_type_hints(_told)["one"] is str
        raise ValueError("no signature")
    assert plain == (inspect.signature, inspect.getfullargspec, typing.get_type_hints)
