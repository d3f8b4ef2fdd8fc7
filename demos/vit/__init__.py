"""ViT: a picture cut into patches, what every patch knows, the same damage done to a CNN, and your own classes."""

import gradio as gr

from demos.base import Demo
from demos.given import Given
from demos.predict import panel
from demos.tab import inner_page, inner_pages
from demos.vit import compare, damage, features, neighbours, own_classes, steps, windows, zero_shot
from demos.vit.predictions import QUESTIONS

LEAD = """A Vision Transformer cuts a picture into patches and reads them as if they were words: each patch becomes a
list of numbers, gets a position, and looks at all others."""

PAGES = (steps, features, neighbours, own_classes, zero_shot, damage, compare, windows)
WITHOUT_PICTURE = (own_classes,)
READ = {
    "image": "vit-image",
    "model": "vit-model",
    "neighbours_image": "neighbours-image",
    "damage_image": "damage-image",
    "damage_seed": "damage-seed",
}
"""What questions read, by the name they know it by: the element id of the control."""


def build() -> None:
    """The tab: one page for each part of the story; a page that was never opened is not in the document."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    given = Given()
    with inner_pages(elem_id="vit-pages"):
        for page in PAGES:
            slug = page.__name__.rpartition(".")[2]
            with inner_page(page.TITLE, slug, elem_id=f"vit-page-{slug}"):
                page.build() if page in WITHOUT_PICTURE else page.build(given)
    panel("vit", QUESTIONS, {page.__name__.rpartition(".")[2]: page.TITLE for page in PAGES}, READ)


DEMO = Demo("vit", "ViT", build)
