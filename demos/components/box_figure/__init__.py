"""A picture with its boxes. Click a box to see where its query looked; the threshold redraws at once, in the browser.

Value: the dict of `demos.figures.detection.draw_boxes`, or None for the empty state. The threshold comes from
`window.glassbox.detectionThreshold`; the document's event `detection-threshold` says that it has changed.
"""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def box_figure(elem_id: str) -> gr.HTML:
    """The component; give it a dict of `draw_boxes` as its value."""
    scripts = (_HERE.parent / "box_drawing.js", _HERE / "script.js")
    return gr.HTML(
        value=None,
        html_template=(_HERE / "template.html").read_text(encoding="utf-8"),
        css_template=(_HERE / "style.css").read_text(encoding="utf-8"),
        js_on_load="\n".join(script.read_text(encoding="utf-8") for script in scripts),
        apply_default_css=False,
        elem_id=elem_id,
    )
