"""The reverse process as a film: x_t, predicted noise and predicted x_0 of every step; play, step, go back, jump."""

from pathlib import Path
from typing import Any

import gradio as gr

_FOLDER = Path(__file__).parent


def filmstrip(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; None, or `{"run": id, "count", "total", "steps": [draw_step(...), ...]}`.

    `draw_step` is that of `demos.figures.diffusion`; `run` tells a new film from a longer one.
    """
    template, style, script = (
        (_FOLDER / name).read_text(encoding="utf-8") for name in ("template.html", "style.css", "script.js")
    )
    return gr.HTML(
        value, html_template=template, css_template=style, js_on_load=script, apply_default_css=False, **options
    )
