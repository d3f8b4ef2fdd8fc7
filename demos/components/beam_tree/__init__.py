"""The tree of a beam search: a column a step, the likeliest beginnings on top, what was dropped below them.

Value: the dict of `demos.views.translation.draw_tree`, or None for the empty state. Event `adopt` (node): a node was
chosen, to go on from what is written there.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def beam_tree(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, **options)
