"""A training of one's own classes: both curves, the confusion matrix at every step, and what was said of each picture.

Value: what `demos.views.own_classes.draw_training` returns, or None.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def class_board(**options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, None, pieces=("line_chart",), **options)
