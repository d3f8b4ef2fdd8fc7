"""All attention of one run: a grid of every head, one head large, and where a chosen token looks."""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder

PIECES = ("token_strip", "heat_map", "token_lines", "token_arcs", "head_grid")


def attention_explorer(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.figures.attention.draw_attention` returns, or None."""
    return from_folder(Path(__file__).parent, value, pieces=PIECES, **options)
