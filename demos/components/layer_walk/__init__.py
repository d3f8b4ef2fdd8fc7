"""One token's way through one layer: every vector from the residual stream back to the residual stream, in numbers.

Value: what `demos.views.attention_layers.draw_walk` returns, or None.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def layer_walk(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, **options)
