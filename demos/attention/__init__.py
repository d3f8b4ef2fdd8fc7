"""Attention: the weighted sum taken apart, every head on your sentence, live translation, the inside changed."""

import gradio as gr

from demos.attention import explorer, inside, layers, parallel, picture, translation, weighted_sum, why
from demos.attention.predictions import QUESTIONS
from demos.base import Demo
from demos.predict import panel
from demos.tab import inner_page, inner_pages

LEAD = """In a Transformer every token gathers information from the others. How much it takes from each is a row of
numbers that sums to one: its attention. Here are all of them, for your sentence."""

PAGES = (why, picture, weighted_sum, explorer, layers, translation, inside, parallel)
READ = {
    f"{name}_{part}": f"{prefix}-{part}"
    for name, prefix in (("explorer", "attention"), ("sum", "sum"), ("inside", "inside"), ("translate", "translate"))
    for part in ("text", "model")
}
"""What questions read, by the name they know it by: the element id of the control."""


def build() -> None:
    """The tab: one page for each part of the story; a page that was never opened is not in the document."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with inner_pages(selected="explorer", elem_id="attention-pages"):
        for page in PAGES:
            slug = page.__name__.rpartition(".")[2]
            with inner_page(page.TITLE, slug, elem_id=f"attention-page-{slug}"):
                page.build()
    panel("attention", QUESTIONS, {page.__name__.rpartition(".")[2]: page.TITLE for page in PAGES}, READ)


DEMO = Demo("attention", "Attention", build)
