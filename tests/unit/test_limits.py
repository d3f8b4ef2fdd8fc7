"""Every text box of every page has a limit of its own, so that what does not fit is told in the browser at once."""

import gradio as gr
import pytest

from demos.page import create_app

app = create_app()
USED = {step for fn in app.fns.values() if fn.api_visibility == "private" for step in fn.inputs}
BOXES = [box for box in USED if type(box) is gr.Textbox and box.interactive is not False]


@pytest.mark.parametrize("box", BOXES, ids=lambda box: box.elem_id or box.label)
def test_a_text_box_has_a_limit(box):
    assert box.max_length
