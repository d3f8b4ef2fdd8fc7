"""A translation under way: the alignment grid, what each written token read, and what else could stand there.

Value: the dict of `demos.views.translation.draw_writing`, or None for the empty state. Event `force` (position,
token): a token was chosen for a position, to go on from there.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def translation_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=("token_strip", "heat_map"), **options)
