"""All attention of one run: a grid of every head, one head large, and where a chosen token looks.

Tokens are words in a line or patches on a picture; all else is the same.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder

PIECES = ("token_strip", "heat_map", "token_lines", "token_arcs", "head_grid", "picture_tokens")


def attention_explorer(value: dict[str, Any] | None = None, *, title: str = "", empty: str, **options: Any) -> gr.HTML:
    """The component; its value is what `draw_attention` of `demos.views.attention` or `.vit` returns, or None.

    `empty` is what it says before there is anything to draw. A run whose attention did not travel is asked for one
    looking token at a time through the server function `attention_rows`.
    """
    return from_folder(Path(__file__).parent, value, pieces=PIECES, title=title, empty=empty, **options)
