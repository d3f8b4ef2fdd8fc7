"""Lines over one axis, with the values under the pointer in the legend.

Value: `{"series": [{"name", "color", "dash", "points": [[x, y], ...]}], "x", "y", "low", "high", "log", "logx", "dots",
"unit", "cloud", "cloudNote"}` or None (see `line_chart/script.js`); colours are roles of `demos.theme`.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def chart(value: dict[str, Any] | None = None, *, empty: str, **options: Any) -> gr.HTML:
    """The component; `empty` is what it says before there is anything to draw."""
    return from_folder(Path(__file__).parent, value, pieces=("line_chart",), empty=empty, **options)
