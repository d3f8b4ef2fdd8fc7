"""Layers against tokens: what each layer would predict already, how sure it is, and how much it changes the stream.

Value: what `demos.views.attention_layers.draw_lens` returns, or None. Event: `pick` (layer, token).
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def logit_lens(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, **options)
