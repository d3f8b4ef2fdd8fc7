"""What patches know: the features of every patch after every layer, as colours, compared, and how far heads look."""

import hashlib
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from demos.address import keeps
from demos.base import empty_strip, strip_of, usable_model
from demos.finding import finding_line, html_of_finding
from demos.given import Given
from demos.offer import model_offer, run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, RUN, fold, private
from demos.ui import component
from demos.views.tables import scrolls
from demos.views.tasks import draw_table
from demos.views.vit_features import view_of_distances, view_of_features
from demos.views.vit_found import sentence_of_likeness, sentence_of_reach
from demos.vit.shared import ANOTHER, EMBEDDED, example_row, picture_input
from models import runtime, weights
from models.images import read_image
from models.vit.found import best_likeness

TITLE = "What patches know"

LEAD = """After every layer each patch is a list of numbers, its features. Patches that show like things get features
alike, also in another picture: nobody told the network which patches belong together."""

MEANING = r"""**Colours**: the three directions in which the patches of a layer differ most (principal components), from
all patches of both pictures together, so that one colour means one thing in both. The 1 % at either end of a direction
share one colour. **Similarity** of two patches with features $x$ and $y$ is the [cosine](#term-cosine) of the angle
between them:

$$\cos(x, y) = \frac{x \cdot y}{\lVert x \rVert \, \lVert y \rVert}$$

Before the first layer only pixels and places are alike. Later, what is alike is more and more what a patch belongs to
(Amir et al. 2021; Oquab et al. 2023). The head of this model was [fine-tuned](#term-fine-tuning) to name one thing a
picture, so that its
last layers need not keep apart the parts of that thing."""

DISTANCES = r"""### How far each head looks
The mean distance in pixels between a patch and what it looks at, weighted by attention $A$ (Dosovitskiy et al. 2021,
section 4.5), with $p_i$ the middle of patch $i$; what goes to CLS is left out. A CNN's first layers see a few pixels
only: here some heads look across the whole picture from the first layer on, while others stay near.

$$d = \frac{1}{N} \sum_i \frac{\sum_j A_{ij} \lVert p_i - p_j \rVert}{\sum_j A_{ij}}$$"""

BEFORE_AND_AFTER = """### Before and after fine-tuning
Measured beforehand on 2,540 photos that were not trained on, 168 pixels a side: mean per-class accuracy over the 101
categories when the network stays frozen and only its features are read, by the five nearest labelled photos or by one
linear layer."""

READINGS = (  # of the backbone, with the accuracy in percent before and after, as in the model's card
    ("5 nearest neighbours, CLS", 53.8, 93.5),
    ("linear layer on CLS", 80.3, 94.4),
    ("linear layer on CLS and mean patch", 80.6, 94.3),
    ("linear layer on CLS of the last four layers", 83.3, 93.9),
)

MEASURED_BY = """`python -m models.recipes.vit.probe --data caltech101.parquet --weights FOLDER --size 168`, with the
backbone before or after in FOLDER. Before, the nearest photos named the right category in about half of the cases,
though one linear layer could already tell four of five. Fine-tuning moved photos of one category together. "Before" is
DINOv2 as others had tuned it for saliency, not as it was published."""

TRY = """- Take two pictures of animals, choose the eye or the nose in one: which patch of the other is most like it?
- Move the layer from 0 to 12 and watch the chosen patch: first its like are patches with the same edges and the same
  place, then patches of the same thing.
- Choose a patch of the background: where does the animal end, by similarity? From which layer on?
- Take two very different pictures: do the colours still separate thing and background in both?
- In the chart, find a head of the first layers that stays near and one that does not."""


def compute_features(first: str | None, second: str | None, model: Any) -> Iterator[tuple[Any, Any, Any, str]]:
    """The features of one or two pictures. Yields (view, chart, finding, strip)."""
    given = [source for source in (first, second) if source is not None]
    if not given:
        yield None, None, "", empty_strip("No picture yet.")
        return
    watch = runtime.Stopwatch()
    with watch("capture"):
        pictures = [read_image(source) for source in given]
    name, note = usable_model(model, "vit")
    if name not in runtime.names_in_memory():
        yield gr.skip(), gr.skip(), gr.skip(), empty_strip(f"Loading {weights.find(name).title} …")
    from models.vit.features import features_of_pictures

    result = features_of_pictures(name, pictures)
    with watch("drawing"):
        pair = best_likeness(*result.features) if len(pictures) == 2 else None
        said = sentence_of_likeness(pair, result.traces[0].grid[1]) if pair else sentence_of_reach(result)
        shown = view_of_features(result, _name_of(name, pictures), pair)
        chart = view_of_distances(result.distances, result.alike)
    yield (
        shown,
        chart,
        html_of_finding(said),
        strip_of(result.run, capture=watch.seconds["capture"], drawing=watch.seconds["drawing"], note=note),
    )


def _name_of(model: str, pictures: "list[np.ndarray]") -> str:
    digest = hashlib.sha256(model.encode())
    for picture in pictures:
        digest.update(repr(picture.shape).encode() + picture.tobytes())
    return digest.hexdigest()


def build(given: Given) -> None:
    """The page: two pictures and the model on the left, their features on the right, distances and figures below."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    examples = example_row()
    with gr.Row():
        with gr.Column(scale=2, min_width=260), fold():
            first = picture_input("features", given, examples)
            label = "A second picture, if you like"
            second = picture_input("features-second", given, example_row(), label=label, example=ANOTHER)
            model = gr.Dropdown(
                [(weights.find(name).title, name) for name in weights.offered("vit")],
                value=weights.first_choice("vit", EMBEDDED),
                label="Model",
                elem_id="features-model",
            )
            model_offer(model, weights.better_than_embedded("vit"))
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("features-finding")
            view = component("patch_features", elem_id="features-view")
            strip = gr.HTML(
                empty_strip("The model is loaded with the first picture."),
                elem_id="features-strip",
            )
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(picture=first, second=second, model=model, looks=("look",))
    gr.Markdown(DISTANCES, elem_classes="gb-note", latex_delimiters=LATEX)
    distances = component(
        "chart", empty="The distances appear here with the first picture.", elem_id="features-distances"
    )
    gr.Markdown(BEFORE_AND_AFTER, elem_classes="gb-note")
    rows = [(name, f"{before}\u00a0%", f"{after}\u00a0%") for name, before, after in READINGS]
    table = draw_table(("reading of the features", "before", "after"), rows)
    gr.HTML(f"<div {scrolls('Read from the features')}>{table}</div>")
    gr.Markdown(MEASURED_BY, elem_classes="gb-note")
    events = [first.change, second.change, model.input]
    inputs, outputs = [first, second, model], [view, distances, finding, strip]
    gr.on(events, compute_features, inputs, outputs, trigger_mode="always_last", **private(), **RUN)
    opens(compute_features, inputs, outputs)
    run_on_arrival(model, compute_features, inputs, outputs)
