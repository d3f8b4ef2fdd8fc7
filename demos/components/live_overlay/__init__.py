"""Boxes over live video, from the camera or a video file: frames go out as JPEG, boxes come back as data.

Boxes are drawn over the moving video, so the picture never stutters. At most two frames are on their way, the second
sent so that it meets an idle model; on a slow network frames get smaller. The camera stops on the button, when the tab
is left, and when the page is hidden.

Frames go over the WebSocket of docs/live-transport.md. Where none can be opened, `detect_frame(request)` on the server
gets `{"jpeg": base64, "model": name, "facts": bool}` and returns what the WebSocket would, `{"busy": True}` for a
dropped frame, or `{"error": sentence}`. Each answer is a DOM event `frame` of the element `.live`, with
`detail = {latency (ms, from camera to box), boxes, answer}`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent
SCRIPTS = ("../box_drawing.js", "transport.js", "source.js", "marks.js", "script.js")


def live_overlay(elem_id: str, detect_frame: Callable[..., dict[str, Any]], model: str) -> gr.HTML:
    """The component; its value is the name of the model that answers."""
    return gr.HTML(
        value=model,
        html_template=(_HERE / "template.html").read_text(encoding="utf-8"),
        css_template=(_HERE / "style.css").read_text(encoding="utf-8"),
        js_on_load="\n".join((_HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        server_functions=[detect_frame],
        apply_default_css=False,
        elem_id=elem_id,
    )
