"""Switches for the inside of a network: heads, layers, single looks, hidden and swapped tokens, positions.

Value: the dict of `demos.views.attention_inside.draw_inside`, or None for the empty state. Event `rework`
(heads_off, layers_off, edges_off, unseen, swap, positions, as `models.attention.changes` takes them): something was
switched, sent when the hand rests.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def inside_switches(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=("token_strip",), **options)
