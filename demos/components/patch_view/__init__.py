"""A picture cut into patches, the answer of a Vision Transformer, and its answer after every layer."""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def patch_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.figures.vit.draw_answers` returns, or None."""
    return from_folder(Path(__file__).parent, value, pieces=("picture_tokens",), **options)
