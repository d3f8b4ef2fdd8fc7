"""One head's weighted sum, every number with its arithmetic; weights can be dragged and written.

Value: the dict of `demos.views.attention_sum.draw_sum`, or None for the empty state. Events: `choose` (kind, layer,
head, query), another head was chosen; `rework` (kind, layer, head, query, temperature, rows), weights or temperature
were changed, sent when the hand rests.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder

PIECES = ("token_strip", "sum_arithmetic")


def weighted_sum(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=PIECES, **options)
