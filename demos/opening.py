"""How a page opens: on a run of what its controls hold, made the first time a visitor comes to it.

    opens(compute_attention, [text, model], [explorer, strip])

The handler is that of the page's own button. What it computes is kept for the process (`models/kept.py`), so that a
crowd costs one run; the view is made for each visitor, who gets names of their own. Nothing runs for a page that is not
looked at, and whatever the visitor does on the page comes before a first view that is late.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import Block
from gradio.context import Context

from demos.tab import RUN, Queue, private
from demos.ui import component
from models.compute import using
from models.kept import KEEPING

PREFIX = "open_"
"""How the endpoints begin that open pages."""


def opens(
    handler: Callable[..., Any], inputs: Sequence[Block], outputs: Sequence[Block], *, queue: Queue = RUN
) -> None:
    """Run `handler` when the page being built is first looked at. Called once, inside the page's `gr.Tab`.

    queue: the line it stands in, as for the page's own button.
    """
    page = page_of_context()
    marker = component("page_opening", events=("open",), elem_classes="gb-opening", page=page)
    name = PREFIX + page.replace("/", "_").replace("-", "_")
    shown = [*outputs, marker]
    marker.open(_opening(handler, len(outputs)), list(inputs), shown, api_name=name, **queue, **private())


def page_of_context() -> str:
    """`tab/page` of what is being built: the ids of the `gr.Tab`s around it, or of the only one."""
    names = []
    block = Context.block
    while block is not None:
        if isinstance(block, gr.Tab):
            names.append(str(block.id))
        block = block.parent
    return "/".join(reversed(names))


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


OVER = {"opened": True}
_END = object()


def _next(steps: Iterator[Any]) -> Any:
    with using(KEEPING):
        return next(steps, _END)


def let_visitors_win(app: gr.Blocks) -> None:
    """Every event that changes what an opening shows, or stops such an event, ends the opening first.

    Gradio's own `cancels=` makes an event of its own, which the page begins only when the first one is over.
    """
    for number, opening in app.fns.items():
        if (opening.api_name or "").startswith(PREFIX):
            shown = _drawn(opening)
            rivals = {other for other, fn in app.fns.items() if other != number and shown & _drawn(fn)}
            for other, fn in app.fns.items():
                if other in rivals or rivals & set(fn.cancels):
                    fn.cancels = [*fn.cancels, number]


def _drawn(fn: BlockFunction) -> set[int]:
    """Ids of what an event shows: values of a session are changed by many that show nothing."""
    return {block._id for block in fn.outputs if not isinstance(block, gr.State)}
