"""A text under the eyes of a recurrent network: surprise, next-character bars and the map of its memory, linked.

Value: the dict of `demos.figures.sequences.draw_reader`, or None for the empty state. Hovering, scrubbing, choosing a
unit and ordering units happen in the browser. Events: `typed`: somebody changed the text of the text box; `pick`
(position, character): a bar was clicked; `inspect` (position, unit): a cell of the map was clicked.
"""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def sequence_reader(elem_id: str, *, listens_to: str) -> gr.HTML:
    """The component; `listens_to` is the `elem_id` of the text box."""
    return gr.HTML(
        value=None,
        html_template=(_HERE / "template.html").read_text(encoding="utf-8"),
        css_template=(_HERE / "style.css").read_text(encoding="utf-8"),
        js_on_load=(_HERE / "script.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
        listens_to=listens_to,
    )
