"""What the pages of the Attention tab begin with: a sentence, examples, the choice of a model."""

from typing import Any

import gradio as gr

from demos.offer import model_offer
from models import weights
from models.inputs import check_text

MAX_CHARS = 5_000
PREFERRED = "all-minilm-l6-v2"
FIRST_PREDICTING = ("book-gpt", "translator-en-fr")
STATE_SECONDS = 3_600

EXAMPLES = {
    "It, the animal": "The animal didn't cross the street because it was too tired.",
    "To translate": "I don't know what you were talking about yesterday.",
    "A repeated word": "The bank by the river is not the bank that lends money.",
    "A list, twice": "stone bird green letter moon garden stone bird green letter moon",
}


def default_model() -> str:
    """The pretrained encoder; a hub model in mode `hub`."""
    return weights.first_choice("attention", PREFERRED)


def predicting_model() -> str:
    """The model a page begins with that wants a prediction: one that writes, if there is one; a hub model in mode
    `hub`.
    """
    offered = weights.offered("attention")
    first = next((name for name in FIRST_PREDICTING if name in offered), default_model())
    return weights.first_choice("attention", first)


def check_sentence(text: Any, name: str = "The sentence") -> str:
    """The visitor's text, or `InputError`."""
    return check_text(text, name=name, max_chars=MAX_CHARS)


def _title(name: str) -> str:
    entry = weights.find(name)
    return f"{entry.title}, from the hub" if entry.kind == "hub" else entry.title


def sentence_controls(
    prefix: str, example: str, action: str, model: str
) -> tuple[gr.Textbox, list[gr.Button], gr.Dropdown, gr.Button]:
    """What every page begins with: sentence, examples, model and the button. Element ids begin with `prefix`."""
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            text = gr.Textbox(
                example, label="Your sentence", lines=2, max_lines=6, max_length=MAX_CHARS, elem_id=f"{prefix}-text"
            )
            with gr.Row():
                examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
        with gr.Column(scale=2, min_width=280):
            choices = [(_title(name), name) for name in weights.offered("attention")]
            chosen = gr.Dropdown(choices, value=model, label="Model", elem_id=f"{prefix}-model")
            run = gr.Button(action, variant="primary", elem_id=f"{prefix}-run")
            model_offer(chosen, weights.better_than_embedded("attention"))
    return text, examples, chosen, run
