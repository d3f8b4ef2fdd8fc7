"""A detector that learns from drawn boxes: loss over the steps, and on every frame the drawn boxes beside its answers.

Value: what `demos.views.own_boxes.draw_lessons` returns, or None.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def box_lessons(**options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, None, pieces=("line_chart",), **options)
