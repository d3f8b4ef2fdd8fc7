"""Attention within shifted windows: a block, a head and a patch are chosen on the picture.

Nothing is asked of the server after the value has arrived.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def window_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.views.vit_windows.draw_windows` returns, or None."""
    return from_folder(Path(__file__).parent, value, pieces=("picture_tokens",), **options)
