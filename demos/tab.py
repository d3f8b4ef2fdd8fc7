"""The kit of a tab: how its events are set up, what components send along, the text settings its pages share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, TypedDict, TypeVar

import gradio as gr
from gradio.components import Component
from gradio.context import Context
from gradio.events import Dependency

from demos.base import empty_strip, visitor_errors
from demos.wire import to_wire
from demos.words import said
from models import weights
from models.errors import InputError


class Queue(TypedDict):
    """Which line of waiting visitors an event stands in, and how many of that line run at once."""

    concurrency_id: str
    concurrency_limit: int


LIGHT = Queue(concurrency_id="light", concurrency_limit=8)
"""What takes less than half a second: a keystroke, a click, one small run."""
RUN = Queue(concurrency_id="run", concurrency_limit=4)
"""A run of a model on a picture or a text."""
LONG = Queue(concurrency_id="long", concurrency_limit=2)
"""Training, diffusion, video, measuring: what takes seconds and is computed with `@compute(heavy=True)`."""

LATEX = [{"left": "$$", "right": "$$", "display": True}, {"left": "$", "right": "$", "display": False}]

STOPPED = empty_strip("Stopped.")


def inner_pages(**options: Any) -> gr.Tabs:
    """The pages of a tab: their titles stand in one strip, which scrolls where it is too narrow."""
    return gr.Tabs(overflow_behavior="wrap", **options)


@contextmanager
def inner_page(title: str, slug: str, **options: Any) -> Iterator[gr.Tab]:
    """One page of a tab, with its title as a heading for whoever does not see the strip."""
    with gr.Tab(title, id=slug, **options) as tab:
        gr.HTML(f"<h2>{said(title)}</h2>", elem_classes="gb-unseen", padding=False)
        yield tab


def fold(title: str = "Picture and settings") -> gr.Accordion:
    """Where the controls of a page lie: open beside the figure, folded on a phone (`page_opening.js`)."""
    return gr.Accordion(title, open=True, elem_classes="gb-fold")


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def chosen_from(**choices: Callable[[], Sequence[str]]) -> Callable[[Endpoint], Endpoint]:
    """Say of an endpoint what some of its arguments are chosen from: the API page lists it (`demos/door/described.py`).

    choices: by the argument's name; asked for with every description, for the hub may be switched on or off.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        vars(endpoint)["choices"] = choices
        return endpoint

    return mark


def models_of(concept: str) -> Callable[[], list[str]]:
    """What the catalogue offers for a concept, each with its title."""
    return lambda: [f"{name} ({weights.find(name).title})" for name in weights.offered(concept)]


class Private(TypedDict):
    """Settings of an event that is no part of the public API."""

    api_visibility: Literal["private"]
    show_progress: Literal["hidden"]


def private() -> Private:
    """Settings of an event between a page and its handler: not in the API, no veil over what is shown."""
    return Private(api_visibility="private", show_progress="hidden")


def stops(
    button: gr.Button,
    running: Sequence[Dependency],
    strip: gr.HTML,
    sentence: Callable[..., Any] = lambda: STOPPED,
    given: Component | None = None,
) -> None:
    """The button cancels what runs and the strip says so, also where a step that was on its way has come meanwhile.

    sentence: makes the strip, of the value of `given`.
    """
    at_once = button.click(sentence, given, strip, cancels=list(running), queue=False, **private())
    at_once.then(sentence, given, strip, queue=False, **private())


def payload(event: gr.EventData, name: str) -> Any:
    """What a component sent along with an event under that name, unchecked; None if nothing."""
    data = event._data
    return data.get(name) if isinstance(data, dict) else None


def built(elem_id: str) -> Component:
    """The control of that element id among those built so far. Raises `LookupError` where there is none."""
    blocks = Context.root_block.blocks.values() if Context.root_block else ()
    for block in blocks:
        if isinstance(block, Component) and block.elem_id == elem_id:
            return block
    raise LookupError(f"no control is called {elem_id}")


def answering(view: Callable[[dict[str, Any]], Any]) -> Callable[[Any], Any]:
    """A function of the server for a component, past Gradio's events (`ask` in demos/ui/core/server.js).

    It is asked with a JSON object and gives the view as it travels, or `{"error": sentence}`.
    """

    @wraps(view)
    def answer(request: Any) -> Any:
        try:
            with visitor_errors():
                if not isinstance(request, dict):
                    raise InputError("A question must name its run.")
                return to_wire(view(request))
        except gr.Error as error:
            return {"error": error.message}

    return answer
