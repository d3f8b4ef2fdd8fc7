"""A text read with and without an edit of the memory: where the predictions part, and what each run goes on to write.

Value: the dict of `demos.views.memory.draw_comparison`, or None for the empty state. Event `pause` (position): a
character was clicked, the next edit takes place after it.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def memory_compare(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=("line_chart",), **options)
