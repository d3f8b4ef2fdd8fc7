"""Boxes over the live camera: frames go out as JPEG, boxes come back as data and are drawn over the moving video.

The newest frame is sent only after the last one was answered, so nothing ever waits in line. The camera stops on the
button, when the tab is left, and when the page is hidden. `answer_frame(request)` on the server gets
`{"jpeg": base64, "model": name, "facts": bool}` and returns `{"boxes": [{box, label, score}], "seconds": model time,
"server_seconds": total}` (with `"facts": [[name, value], ...]` when asked), `{"busy": True}`, or `{"error": sentence}`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent


def live_overlay(elem_id: str, answer_frame: Callable[[Any], dict[str, Any]], model: str) -> gr.HTML:
    """The component; its value is the name of the model that answers."""
    scripts = (_HERE.parent / "box_drawing.js", _HERE / "script.js")
    return gr.HTML(
        value=model,
        html_template=(_HERE / "template.html").read_text(encoding="utf-8"),
        css_template=(_HERE / "style.css").read_text(encoding="utf-8"),
        js_on_load="\n".join(script.read_text(encoding="utf-8") for script in scripts),
        server_functions=[answer_frame],
        apply_default_css=False,
        elem_id=elem_id,
    )
