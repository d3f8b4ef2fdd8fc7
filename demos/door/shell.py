"""Gradio's Blocks behind the door: every failure of an event is one sentence, and places in the queue are shared."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import Parameter, isfunction, signature
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from gradio import blocks
from gradio.block_function import BlockFunction

from demos.base import visitor_errors
from demos.door.answers import NOT_HERE, Refused
from demos.door.building import inspected_once
from demos.door.described import described
from demos.door.queue import FairQueue
from demos.opening import Openings
from demos.sentences import MAX_ECHO
from demos.take.shown import Event, during
from demos.words import in_english
from models.errors import InputError

NOT_TAKEN = "One of the values sent is not of the kind this control takes."


@contextmanager
def _no_server_yet() -> Iterator[None]:
    """Gradio makes a server when a page is built, another for its queue, and a third, which serves, when it starts."""
    made, blocks.App = blocks.App, SimpleNamespace(create_app=lambda *_, **__: None)
    try:
        yield
    finally:
        blocks.App = made


class Shell(gr.Blocks):
    """Gradio's Blocks in which every failure of an event becomes one sentence, wherever it happens.

    openings: which events open pages and give way to others; None where no page opens.
    first_openings: what the tabs open with, to be run before anybody comes (`demos.opening.open_early`).
    """

    openings: Openings | None = None
    first_openings: Sequence[Callable[[], None]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._config: Any = {}
        self._events: WeakKeyDictionary[Any, Event] = WeakKeyDictionary()
        super().__init__(*args, **kwargs)
        self.default_config.set_event_trigger = _with_a_name(self.default_config.set_event_trigger)

    def __exit__(self, *args: Any) -> None:
        """The page is built."""
        with _no_server_yet():
            super().__exit__(*args)

    def get_config_file(self) -> Any:
        """What the browser gets to know of the page; Gradio asks before it is built, and again when it serves."""
        with inspected_once():
            return super().get_config_file() if self.exited else {}

    @property
    def config(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """What `get_config_file` gave last, or gives now."""
        self._config = self._config or self.get_config_file()
        return self._config

    @config.setter
    def config(self, known: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._config = known

    def queue(self, *args: Any, **kwargs: Any) -> "Shell":
        """Gradio's queue, with places that belong to visitors (`FairQueue`)."""
        with _no_server_yet():
            super().queue(*args, **kwargs)
        self._queue = FairQueue(
            live_updates=self._queue.live_updates,
            concurrency_count=self.max_threads,
            update_intervals=self._queue.update_intervals,
            max_size=None,
            blocks=self,
        )
        return self

    async def process_api(
        self, block_fn: BlockFunction | int, inputs: list[Any], state: Any = None, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Run one event (or one step of a streaming one)."""
        number = block_fn if isinstance(block_fn, int) else block_fn._id
        steps = kwargs.get("iterator")
        event = Event() if steps is None else self._events.get(steps, Event())
        with visitor_errors(), during(event):
            if self.openings:
                self.openings.begins(number, state)
            output = await super().process_api(block_fn, inputs, state, *args, **kwargs)
            again = steps is not None
            if (following := output.get("iterator")) is not None:
                self._events[following] = event
            return self.openings.seen(number, state, output, again=again) if self.openings else output

    async def preprocess_data(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Check what the components received: their own sentences stay, any other complaint becomes one."""
        block_fn, inputs, *rest = args
        inputs = _with_defaults(block_fn, inputs)
        self._check_texts(block_fn, inputs)
        try:
            return await super().preprocess_data(block_fn, inputs, *rest, **kwargs)
        except gr.Error as error:  # a control's own sentence, which repeats the value
            raise InputError(str(error.message) if len(str(error.message)) <= MAX_ECHO else NOT_TAKEN) from None
        except (InputError, OSError):
            raise
        except Exception:
            raise InputError(NOT_TAKEN) from None

    async def postprocess_data(self, *args: Any, **kwargs: Any) -> list[Any]:
        """What a step sends. Gradio takes the mark of an update for a property of a view; a view keeps those it has."""
        output = await super().postprocess_data(*args, **kwargs)
        for value in output:
            if _is_update(value) and value.get("props") == _NOTHING:
                del value["props"]
        return output

    def handle_streaming_diffs(
        self,
        block_fn: BlockFunction,
        data: list[Any],
        session_hash: str | None,
        run: str | None,
        final: bool,
        simple_format: bool = False,
    ) -> list[Any]:
        """What a step sends, as changes to the step before; what begins or ends an update (`gr.skip()`) is sent whole.

        Gradio's client makes changes in place, also in values that wait to be shown: where a browser is busy, a skip
        after a value would make it a skip, too, and the page stay empty.
        """
        before = list(self.pending_diff_streams.get(session_hash, {}).get(run, ()))
        now = list(data)
        sent = super().handle_streaming_diffs(block_fn, data, session_hash, run, final, simple_format)
        if final or simple_format or not before:
            return sent
        steps = zip(before, now, sent, strict=True)
        return [
            [["replace", [], new]] if change and (_is_update(old) or _is_update(new)) else change
            for old, new, change in steps
        ]

    def _check_texts(self, block_fn: BlockFunction, inputs: list[Any]) -> None:
        """Gradio's text box takes anything for text: a number becomes its digits, a list its brackets."""
        for box, value in zip(block_fn.inputs, inputs, strict=False):
            if isinstance(box, gr.Textbox) and not isinstance(value, str | None):
                raise InputError(f"{box.label or 'A text'} must be text.")

    def get_api_info(self, *args: Any, **kwargs: Any) -> Any:
        """What the endpoints take and give, in English and in words."""
        info = in_english(super().get_api_info(*args, **kwargs))
        functions = {f"/{fn.api_name}": fn.fn for fn in self.fns.values() if fn.fn}
        named = info["named_endpoints"]
        return {**info, "named_endpoints": {name: described(told, functions[name]) for name, told in named.items()}}

    def check_names(self, api_name: str | None, content: dict[str, Any]) -> None:
        """Refuse (404, 422) an event, function or component that does not exist, before Gradio looks it up."""
        session = content.get("session_hash")
        if session is not None and not (isinstance(session, str) and session.isascii() and 0 < len(session) <= 64):
            raise Refused(422, "A session has a name of 1 to 64 plain characters.")
        number, component = content.get("fn_index"), content.get("component_id")
        if any(one is not None and type(one) is not int for one in (number, component)):
            raise Refused(422, "Events and components have whole numbers.")
        if number is not None and number not in self.fns:
            raise Refused(404, NOT_HERE)
        if number is None and api_name is not None and all(fn.api_name != api_name for fn in self.fns.values()):
            raise Refused(404, NOT_HERE)
        if component is not None and component not in self.blocks:
            raise Refused(404, NOT_HERE)


_NOTHING = gr.skip()


def _is_update(value: Any) -> bool:
    return isinstance(value, dict) and value.get("__type__") == "update"


def _with_a_name(adds: Callable[..., Any]) -> Callable[..., Any]:
    """Events without a name get that of their function, as from Gradio, which takes long to find it."""

    def add(targets: Any, fn: Any, *given: Any, **named: Any) -> Any:
        if named.get("api_name") is None and isfunction(fn):
            named["api_name"] = "".join(letter for letter in fn.__name__ if letter.isalnum() or letter == "_")
        return adds(targets, fn, *given, **named)

    return add


def _with_defaults(block_fn: BlockFunction, inputs: list[Any]) -> list[Any]:
    """What a program sent to an endpoint, and the defaults of the last arguments where it sent fewer."""
    if block_fn.api_visibility != "public" or block_fn.fn is None or len(inputs) >= len(block_fn.inputs):
        return inputs
    missing = list(signature(block_fn.fn).parameters.values())[len(inputs) : len(block_fn.inputs)]
    return [*inputs, *(argument.default for argument in missing)] if _optional(missing) else inputs


def _optional(arguments: list[Parameter]) -> bool:
    return all(argument.default is not Parameter.empty for argument in arguments)
