"""One run of a Swin Transformer as plain values for the browser: its blocks, and its answer as a table."""

from typing import TYPE_CHECKING

import numpy as np

from demos import wire
from demos.views.tasks import draw_table
from demos.wire import Int32, Uint8, view

if TYPE_CHECKING:
    from models.vit.windows import WindowBlock, WindowTrace

TOP = 5
STEPS = 255


@view
class WindowBlockView:
    """Attention of one block over N = grid x grid patches, in windows of K = window x window places.

    side: pixels of a patch. shift: by how many patches the windows are shifted.
    attention: `[heads, N, K]`, as `pack_weights` gives it. keys: `[N, K]`, the patch at each place of that window; -1
        where there is none that it may look at. reach: `[N, 4]`, left, top, right, bottom in pixels.
    """

    stage: int
    block: int
    grid: int
    side: int
    window: int
    shift: int
    heads: int
    attention: Uint8
    keys: Int32
    reach: Int32


@view
class WindowsView:
    """A picture (its address, pixels a side) and every block of a Swin Transformer that ran on it (`window_view`)."""

    run: str
    image: str
    size: int
    blocks: list[WindowBlockView]


def view_of_windows(trace: "WindowTrace", run: str) -> WindowsView:
    """What `window_view` shows; `run` names it."""
    return WindowsView(run, wire.picture(trace.image), len(trace.image), [_view_of_block(one) for one in trace.blocks])


def _view_of_block(block: "WindowBlock") -> WindowBlockView:
    return WindowBlockView(
        stage=block.stage,
        block=block.block,
        grid=block.grid,
        side=block.side,
        window=block.window,
        shift=block.shift,
        heads=len(block.attention),
        attention=pack_weights(block.attention),
        keys=block.keys,
        reach=block.reach,
    )


def pack_weights(attention: np.ndarray) -> np.ndarray:
    """Weights in a quarter of their size: 255 steps that are closer together where weights are small.

    The square of a step over 255 is the weight, at most 0.004 off.
    """
    return np.rint(np.sqrt(attention) * STEPS).astype(np.uint8)


def table_of_answer(trace: "WindowTrace") -> str:
    """HTML: the most probable categories."""
    order = np.argsort(-trace.probabilities, kind="stable")[:TOP]
    rows = [(trace.labels[place], f"{100 * float(trace.probabilities[place]):.1f}\u00a0%") for place in order]
    return draw_table(("category", "probability"), rows)
