"""Browser-side pieces: one folder each with a template, a style and a script."""

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent


def from_folder(
    folder: Path, value: Any, *, pieces: tuple[str, ...] = (), scripts: tuple[str, ...] = (), **options: Any
) -> gr.HTML:
    """The component whose `template.html`, `style.css` and `script.js` lie in `folder`.

    `pieces` are folders of this package whose styles and scripts come before its own; `scripts` are files of this
    package that come before all.
    """
    folders = [*(_HERE / piece for piece in pieces), folder]
    style, script = (
        "\n".join((f / name).read_text(encoding="utf-8") for f in folders) for name in ("style.css", "script.js")
    )
    script = "\n".join([*((_HERE / name).read_text(encoding="utf-8") for name in scripts), script])
    template = (folder / "template.html").read_text(encoding="utf-8")
    return gr.HTML(
        value, html_template=template, css_template=style, js_on_load=script, apply_default_css=False, **options
    )
