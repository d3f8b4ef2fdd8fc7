"""The same answers with and without non-maximum suppression, after every stage of the detector.

Value: none. It draws the picture that `box_figure` publishes (event `detection-run`) and asks the server for the boxes
of all stages at the threshold above and the chosen overlap.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def suppression_view(elem_id: str, suppress_boxes: Callable[[Any], dict[str, Any]]) -> gr.HTML:
    """The component; `suppress_boxes(request)` answers on the server (see `demos.detection.runs`)."""
    return from_folder(
        Path(__file__).parent,
        None,
        scripts=("box_drawing.js", "query_drawing.js"),
        server_functions=[suppress_boxes],
        elem_id=elem_id,
    )
