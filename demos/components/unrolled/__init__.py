"""A recurrent network unrolled in time: what goes into each step, what is remembered, what comes out, shared weights.

Value: the dict of `demos.views.unrolled.draw_unrolled`, or None for the empty state. Event `step` (position): a step
was chosen.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def unrolled(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=("line_chart",), **options)
