"""Browser-side pieces: one folder each with a template, a style and a script."""

from pathlib import Path
from typing import Any

import gradio as gr


def from_folder(folder: Path, value: Any, **options: Any) -> gr.HTML:
    """The component whose `template.html`, `style.css` and `script.js` lie in `folder`."""
    template, style, script = (
        (folder / name).read_text(encoding="utf-8") for name in ("template.html", "style.css", "script.js")
    )
    return gr.HTML(
        value, html_template=template, css_template=style, js_on_load=script, apply_default_css=False, **options
    )
