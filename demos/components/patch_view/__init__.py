"""A picture as a Vision Transformer sees it: click a patch to see where it looks and what its numbers are."""

from pathlib import Path
from typing import Any

import gradio as gr

_FOLDER = Path(__file__).parent


def patch_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.figures.vit.draw_vit` returns, or None."""
    template, style, script = (
        (_FOLDER / name).read_text(encoding="utf-8") for name in ("template.html", "style.css", "script.js")
    )
    return gr.HTML(
        value, html_template=template, css_template=style, js_on_load=script, apply_default_css=False, **options
    )
