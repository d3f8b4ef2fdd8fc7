"""The whole picture: a Transformer and its recurrent twin, your sentence flowing through both; every part is a door."""

from functools import partial
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.attention.controls import EXAMPLES, MAX_CHARS, check_sentence
from demos.base import empty_strip, strip_of
from demos.opening import opens
from demos.tab import RUN, private
from demos.ui import component
from demos.views.attention_picture import PictureView, view_of_picture

TITLE = "The whole picture"
EXAMPLE = "My brother bought a red car last week."

LEAD = """Two networks translate your sentence. The **Transformer** keeps a vector for every token and adds to all of
them at once, layer by layer; any token may look at any other. Its **recurrent twin** reads one token after the other
into a single state, and must write the French from the last one. Every column is a real vector of this run: click one
to follow its token, click a part to open it."""

MEANING = """Each block adds two things to a token's vector: what its heads **read from other tokens** (attention), and
what a small network makes **of this token alone** (feed-forward); before each the vector is normed, and what comes out
is added to it, so that nothing is lost on the way. In the decoder a second attention reads the encoder. The twin has
one cell, used again at every step: what it does inside is on the first page of the Sequences tab."""


def compute_picture(text: Any) -> tuple[PictureView, str]:
    """Both networks on a sentence. Returns (picture, strip)."""
    text = check_sentence(text)
    from models.attention.picture import look_at_picture

    found = look_at_picture(text)
    twin = f"Beside it the {found.twin_run.title}: {found.twin_run.parameters:,} parameters."
    note = " ".join(filter(None, (found.note, twin)))
    return view_of_picture(found, text), strip_of(found.run, note=note)


def build() -> None:
    """The page: a sentence, the picture, what it means."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        text = gr.Textbox(
            EXAMPLE, label="English", lines=1, max_lines=4, max_length=MAX_CHARS, scale=4, elem_id="picture-text"
        )
        run = gr.Button("Run", variant="primary", scale=1, min_width=90, elem_id="picture-run")
    with gr.Row():
        examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
    picture = component("architecture", elem_id="picture-view")
    strip = gr.HTML(empty_strip("Both networks are loaded when you press Run."), elem_id="picture-strip")
    gr.Markdown(MEANING, elem_classes="gb-note")
    keeps(text=text)
    opens(compute_picture, [text], [picture, strip])
    gr.on([run.click, text.submit], compute_picture, text, [picture, strip], **private(), **RUN)
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_picture, text, [picture, strip], **private(), **RUN
        )
