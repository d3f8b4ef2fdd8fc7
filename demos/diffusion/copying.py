"""From copying to inventing: the same small network trained on few and on many sprites, computed beforehand."""

from html import escape

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip
from demos.opening import opens
from demos.tab import LIGHT
from demos.ui import component
from demos.views.diffusion_copying import CopyingView, view_of_copying

TITLE = "From copying to inventing"

COPYING = """The loss asks for nothing but the noise in the pictures that were given, and its exact minimum would be a
network that can draw those pictures and no other: each sample would be a copy. With one sprite, or twelve, a small
network comes near it. With many it cannot keep them all: where several would do, it says their mean, and what follows
from many such means is a picture that was not there before. Kadkhodaie et al. (2024) show it with photos: two networks
trained on different halves of enough pictures draw the same new ones.

A sample is called a copy here if it is nearer to a training sprite than 95 of 100 real sprites are that were kept out,
measured pixel by pixel. How good a sample is, the distance does not say. All began with the same weights and draw from
the same noise, so that the samples in a column can be compared."""

TRY = """- Follow one column down: the same noise, the same weights at the start. What decides is what it has seen.
- Which samples of the largest set are still things? Quantity makes them new, further training would make them sharp.
- Train one yourself on the page “Train one”: with six drawings of your own it copies, and the row under its samples
  shows which."""


def view_copying() -> tuple[CopyingView, str]:
    """What the page shows, and how it was computed."""
    from models.diffusion.copying import copying

    found = copying()
    facts = {"model": "the small U-Net of “Train one”", "networks": str(len(found.networks))}
    facts |= {"steps of each": f"{found.steps:,}"}
    cells = "".join(f"<span><b>{key}</b> {escape(value)}</span>" for key, value in facts.items())
    note = f'<span class="gb-strip-note">Computed beforehand: {escape(found.command)}</span>'
    return view_of_copying(found), f'<div class="gb-strip" role="status">{cells}{note}</div>'


def build() -> None:
    """The page: a row of samples for each network, and one sample large beside its nearest sprite."""
    view = component("copying_view", elem_id="diffusion-copying-view")
    strip = gr.HTML(empty_strip("Nothing is computed for this page: it was computed beforehand."))
    gr.Markdown(COPYING, elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(looks=("sample",))
    opens(view_copying, [], [view, strip], queue=LIGHT)
