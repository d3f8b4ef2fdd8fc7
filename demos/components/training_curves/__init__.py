"""A training as it goes on: loss, gradient norm, gradient over distance, and what the network writes meanwhile.

Value: the dict of `demos.views.training.draw_training`, or None for the empty state.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def training_curves(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=("line_chart",), **options)
