"""Step by step: a picture cut into patches, where every patch looks, and the answer that comes of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of, usable_model
from demos.finding import finding_line, html_of_finding
from demos.given import Given
from demos.inputs.uploaded_image import UploadedImage
from demos.offer import model_offer, run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, RUN, fold, private
from demos.ui import component
from demos.views.explorer import pack_attention, view_of_patch_attention
from demos.views.vit import (
    TOP,
    picture_of,
    table_of_costs,
    view_of_answers,
    view_of_patches,
)
from demos.views.vit_found import look_of, sentence_of_trace
from demos.vit.api import vit_classify, vit_trace
from demos.vit.runs import PACKED, STREAMS, Stream, attention_rows, name_of, patch_walk, walk_of
from demos.vit.shared import EMBEDDED, example_row, picture_input
from models import runtime, weights
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer

if TYPE_CHECKING:
    import numpy as np

    from models.vit.trace import Positions, VitResult

TITLE = "Step by step"
SIDES = {"8": 8, "12": 12, "as trained": 0, "20": 20, "24": 24, "28": 28}
POSITIONS = ("kept", "removed", "shuffled")

LAST_STEPS = """**6. Pretraining.** What these numbers are worth was learned before anyone named a category: DINOv2
learned from photos without labels. **7. Fine-tuning.** A last layer that names 101 categories was added and, with the
later blocks, trained on about 30 photos of each. Both steps have pages of their own: “Nearest photos” and “Your own
classes”."""
LAST_STEPS_ELSEWHERE = """**6. Pretraining** and **7. fine-tuning** were not done here: {title} comes as its authors
trained it ({does}). What both do can be seen in the model trained here, on the pages “Nearest photos” and “Your own
classes”."""

MEANING = r"""Attention, step 5: blue is little, yellow is much, from the chosen patch (or from [CLS](#term-CLS)) to
every patch.
Early layers often look nearby or at everything alike; late ones gather what belongs together. Some heads put much
weight on a few empty patches, which large models use as scratch space (Darcet et al. 2024): attention shows where
information was taken from, it does not explain the answer. What each patch knows after every layer, and how far each
head looks, is on the page "What patches know".

$$\begin{aligned} z_0 &= [x_{\mathrm{cls}};\; x_1 E;\; \dots;\; x_N E] + E_{\mathrm{pos}} \\
z'_l &= z_{l-1} + \mathrm{MSA}(\mathrm{LN}(z_{l-1})) \\ z_l &= z'_l + \mathrm{MLP}(\mathrm{LN}(z'_l)) \end{aligned}$$"""

WALK = """### One patch through one layer to the answer, in numbers
The patch chosen above walks through the layer chosen there, with one head written out; while CLS is chosen, the patch
walks that CLS takes most from. Under each strip stands how one of its numbers comes about. Click another number, or
move along a strip with the arrow keys and press Enter."""

TRY = """- Click the same patch again to go back to CLS, which gives the answer together with the mean of all patches.
  Arrow keys move the patch.
- Choose a filter that looks like a stripe, then a patch with an edge along it: the product shows what fits.
- In the map of positions, each small picture is one place: which places are like it? Rows and columns stand out.
- Remove the positions: the patches become a bag. Is the answer still right? Shuffling them lies to the network.
- Choose more patches a side: what happens to the time? Scores and weighted sums, the
  multiply-adds between tokens, grow with the square of their number.
- Compare the answers after each layer: when is the final one there? A probe was fitted for each layer; the last head
  was trained on the last layer only, so what it says of earlier ones shows how far their language differs.
- Upload something that is in none of its categories. It must choose one of them all the same; only how sure it is,
  calibrated on held-out photos, tells that probably none is right."""


def compute_vit(image: str | None, model: Any, side: Any, positions: Any) -> Iterator[tuple[Any, ...]]:
    """Trace a picture. Yields (answers, patches, attention, walk, costs, finding, strip): what is loaded
    first, then the figures.

    `side`: patches a side, 0 as trained. An edited run is compared with the unedited one, another resolution with that
    of the training; both are run now, so that both times are measured.
    """
    if image is None:
        yield None, None, None, None, "", "", empty_strip("No picture yet.")
        return
    watch = runtime.Stopwatch()
    with watch("capture"):
        picture = read_image(image)
    side, positions = _check_side(side), check_choice(positions, POSITIONS, name="The positions")
    name, note = usable_model(model, "vit")
    loading = name not in runtime.names_in_memory()
    if loading or side or positions != "kept":
        said = f"Loading {weights.find(name).title} …" if loading else "Running, with what it is compared with …"
        yield *(gr.skip() for _ in range(6)), empty_strip(said)
    result, runs, title, before = _runs(name, picture, side, positions)
    with watch("drawing"):
        run = name_of(name, picture, len(result.trace.image), positions)
        shown = picture_of(result.trace)
        packed = pack_attention(result.trace.attention)
        PACKED.put(packed, run)
        stream = Stream(name, result.trace.tokens, result.trace.grid[1])
        STREAMS.put(stream, run)
        look = look_of(result.trace)
        views = (
            view_of_answers(
                result.trace, shown, run, (look.layer, look.head), probed=result.probed, title=title, before=before
            ),
            view_of_patches(result, shown, run, edited=positions),
            view_of_patch_attention(packed, shown, run, (look.layer, look.head)),
            walk_of(run, stream, layer=look.layer, head=look.head, token=0),
        )
    drawing = watch.seconds["drawing"]
    strip = strip_of(result.run, capture=watch.seconds["capture"], drawing=drawing, note=note)
    yield *views, table_of_costs(runs), html_of_finding(sentence_of_trace(result, look)), strip


def _runs(
    name: str, picture: "np.ndarray", side: int, positions: "Positions"
) -> "tuple[VitResult, dict[str, VitResult], str, list[tuple[str, float]]]":
    """The run asked for, all runs by what they are, and what it is compared with: a title and its answer."""
    from models.vit.trace import Edits, trace_picture

    result = trace_picture(name, picture, side=side, edits=Edits(positions))
    runs, title, compared = {"this run": result}, "", None
    as_trained = trace_picture(name, picture) if side else result
    size = len(as_trained.trace.image)
    if len(result.trace.image) != size:
        title, compared = f"as trained, {size} x {size} pixels", as_trained
        runs["as trained"] = as_trained
    if positions != "kept":
        title, compared = "with its positions", trace_picture(name, picture, side=side)
    return result, runs, title, compared.trace.top(TOP) if compared else []


def _check_side(side: Any) -> int:
    side = check_integer(side, name="Patches a side", low=0, high=max(SIDES.values()))
    if side not in SIDES.values():
        raise InputError(
            f"Patches a side must be one of {', '.join(map(str, sorted(SIDES.values())))}; 0 is as trained."
        )
    return side


def view_last_steps(model: object) -> str:
    """How the chosen model came to know what it knows."""
    entry = weights.find(model, "vit")
    if entry.name == EMBEDDED:
        return LAST_STEPS
    return LAST_STEPS_ELSEWHERE.format(title=entry.title, does=entry.does or "a model of your own")


def build(given: Given) -> None:
    """The page: picture and choices on the left, picture and answer on the right, then step after step."""
    examples = example_row()
    with gr.Row():
        with gr.Column(scale=2, min_width=260), fold():
            image = picture_input("vit", given, examples)
            model = gr.Dropdown(
                [(weights.find(name).title, name) for name in weights.offered("vit")],
                value=weights.first_choice("vit", EMBEDDED),
                label="Model",
                elem_id="vit-model",
            )
            model_offer(model, weights.better_than_embedded("vit"))
            side = gr.Radio(list(SIDES.items()), value=0, label="Patches a side", elem_id="vit-side")
            positions = gr.Radio(list(POSITIONS), value="kept", label="Position embeddings", elem_id="vit-positions")
            costs = gr.HTML("")
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("vit-finding")
            view = component("patch_view", elem_id="vit-answer")
            strip = gr.HTML(empty_strip("The model is loaded with the first picture."))
    patches = component("patch_steps", elem_id="vit-patches")
    attention = component(
        "attention_explorer", title="5. Encode", empty="", server_functions=[attention_rows], elem_id="vit-attention"
    )
    gr.Markdown(WALK, elem_classes="gb-note")
    walked = component("layer_walk", server_functions=[patch_walk], elem_id="vit-walk")
    keeps(picture=image, model=model, side=side, positions=positions, looks=("look", "number"))
    last_steps = gr.Markdown(view_last_steps(model.value), elem_classes="gb-note")
    model.change(view_last_steps, model, last_steps, queue=False, **private())
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The numbers, as a file", open=False):
        gr.Markdown("Everything computed for this picture as a numpy archive: attention, tokens, embeddings, answers.")
        make = gr.Button("Make the file", size="sm")
        size = gr.Number(0, label="Side in pixels, a multiple of the patch size; 0: as trained", precision=0)
        facts = gr.JSON(label="What it holds")
        file = gr.File(label="vit.npz", interactive=False)
    inputs, outputs = [image, model, side, positions], [view, patches, attention, walked, costs, finding, strip]
    events = [image.change, model.input, side.input, positions.input]
    gr.on(events, compute_vit, inputs, outputs, trigger_mode="always_last", **private(), **RUN)
    opens(compute_vit, inputs, outputs)
    run_on_arrival(model, compute_vit, inputs, outputs)
    make.click(vit_trace, [image, model, size], [facts, file], api_name="vit_trace", **RUN)
    hidden_image, answer = UploadedImage(visible=False), gr.JSON(visible=False)
    hidden_model = gr.Textbox(EMBEDDED, visible=False, label="model")
    gr.Button(visible=False).click(
        vit_classify, [hidden_image, hidden_model], answer, api_name="vit_classify", api_visibility="public", **RUN
    )
