"""Every text box of every page has a limit of its own, so that what does not fit is told in the browser at once."""

import gradio as gr

from demos.page import create_app


def test_every_text_box_has_a_limit():
    app = create_app()
    used = {step for fn in app.fns.values() if fn.api_visibility == "private" for step in fn.inputs}
    boxes = [box for box in used if type(box) is gr.Textbox and box.interactive is not False]
    assert len(boxes) > 10
    assert not [box.elem_id or str(box.label) for box in boxes if not box.max_length]
