"""The forward process at one time: clean picture and noise in their shares, the noisy picture, curve and histogram."""

from pathlib import Path
from typing import Any

import gradio as gr

_FOLDER = Path(__file__).parent


def noise_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.figures.diffusion.draw_forward` returns, or None."""
    template, style, script = (
        (_FOLDER / name).read_text(encoding="utf-8") for name in ("template.html", "style.css", "script.js")
    )
    return gr.HTML(
        value, html_template=template, css_template=style, js_on_load=script, apply_default_css=False, **options
    )
