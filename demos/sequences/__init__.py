"""Sequences: recurrent networks, their memory, what they forget, and the four kinds of task they can be given."""

import gradio as gr

from demos.base import Demo
from demos.sequences import next_token

LEAD = """A recurrent network reads one symbol at a time, and all it knows of the past is a list of numbers: its memory.
Watch it fill, measure how far back it reaches, change it, and train one yourself."""


def build() -> None:
    """One page for each question; a page that was never opened costs nothing."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    own = gr.State(None, time_to_live=next_token.STATE_SECONDS)
    with gr.Tabs():
        with gr.Tab("Next character", id="next"):
            next_token.build(own)


DEMO = Demo("sequences", "Sequences", build)
