"""What a network predicts before and after a change, at any position, and how far each token's vector moved.

Value: the dict of `demos.views.attention_effect.draw_effect`, or None for the empty state. Event `pick` (position): a
prediction was chosen.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def prediction_pair(value: dict[str, Any] | None = None, *, empty: str, **options: Any) -> gr.HTML:
    """The component; `empty` is what it says before there is anything to show."""
    return from_folder(Path(__file__).parent, value, pieces=("token_strip",), empty=empty, **options)
