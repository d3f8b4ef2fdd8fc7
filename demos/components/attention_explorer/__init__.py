"""All attention of one run: a grid of every head, one head large, and where a chosen token looks."""

from pathlib import Path
from typing import Any

import gradio as gr

PIECES = ("token_strip", "heat_map", "token_lines", "head_grid", "attention_explorer")
_COMPONENTS = Path(__file__).parent.parent


def attention_explorer(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; its value is what `demos.figures.attention.draw_attention` returns, or None."""
    return gr.HTML(
        value,
        html_template=(_COMPONENTS / "attention_explorer" / "template.html").read_text(encoding="utf-8"),
        css_template=_joined("style.css"),
        js_on_load=_joined("script.js"),
        apply_default_css=False,
        **options,
    )


def _joined(file: str) -> str:
    return "\n".join((_COMPONENTS / piece / file).read_text(encoding="utf-8") for piece in PIECES)
