"""Why this box? A picture, every query's way to its box, and what the network looked at on the way."""

import json
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of, usable_model
from demos.detection.api import EMBEDDED, THRESHOLD, detection_detect, detection_explain
from demos.detection.questions import TRACES, attention_rows, look_closer, match_boxes, query_rows, suppress_boxes
from demos.detection.taught import Taught, given_picture, nobodys, sentence_of_taught
from demos.finding import finding_line, html_of_finding
from demos.inputs.uploaded_image import UploadedImage
from demos.offer import run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, LIGHT, RUN, fold, private
from demos.ui import component
from models import runtime, weights
from models.detection.classes import CLASSES
from models.detection.own import is_own
from models.images import read_image

TITLE = "Why this box?"
MEDIA = Path(__file__).resolve().parents[2] / "assets" / "media"
EXAMPLES = {
    "A hand and a card": MEDIA / "detection-hand.png",
    "Ten things": MEDIA / "detection-1.png",
    "Six things": MEDIA / "detection-2.png",
    "In the dark": MEDIA / "detection-3.png",
}
MEASURED = weights.EMBEDDED.parent / "figures"

MEANING = r"""RF-DETR cuts the picture into patches, turns them into features with a DINOv2 vision transformer, and
predicts one **[proposal](#term-proposal)** at every position of the feature map. The best proposals give the object
queries their **[reference boxes](#term-reference_box)**. A few decoder layers follow (three in the model trained
here): in each, a query attends to the other queries and reads the features at two points a head. After any
layer the same two heads can be asked for classes and for a box, which is always the reference box
$(x, y, w, h)$ moved by four numbers; the reference itself stays as it is.

$$\hat x = x + \delta_x w \qquad \hat y = y + \delta_y h \qquad \hat w = w\, e^{\delta_w} \qquad
\hat h = h\, e^{\delta_h}$$

Points and attention show where numbers were taken from. They do not prove why the answer is what it is."""

PATCHES = """Before there are queries, every patch gathers information from all others. The chosen patch is the one at
the centre of the chosen box; click another to move it. Here you see the picture as the network does, squashed to a
square."""

SUPPRESSION = """Most detectors find one thing many times over and remove the duplicates afterwards (non-maximum
suppression, [NMS](#term-NMS)). RF-DETR learns not to make them: in training only one query is rewarded for each
object, and the queries can see each other. Here NMS is applied all the same, to what each stage would answer. Hide them
from each other, and the duplicates come back; take out the query that answers for a thing, and another takes its
place."""

CLOSER = """Every picture is squashed to the same small square, and a thing that covers one or two of its patches is
mixed with what is around it. So the same network is asked about four overlapping parts of the picture as well, in which
things are larger, and of boxes that lie on one another the surest stays (slicing, Akyon et al. 2022,
[arXiv 2202.06934](https://arxiv.org/abs/2202.06934)). It costs four more runs."""

MATCHING = r"""In training each true object $i$ is matched with one query $\sigma(i)$, all at once, so that the sum of
costs is least (the Hungarian algorithm). Only then is the loss computed: matched queries learn class and box, all
others learn to say nothing. Draw what should be found, and see which query would be made responsible for it.

$$\hat\sigma = \arg\min_{\sigma} \textstyle\sum_i \big[\, 2\, c_{\text{class}}(i, \sigma(i))
+ 5\,\lVert b_i - \hat b_{\sigma(i)} \rVert_1 - 2\,\mathrm{GIoU}(b_i, \hat b_{\sigma(i)}) \,\big]$$"""

BY_SIZE = """DETR and Faster R-CNN find equally much in all, but DETR is better at large objects and worse at small
ones. Its authors put the first down to attention, which compares all places of the picture with each other. Below:
average precision (AP, COCO's definition, in percent) by the size of the object's box; small is under 32 x 32 pixels,
large from 96 x 96. Compare sizes within a row, not rows: the data differ. In the last measured row the mixed scenes
are shown at half the size: a small object then covers one or two of the network's patches. They were measured before
the class scores were fitted again on people and rooms, which took the mixed scenes from 88.8 to 88.5. No published AP
by size of RF-DETR itself was found; its authors give the total (nano 48.4, large 56.5 on COCO val)."""

TRY = """- Move the threshold: the network has already answered, only the weaker answers come and go. At 0 all show.
- Choose "layer by layer" and press play: most of the way is done by the first layer. In which picture is it not?
- Choose "other queries" for two boxes that lie close together: do they attend to each other?
- Choose "proposals": which places looked like objects at first and were dropped? Their queries ended with low scores.
- Take "Ten things" and open "Look closer": which of the ten does the whole picture miss, and how small are they?
- Compare the stages under "Is suppression needed?" at a low threshold: which has the most duplicates, which the fewest?
- Draw the same box twice under "Matched in training": the second one must take another query, and its cost shows it.
- Show it something it was never taught, such as a face or a cup, and see what it takes it for."""


def compute_boxes(path: str | None, model: object, own: object = "") -> Iterator[tuple[Any, Any, Any, str]]:
    """Trace an uploaded picture. Yields (box figure, patches, finding, strip): first what is loaded, then the views.

    own: the detector that the visitor has taught, which is then asked in place of `model`; "" for none.
    """
    name, note = (str(own), "") if is_own(own) else usable_model(model, "detection")
    if path is None:
        yield None, None, "", empty_strip("Upload a picture or take an example.")
        return
    watch = runtime.Stopwatch()
    with watch("capture"):
        image = read_image(path)
    if not is_own(name) and name not in runtime.names_in_memory():
        yield gr.skip(), gr.skip(), gr.skip(), empty_strip(f"Loading {weights.find(name).title} …")
    from demos.views.detection_found import sentence_of_boxes
    from demos.views.detection_trace import view_of_patches, view_of_trace
    from models.detection.boxes import postprocess
    from models.detection.detect import explain_boxes
    from models.detection.found import longest_way

    explained = explain_boxes(name, image)
    with watch("drawing"):
        run = TRACES.put(explained)
        found = postprocess(explained.trace.prediction, THRESHOLD)
        way = longest_way(explained.trace, found)
        figure = view_of_trace(explained.trace, image, run, way.query if way else None)
        patches = view_of_patches(explained.trace, image, run)
    said = html_of_finding(sentence_of_boxes(found, way, THRESHOLD))
    yield (
        figure,
        patches,
        said,
        strip_of(explained.run, capture=watch.seconds["capture"], drawing=watch.seconds["drawing"], note=note),
    )


@cache
def _sizes() -> str:
    from demos.views.detection_measured import table_of_sizes

    return table_of_sizes(json.loads((MEASURED / "detection_by_size.json").read_text(encoding="utf-8")))


@cache
def _windows() -> str:
    from demos.views.detection_measured import table_of_windows

    return table_of_windows(json.loads((MEASURED / "detection_by_window.json").read_text(encoding="utf-8")))


@cache
def _layers() -> str:
    from demos.views.detection_measured import table_of_stages

    return table_of_stages(json.loads((MEASURED / "detection_by_layer.json").read_text(encoding="utf-8")))


def view_whose(own: object) -> tuple[Any, Any]:
    """(the sentence that says whose detector is asked, the button back): for the visitor's own, else nothing."""
    said = sentence_of_taught(own)
    return gr.update(value=said, visible=bool(said)), gr.update(visible=bool(said))


def build(model: gr.Dropdown, threshold: gr.Slider, taught: Taught) -> None:
    """The page: a picture on the left, its boxes on the right, then what is behind them from overview to arithmetic."""
    own = taught.name
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
                elem_id="detection-image",
            )
            whose = gr.Markdown(visible=False, elem_classes="gb-note", elem_id="detection-whose")
            back = gr.Button("Back to the model above", size="sm", visible=False, elem_id="detection-back")
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("detection-finding")
            figure = component("box_figure", server_functions=[query_rows], elem_id="detection-figure")
            strip = gr.HTML(
                empty_strip("The model is loaded with the first picture."),
                elem_id="detection-strip",
            )
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("Where the patches look", open=False):
        gr.Markdown(PATCHES, elem_classes="gb-note")
        patches = component(
            "attention_explorer",
            title="",
            empty="Upload a picture or take an example.",
            server_functions=[attention_rows],
            elem_id="detection-patches",
        )
    with gr.Accordion("Look closer: parts of the picture", open=False) as by_window:
        gr.Markdown(CLOSER, elem_classes="gb-note")
        component("closer_view", server_functions=[look_closer], elem_id="detection-closer")
        windows = gr.HTML()
    with gr.Accordion("Is suppression needed?", open=False) as by_layer:
        gr.Markdown(SUPPRESSION, elem_classes="gb-note")
        component("suppression_view", server_functions=[suppress_boxes], elem_id="detection-suppression")
        layers = gr.HTML()
    with gr.Accordion("Matched in training", open=False):
        gr.Markdown(MATCHING, elem_classes="gb-note", latex_delimiters=LATEX)
        component("matching_view", server_functions=[match_boxes], elem_id="detection-matching")
    with gr.Accordion("Small and large objects, measured beforehand", open=False) as by_size:
        gr.Markdown(BY_SIZE, elem_classes="gb-note")
        sizes = gr.HTML()
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    _build_data(image, threshold, model)
    by_window.expand(_windows, None, windows, queue=False, **private())
    by_layer.expand(_layers, None, layers, queue=False, **private())
    by_size.expand(_sizes, None, sizes, queue=False, **private())
    keeps(picture=image, model=model, threshold=threshold, looks=("query", "boxes", "hidden"))
    figures = [figure, patches, finding, strip]
    events = [image.change, own.change]
    gr.on(events, compute_boxes, [image, model, own], figures, trigger_mode="always_last", **private(), **RUN)
    own.change(view_whose, own, [whose, back], **private(), **LIGHT)
    taught.picture.change(given_picture, taught.picture, image, **private(), **LIGHT)
    for event in (back.click, model.input):
        gone = event(nobodys, None, [own, whose, back], **private(), **LIGHT)
        gone.success(compute_boxes, [image, model], figures, trigger_mode="always_last", **private(), **RUN)
    opens(compute_boxes, [image, model], figures)
    run_on_arrival(model, compute_boxes, [image, model], figures)
    for button, path in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, path), None, image, queue=False, **private())


def _build_data(image: UploadedImage, threshold: gr.Slider, model: gr.Dropdown) -> None:
    with gr.Accordion("The boxes as data", open=False):
        gr.Markdown("What the API answers for the picture, the threshold and the model above.")
        classes = gr.Dropdown(
            _classes_of(model.value),
            value=[],
            multiselect=True,
            allow_custom_value=True,
            label="Classes; none: all of them",
        )
        closer = gr.Checkbox(label="Look closer: at four parts of the picture too")
        ask = gr.Button("Get the boxes", size="sm")
        answer = gr.JSON(label="Boxes in pixels of the picture")
        explain = gr.Button("Explain the boxes", size="sm")
        explained = gr.JSON(label="Every box with its query, layer by layer")
        file = gr.File(label="detection.npz", interactive=False)
    model.change(lambda name: gr.Dropdown(_classes_of(name), value=[]), model, classes, queue=False, **private())
    ask.click(detection_detect, [image, threshold, classes, model, closer], answer, api_name="detection_detect", **RUN)
    explain.click(detection_explain, [image, threshold, model], [explained, file], api_name="detection_explain", **RUN)


def _classes_of(model: object) -> list[str]:
    """The classes to choose from, where they are known before the model is here; others can be typed."""
    return list(CLASSES) if model == EMBEDDED else []
