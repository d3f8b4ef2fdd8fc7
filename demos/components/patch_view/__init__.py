"""A picture as a Vision Transformer sees it: click a patch to see where it looks and what its numbers are."""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def patch_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.figures.vit.draw_vit` returns, or None."""
    return from_folder(Path(__file__).parent, value, **options)
