"""A picture with its boxes, and for a chosen one its query's way there: by layer, points, other queries, proposals.

Value: the dict of `demos.views.detection_trace.draw_trace`, or None for the empty state. The threshold comes from
`window.glassbox.detectionThreshold`; the document's event `detection-threshold` says that it has changed. Other
components of the page read the picture from `window.glassbox.detection` when the event `detection-run` says that there
is one; the patch at the centre of a chosen query's box is told to `attention_explorer` by the event `glassbox-token`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder

PIECES = ("query_steps", "query_points", "query_links", "proposal_map")


def box_figure(elem_id: str, query_rows: Callable[[Any], dict[str, Any]]) -> gr.HTML:
    """The component; give it a dict of `draw_trace` as its value.

    `query_rows(request)` on the server answers whom a query attends to (see `demos.detection.runs`).
    """
    return from_folder(
        Path(__file__).parent,
        None,
        pieces=PIECES,
        scripts=("box_drawing.js", "query_drawing.js"),
        server_functions=[query_rows],
        elem_id=elem_id,
    )
