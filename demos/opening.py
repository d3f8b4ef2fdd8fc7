"""How a page opens: on a run of what its controls hold, made the first time a visitor comes to it.

    opens(compute_attention, [text, model], [explorer, strip])

The handler is that of the page's own button. What it computes is kept for the process (`models/kept.py`), so that a
crowd costs one run; the view is made for each visitor, who gets names of their own. Nothing runs for a page that is not
looked at, and whatever the visitor does on the page comes before a first view that is late.
"""

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, wraps
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import Block
from gradio.context import Context

from demos.address import RESTORE, is_marker, kept_of_page, page_of_context, path_of
from demos.base import log
from demos.tab import RUN, Queue, private
from models import memory
from models.compute import using
from models.kept import KEEPING
from models.room import host_bytes

PREFIX = "open_"
"""How the endpoints begin that open pages."""

LEAST_BUDGET_BYTES, LEAST_FREE_BYTES = 2 * 2**30, 2**30
"""Of memory, for pages to be opened before anybody comes: all embedded networks are 410 MB, libraries 620 MB."""


def opens(
    handler: Callable[..., Any], inputs: Sequence[Block], outputs: Sequence[Block], *, queue: Queue = RUN
) -> None:
    """Run `handler` when the page being built is first looked at. Called once, inside the page's `gr.Tab`.

    queue: the line it stands in, as for the page's own button.
    """
    page = page_of_context()
    marker = kept_of_page().marker
    assert Context.root_block is not None
    _OPENINGS.setdefault(Context.root_block, {})[page] = (handler, inputs)
    name = PREFIX + page.replace("/", "_").replace("-", "_")
    shown = [*outputs, marker]
    asked = _opening(handler, len(outputs))
    marker.open(asked, list(inputs), shown, api_name=name, **queue, **private())
    marker.again(asked, list(inputs), shown, api_name=f"again_{name}", **queue, **private())


def _opening(handler: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The handler, with what it computes kept for others who ask for the same; the marker is told when it is over."""

    @wraps(handler)
    def steps(*values: Any) -> Iterator[tuple[Any, ...]]:
        made = handler(*values)
        try:
            while (step := _next(made)) is not _END:
                yield *(step if count > 1 else (step,)), gr.skip()
            yield *(gr.skip() for _ in range(count)), OVER
        finally:
            made.close()

    @wraps(handler)
    def once(*values: Any) -> tuple[Any, ...]:
        with using(KEEPING):
            made = handler(*values)
        return *(made if count > 1 else (made,)), OVER

    return steps if inspect.isgeneratorfunction(handler) else once


_OPENINGS: WeakKeyDictionary[Block, dict[str, tuple[Callable[..., Any], Sequence[Block]]]] = WeakKeyDictionary()


def first_openings(app: gr.Blocks, pages: Sequence[str]) -> list[Callable[[], None]]:
    """The openings of these pages, each to be run as for a visitor of whom nothing is known yet."""
    known = _OPENINGS.get(app, {})
    return [partial(_run, *known[page]) for page in pages if page in known]


def open_early(openings: Iterable[Callable[[], None]]) -> None:
    """Run openings, one after the other, so that libraries and networks are in memory, and results kept, when the first
    visitor comes; not where memory is scarce, where GPUs are lent for a call, or where `GLASSBOX_EARLY` is 0.
    """
    if os.environ.get("GLASSBOX_EARLY") == "0" or os.environ.get("SPACES_ZERO_GPU"):
        return
    for opening in openings:
        free = host_bytes()
        if memory.BUDGET_BYTES < LEAST_BUDGET_BYTES or (free is not None and free < LEAST_FREE_BYTES):
            return
        try:
            opening()
        except Exception:  # a visitor will be told; the next page may still be opened
            log.exception("a page could not be opened early")


def _run(handler: Callable[..., Any], inputs: Sequence[Block]) -> None:
    with using(KEEPING):
        made = handler(*(_first_value(block) for block in inputs))
        for _ in made if inspect.isgenerator(made) else ():
            pass


def _first_value(block: Block) -> Any:
    value = getattr(block, "value", None)
    return path_of(value) if isinstance(block, gr.Image) else value


OVER = {"opened": True}
_END = object()


def _next(steps: Iterator[Any]) -> Any:
    with using(KEEPING):
        return next(steps, _END)


class Openings:
    """Which event opens which page, and which others draw on the same: whatever a visitor does comes first.

    Gradio's own `cancels` cannot do that: an event that the server has not yet confirmed is not cancelled properly.
    """

    def __init__(self, app: gr.Blocks) -> None:
        """Every event of `app` that stops what draws on a page stops its opening, too."""
        drawn = {number: _drawn(fn) for number, fn in app.fns.items()}
        self._shown = {number: drawn[number] for number, fn in app.fns.items() if _is(PREFIX, fn)}
        self.rivals = {
            number: {opening for opening, shown in self._shown.items() if opening != number and shown & what}
            for number, what in drawn.items()
        }
        for fn in app.fns.values():
            if fn.cancels:
                fn.cancels = sorted({*fn.cancels, *(one for other in fn.cancels for one in self.rivals[other])})
        self._touched: WeakKeyDictionary[object, set[int]] = WeakKeyDictionary()

    def begins(self, number: int, session: object) -> None:
        """An event of a session begins, or its next step does."""
        if session is not None and self.rivals[number]:
            self._touched.setdefault(session, set()).update(self.rivals[number])

    def seen(self, number: int, session: object, output: dict[str, Any], *, again: bool) -> dict[str, Any]:
        """What an event sends: of an opening that came too late nothing but that it is over.

        again: it has sent a step before; all but the last one tell the browser what to change of that.
        """
        if number not in self._shown or session is None or number not in self._touched.get(session, ()):
            return output
        *views, marker = output["data"]
        nothing = [["replace", [], gr.skip()]] if again and output["is_generating"] else gr.skip()
        return {**output, "data": [*(nothing for _ in views), marker]}


def _is(verb: str, fn: BlockFunction) -> bool:
    return (fn.api_name or "").startswith(verb)


def _drawn(fn: BlockFunction) -> set[int]:
    """Ids of what an event shows: neither values of a session, nor markers, nor what an address puts into controls."""
    if _is(RESTORE, fn):
        return set()
    return {block._id for block in fn.outputs if not isinstance(block, gr.State) and not is_marker(block)}
