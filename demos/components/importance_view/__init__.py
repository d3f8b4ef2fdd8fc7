"""Four answers to what a prediction owes itself to, token by token, and how far they agree.

Value: `{"question", "answer"}`, the dicts of `demos.views.attention_inside.draw_question` and `draw_importance`
(None before anything was asked), or None. Event `ask` (position, token): measure this prediction.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def importance_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=("token_strip",), **options)
