"""A small network trained in the browser on points of the plane: its whole vector field, and noise flowing along it."""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def vector_field(elem_id: str) -> gr.HTML:
    """The component; everything happens in the browser, the server computes nothing."""
    scripts = (_HERE / "network.js", _HERE / "script.js")
    return gr.HTML(
        value=None,
        html_template=(_HERE / "template.html").read_text(encoding="utf-8"),
        css_template=(_HERE / "style.css").read_text(encoding="utf-8"),
        js_on_load="\n".join(script.read_text(encoding="utf-8") for script in scripts),
        apply_default_css=False,
        elem_id=elem_id,
    )
