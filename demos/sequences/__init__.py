"""Sequences: recurrent networks, their memory, what they forget, and the four kinds of task they can be given."""

import gradio as gr

from demos.base import Demo
from demos.predict import panel
from demos.sequences import api, captions, edit, next_character, picture, reach, story, tasks, training
from demos.sequences.networks import choices
from demos.sequences.predictions import QUESTIONS
from demos.tab import inner_page, inner_pages, private
from demos.ui import carrying

LEAD = """A recurrent network reads one symbol at a time, and all it knows of the past is a list of numbers: its memory.
Watch it fill, measure how far back it reaches, change it, and train one yourself."""

EDITED = ("text", "model", "kind", "position", "units", "factor", "donor", "strength", "seed")
PAGES = {
    "picture": picture.TITLE,
    "next": "Next character",
    "reach": "How far back",
    "edit": "Edit the memory",
    "types": "Four types",
    "captions": captions.TITLE,
    "story": story.TITLE,
    "train": "Train one",
}
READ = {
    **{name: f"sequences-{name}" for name in ("text", "model", "review", "sentence")},
    **{f"edit_{name}": f"sequences-edit-{name}" for name in EDITED},
    "reach_text": "sequences-reach-text",
}
"""What questions read, by the name they know it by: the element id of the control."""


def build() -> None:
    """One page for each question; a page that was never opened costs nothing."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    own = gr.State(None, time_to_live=next_character.STATE_SECONDS)
    with inner_pages(selected="next"):
        with inner_page(PAGES["picture"], "picture"):
            picture.build()
        with inner_page(PAGES["next"], "next"):
            first = next_character.build(own)
        with inner_page(PAGES["reach"], "reach") as reach_tab:
            reach_text = reach.build(own)
        with inner_page(PAGES["edit"], "edit") as edit_tab:
            edited = edit.build(own)
        with inner_page(PAGES["types"], "types"):
            tasks.build()
        with inner_page(PAGES["captions"], "captions"):
            captions.build()
        with inner_page(PAGES["story"], "story"):
            story.build()
        with inner_page(PAGES["train"], "train"):
            training.build(own)
    for tab, text in ((reach_tab, reach_text), (edit_tab, edited.text)):
        tab.select(None, [first.text, text], text, js=carrying(tab.id, text.value, first.text.value), **private())
    own.change(_with_own, own, [first.model, edited.model], queue=False, **private())
    panel("sequences", QUESTIONS, PAGES, READ, {"own": own})
    api.build()


def _with_own(own: str | None) -> list[gr.Radio]:
    """Both choices of a network, with the one the visitor has just kept among them."""
    return [gr.Radio(choices(own)) for _ in range(2)]


DEMO = Demo("sequences", "Sequences", build)
