"""Detection: a picture or the live camera goes in, a set of boxes comes out, and every box says where it looked."""

import gradio as gr
from starlette.routing import WebSocketRoute

from demos.base import Demo
from demos.detection import compare, live, own_boxes, picture, video
from demos.detection.api import THRESHOLD
from demos.detection.media import ROUTES
from demos.detection.predictions import QUESTIONS
from demos.detection.socket import PATH, serve_live
from demos.detection.taught import Taught
from demos.offer import model_offer
from demos.predict import panel
from demos.tab import inner_page, inner_pages, private
from demos.ui import sharing
from models import weights

LEAD = "A detector answers two questions at once: what is in the picture, and where."

PAGES = (picture, live, video, own_boxes, compare)
WITH_TAUGHT = (picture, own_boxes)
READ = {"image": "detection-image", "model": "detection-model", "threshold": "detection-threshold"}
"""What questions read, by the name they know it by: the element id of the control."""


def build() -> None:
    """The tab: model and threshold for all pages above, one page for each part of the story below."""
    lead = gr.Markdown(elem_classes="gb-lead")
    with gr.Row():
        model = gr.Dropdown(
            _choices(),
            value=weights.first_choice("detection", weights.offered("detection")[0]),
            label="Model",
            elem_id="detection-model",
            min_width=260,
        )
        threshold = gr.Slider(
            0,
            1,
            THRESHOLD,
            step=0.01,
            label="Threshold",
            info="Boxes with a higher score are shown; nothing is run again.",
            elem_id="detection-threshold",
            min_width=260,
        )
    lead.value = view_lead(model.value)
    model.change(view_lead, model, lead, queue=False, **private())
    model_offer(model, weights.better_than_embedded("detection"))
    threshold.change(None, threshold, None, js=sharing("threshold"), **private())
    taught = Taught()
    with inner_pages(elem_id="detection-pages"):
        for page in PAGES:
            slug = page.__name__.rpartition(".")[2]
            with inner_page(page.TITLE, slug, elem_id=f"detection-{slug}-tab"):
                page.build(model, threshold, taught) if page in WITH_TAUGHT else page.build(model, threshold)
    panel("detection", QUESTIONS, {page.__name__.rpartition(".")[2]: page.TITLE for page in PAGES}, READ)


def view_lead(model: object) -> str:
    """What a detector does, and what the chosen one knows."""
    entry = weights.find(model, "detection")
    return f"{LEAD} {entry.title} knows {entry.does}." if entry.does else LEAD


def _choices() -> list[tuple[str, str]]:
    """(title, name) of the detectors that may be chosen."""
    entries = [weights.find(name) for name in weights.offered("detection")]
    return [(f"{e.title}, from the hub" if e.kind == "hub" else e.title, e.name) for e in entries]


DEMO = Demo("detection", "Detection", build, routes=(WebSocketRoute(PATH, serve_live), *ROUTES))
