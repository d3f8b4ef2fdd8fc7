"""The final softmax: logits of the likeliest tokens, temperature, top-k and top-p, and one of them drawn or taken.

Value: what `demos.views.attention_layers.draw_next` returns, or None. Event: `take` (word): write it and go on.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def next_token(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, **options)
