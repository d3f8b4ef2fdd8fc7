"""Which earlier characters a prediction hangs on, the same position for several networks side by side.

Value: the dict of `demos.views.influence.draw_influence`, or None for the empty state.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def influence_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=("line_chart",), **options)
