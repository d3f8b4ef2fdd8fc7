"""Boxes drawn by the visitor as the truth, and the queries that the training loss would match with them, at what cost.

Value: none. It draws on the picture that `box_figure` publishes (event `detection-run`). Boxes are drawn with mouse or
finger, or typed in pixels.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def matching_view(elem_id: str, match_boxes: Callable[[Any], dict[str, Any]]) -> gr.HTML:
    """The component; `match_boxes(request)` answers on the server (see `demos.detection.runs`)."""
    return from_folder(
        Path(__file__).parent,
        None,
        scripts=("box_drawing.js", "query_drawing.js"),
        server_functions=[match_boxes],
        elem_id=elem_id,
    )
