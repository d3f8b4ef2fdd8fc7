"""Diffusion: noise added by a formula, pictures denoised step by step, forked, and made from a visitor's picture."""

import gradio as gr

from demos.base import Demo
from demos.diffusion import (
    api,
    applications,
    between,
    copying,
    forward,
    image,
    inside,
    large,
    other_data,
    predictions_beyond,
    reverse,
    side_by_side,
    toy,
    training,
)
from demos.diffusion.predictions import QUESTIONS
from demos.predict import panel
from demos.tab import inner_page, inner_pages

LEAD = """A diffusion model learns one thing: to tell picture and noise apart in a noisy picture. Adding noise needs no
learning; taking it away, a little at a time, makes pictures that never existed."""

PAGES = (
    forward,
    reverse,
    inside,
    side_by_side,
    between,
    image,
    training,
    copying,
    applications,
    toy,
    other_data,
    large,
)
WITH_OWN_NETWORK = (reverse, inside, between, image, training)
READ = {
    "network": "diffusion-network",
    "schedule": "diffusion-schedule",
    **{name: f"diffusion-reverse-{name}" for name in ("steps", "seed", "guidance", "sampler")},
    "sprite_class": "diffusion-reverse-class",
    **predictions_beyond.READ,
}
"""What questions read, by the name they know it by: the element id of the control."""


def build() -> None:
    """The tab: one page for each part of the story; a page that was never opened is not in the document."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    own = gr.State("")  # the name of the network that the visitor has trained
    with inner_pages(selected="reverse", elem_id="diffusion-pages"):
        for page in PAGES:
            slug = page.__name__.rpartition(".")[2]
            with inner_page(page.TITLE, slug, elem_id=f"diffusion-{slug}"):
                page.build(own) if page in WITH_OWN_NETWORK else page.build()
    panel("diffusion", QUESTIONS, {page.__name__.rpartition(".")[2]: page.TITLE for page in PAGES}, READ)
    api.build()


DEMO = Demo("diffusion", "Diffusion", build)
