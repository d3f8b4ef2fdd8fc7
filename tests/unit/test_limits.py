"""Every text box of every page has a limit of its own, so that what does not fit is told in the browser at once."""

import gradio as gr

from demos.page import create_app


def test_every_text_box_has_a_limit():
    app = create_app()
    used = {step for fn in app.fns.values() if fn.api_visibility == "private" for step in fn.inputs}
    boxes = [box for box in used if type(box) is gr.Textbox and box.interactive is not False]
    assert len(boxes) > 10
    assert not [box.elem_id or str(box.label) for box in boxes if not box.max_length]


def test_no_picture_field_mirrors_what_its_webcam_sees():
    """Gradio would mirror the photo itself, so that left is right for the model."""
    fields = [block for block in create_app().blocks.values() if isinstance(block, gr.Image)]
    cameras = [field for field in fields if field.sources and "webcam" in field.sources]
    assert len(cameras) > 3
    assert all(field.webcam_options.mirror is False for field in cameras)
