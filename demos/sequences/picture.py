"""The whole picture from this tab's side: a recurrent translator beside a Transformer, your sentence through both."""

from functools import partial

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.opening import opens
from demos.tab import RUN, private
from demos.ui import component
from demos.views.attention_picture import PictureView, view_of_picture
from models.inputs import check_text

TITLE = "The whole picture"
MAX_CHARS = 2_000
EXAMPLES = {
    "Red car": "My brother bought a red car last week.",
    "A long one": "I thought that he would come back before the winter, but nobody has seen him since then.",
}

LEAD = """A **recurrent network** reads one token after the other into a single state, its memory, and everything later
must come from there. Beside it a **Transformer**, which keeps a vector for every token and may look back at each.
Every column is a real vector of this run: click a part to open the page that takes it apart. The twin's cell, reading
letters in place of words, is on the page Next character."""


def compute_picture(text: object) -> tuple[PictureView, str]:
    """Both networks on a sentence. Returns (picture, strip)."""
    text = check_text(text, name="The sentence", max_chars=MAX_CHARS)
    from models.attention.picture import look_at_picture

    found = look_at_picture(text)
    beside = f"Beside it the {found.run.title}: {found.run.parameters:,} parameters."
    return view_of_picture(found, text), strip_of(found.twin_run, note=" ".join(filter(None, (found.note, beside))))


def build() -> None:
    """The page: a sentence, and both networks with it."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        text = gr.Textbox(
            EXAMPLES["Red car"],
            label="English",
            lines=1,
            max_lines=4,
            max_length=MAX_CHARS,
            scale=4,
            elem_id="whole-text",
        )
        run = gr.Button("Run", variant="primary", scale=1, min_width=90, elem_id="whole-run")
    with gr.Row():
        examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
    picture = component("architecture", elem_id="whole-view", first="twin")
    strip = gr.HTML(empty_strip("Both networks are loaded when you press Run."))
    keeps(text=text)
    opens(compute_picture, [text], [picture, strip])
    shown = [picture, strip]
    gr.on([run.click, text.submit], compute_picture, text, shown, **private(), **RUN)
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        filled = button.click(partial(str, example), None, text, queue=False, **private())
        filled.success(compute_picture, text, shown, **private(), **RUN)
