"""DETR and RF-DETR: an object made smaller until it is lost, where queries look, accuracy against time."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of, usable_model
from demos.detection.picture import EXAMPLES, MEASURED
from demos.finding import finding_line, html_of_finding
from demos.inputs.uploaded_image import UploadedImage
from demos.offer import model_offer, run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, RUN, fold, payload, private
from demos.ui import component
from demos.views.tables import scrolls
from models import hub, runtime, weights
from models.images import read_image
from models.inputs import check_integer, check_number

TITLE = "DETR and RF-DETR"
DETR = "detr-resnet-50"
MOST_OBJECTS = 99

LEAD = """**“Looks globally, but misses small things”**: what is often said of DETR can be measured. An object of the
picture is cut out, made smaller and smaller and set back in its place; at each size the detector is asked again."""

MEANING = r"""Both networks ask [object queries](#term-query) what is where. In **DETR** (Carion et al. 2020) every
query looks at every cell of one coarse map, 32 pixels a cell: it must find out where to look, which takes long to
learn, and what is smaller than a cell is mixed with its surroundings before any query sees it. In **RF-DETR**
(Robinson et al. 2025) a query begins at a proposal and reads the map at a few points around it (deformable attention,
Zhu et al. 2021):

$$\text{DETR: } \sum_{i=1}^{H W} a_i\, v_i \qquad \text{RF-DETR: } \sum_{k=1}^{K} a_k\, v(p + \Delta p_k)$$

so that each query costs $K$ readings instead of $H W$. What a patch has mixed up, no point can read apart either: both
curves fall where the object covers about as much as one patch."""

ABSENT = """DETR itself (ResNet-50, 167 MB, Apache-2.0) comes from the hub, where the host offers that; it is then asked
beside RF-DETR, and its dense attention is drawn beside the points. It knows COCO's 80 everyday things, not cards or
sprites."""

FAMILY = """### Accuracy against time
Average precision and time of the published RF-DETR family, and of what runs here. The two kinds of points must not be
compared in height: the published ones are of COCO, the embedded network's of its own 25 things; in time they differ by
the machine."""

Shown = tuple[Any, ...]


def compute_shrunk(path: str | None, model: object, chosen: Any, threshold: Any) -> Iterator[Shown]:
    """Shrink an object. Yields (pictures, curve, family, its table, finding, strip), one size more each time."""
    if path is None:
        yield None, None, gr.skip(), gr.skip(), "", empty_strip("Upload a picture or take an example.")
        return
    chosen = check_integer(chosen, name="The object", low=0, high=MOST_OBJECTS)
    threshold = check_number(threshold, name="The threshold", low=0, high=1)
    name, note = usable_model(model, "detection")
    image = read_image(path)
    names = [name, *([DETR] if _has_detr() else [])]
    if name not in runtime.names_in_memory():
        yield *(gr.skip() for _ in range(4)), "", empty_strip(f"Loading {weights.find(name).title} …")
    from demos.views import detection_compare as views
    from models.detection.latency import measure_latency
    from models.detection.shrinking import shrink_object

    shrunk = None
    for shrunk in shrink_object(names, image, chosen, threshold):
        said = html_of_finding(views.sentence_of_shrunk(shrunk, threshold))
        strip = strip_of(shrunk.runs[name], note=note)
        yield views.view_of_shrunk(shrunk), views.chart_of_shrunk(shrunk), gr.skip(), gr.skip(), said, strip
    latest = {}
    for one in names:
        for latency in measure_latency(one, image):
            latest[one] = latency
            yield tuple(gr.skip() for _ in range(6))  # so that it can be ended in between
    measured = list(latest.values())
    stored = json.loads((MEASURED / "detection_by_size.json").read_text(encoding="utf-8"))
    precisions = {one: views.precision_of(one, stored) for one in names}
    chart = views.chart_of_family(measured, precisions)
    table = f"<div {scrolls('Accuracy and time')}>{views.table_of_family(measured, precisions)}</div>"
    yield gr.skip(), gr.skip(), chart, table, gr.skip(), gr.skip()


def _has_detr() -> bool:
    return DETR in weights.offered("detection/detr") and hub.is_here(DETR)


def view_object(event: gr.EventData) -> int:
    """The object that was chosen on the picture."""
    return check_integer(payload(event, "object"), name="The object", low=0, high=MOST_OBJECTS)


def view_first() -> int:
    """With another picture, its surest object."""
    return 0


def build(model: gr.Dropdown, threshold: gr.Slider) -> None:
    """The page: a picture on the left, the object at all sizes on the right, the curve, the family."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row(elem_classes="gb-examples"):
        examples = [gr.Button(name, size="sm", min_width=100) for name in EXAMPLES]
    with gr.Row():
        with gr.Column(scale=2, min_width=260), fold("Your picture"):
            image = UploadedImage(
                value=str(next(iter(EXAMPLES.values()))),
                label="Your picture",
                type="filepath",
                sources=["upload", "webcam", "clipboard"],
                height=260,
                elem_id="compare-detectors-image",
            )
            model_offer(DETR)
            if not _has_detr():
                gr.Markdown(ABSENT, elem_classes="gb-note")
            run = gr.Button("Run", variant="primary", elem_id="shrink-run")
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("shrink-finding")
            figure = component("shrink_view", events=["pick"], elem_id="shrink-view")
            strip = gr.HTML(empty_strip("The model is loaded with the first picture."), elem_id="shrink-strip")
    curve = component("chart", empty="The curve grows with every size.", elem_id="shrink-curve")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    gr.Markdown(FAMILY, elem_classes="gb-note")
    family = component("chart", empty="Measured after the curve.", elem_id="family-chart")
    table = gr.HTML(elem_id="family-table")
    chosen = gr.Number(0, precision=0, minimum=0, maximum=MOST_OBJECTS, label="Object", visible=False)
    keeps(picture=image, model=model, threshold=threshold, object=chosen, looks=("size",))
    inputs, outputs = [image, model, chosen, threshold], [figure, curve, family, table, finding, strip]
    settings = {**private(), **RUN}
    figure.pick(view_object, None, chosen, **private()).then(compute_shrunk, inputs, outputs, **settings)
    image.change(view_first, None, chosen, **private()).then(compute_shrunk, inputs, outputs, **settings)
    gr.on([run.click, model.input], compute_shrunk, inputs, outputs, trigger_mode="always_last", **settings)
    run_on_arrival(DETR, compute_shrunk, inputs, outputs)
    opens(compute_shrunk, inputs, outputs)
    for button, path in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, path), None, image, queue=False, **private())
