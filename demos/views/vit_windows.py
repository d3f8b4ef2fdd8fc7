"""One run of a Swin Transformer as plain values for the browser: its blocks, and its answer as a table."""

from typing import TYPE_CHECKING, Any

import numpy as np

from demos.views.tasks import draw_table
from demos.views.vit import encoded, png

if TYPE_CHECKING:
    from models.vit.windows import WindowBlock, WindowTrace

TOP = 5
STEPS = 255


def draw_windows(trace: "WindowTrace", run: str) -> dict[str, Any]:
    """What `window_view` shows; `run` names it."""
    return {
        "run": run,
        "image": png(trace.image),
        "size": len(trace.image),
        "blocks": [_draw_block(block) for block in trace.blocks],
    }


def _draw_block(block: "WindowBlock") -> dict[str, Any]:
    return {
        "stage": block.stage,
        "block": block.block,
        "grid": block.grid,
        "side": block.side,
        "window": block.window,
        "shift": block.shift,
        "heads": len(block.attention),
        "attention": encoded(pack_weights(block.attention)),
        "keys": encoded(block.keys.astype(np.int16)),
        "reach": encoded(block.reach.astype(np.int16)),
    }


def pack_weights(attention: np.ndarray) -> np.ndarray:
    """Weights in a quarter of their size: 255 steps that are closer together where weights are small.

    The square of a step over 255 is the weight, at most 0.004 off.
    """
    return np.rint(np.sqrt(attention) * STEPS).astype(np.uint8)


def draw_answer(trace: "WindowTrace") -> str:
    """HTML: the most probable categories."""
    order = np.argsort(-trace.probabilities, kind="stable")[:TOP]
    rows = [(trace.labels[place], f"{100 * float(trace.probabilities[place]):.1f}\u00a0%") for place in order]
    return draw_table(("category", "probability"), rows)
