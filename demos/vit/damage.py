"""Break it: the same damage to the same pixels, read by a Vision Transformer and by a CNN."""

import json
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip
from demos.finding import finding_line
from demos.given import Given
from demos.inputs.mask import MAX_CHARS
from demos.inputs.uploaded_image import UploadedImage
from demos.opening import opens
from demos.sentences import percent
from demos.tab import LATEX, RUN, fold, private
from demos.ui import component, with_shared
from demos.views import damage as figures
from demos.views.vit import readable
from demos.vit.api import vit_compare
from demos.vit.damage_handlers import (
    MAPS,
    MAX_SEED,
    OWNERS,
    ROLLOUT,
    TOGETHER,
    categories,
    compute_damage,
    compute_fields,
    compute_maps,
    keep_mask,
    view_choices,
)
from demos.vit.shared import example_row, picture_input
from models import weights
from models.vit.damage import DAMAGES, GRIDS

TITLE = "Break it: CNN and ViT"
TABLE = weights.EMBEDDED.parent / "figures" / "vit_robustness.json"
CALIBRATION = TABLE.with_name("vit_calibration.json")
VIT, CNN = "vit-s14-caltech101", "efficientnet-lite0-caltech101"

LEAD = """Take away what one of the two needs, and see which falls first. Both networks were fine-tuned on the same
photos of 101 categories, and both are given exactly the same pixels."""

MEANING = r"""The lines show the probability of one category while the damage grows. Both networks are calibrated
first, each by one temperature for its logits, fitted on held-out photos: CALIBRATED. The maps show different things.
**Attention rollout** (Abnar & Zuidema 2020) is how much of each patch has reached CLS through all layers, whatever the
answer; the head of this ViT also reads the mean of all patches, which the rollout leaves out. **Attention by gradient**
(Chefer, Gur & Wolf 2021) counts only attention that raises the category tracked. **Grad-CAM** (Selvaraju et al. 2017)
is where the CNN's last maps speak for the category tracked:

$$\alpha_k = \frac{1}{hw} \sum_{i,j} \frac{\partial y}{\partial A^k_{ij}} \qquad
L = \mathrm{ReLU}\Big(\sum_k \alpha_k A^k\Big)$$

**What this compares** are two trained networks, not two architectures alone: the ViT has 22.1 million parameters and
learned first from 142 million photos without labels, the CNN has 3.5 million and learned first from the 1.3 million
labelled photos of ImageNet. One picture is an anecdote: the charts below count many."""


def calibrated_meaning() -> str:
    """`MEANING` with what calibration has changed."""
    models = json.loads(CALIBRATION.read_text(encoding="utf-8"))["models"]
    said = (
        f"the {name} is {percent(models[model]['median_sure_before'])} sure of its median answer before and "
        f"{percent(models[model]['median_sure_after'])} after, at {percent(models[model]['accuracy'])} right"
        for name, model in (("ViT", VIT), ("CNN", CNN))
    )
    return MEANING.replace("CALIBRATED", ", ".join(said))


TRY = """- Shuffle the patches with a grid of 16, then of 2: which network still answers, and what is left to see?
- Drop the most important patches by the ViT's map, then by the CNN's. A map that tells the truth about its own network
  should hurt that network more.
- Cover the animal's head with the brush; then clear it and cover everything else.
- Remove the position embeddings: the ViT then reads a bag of patches. How much did it use where they are?
- Track another category than the one that wins, and see Grad-CAM move while the rollout stays. Then choose attention by
  gradient, which depends on the category too."""

FIELDS = """Bright pixels move the unit in the middle of that layer most: the size of its gradient by the pixels (Luo
et al. 2016), on this picture; colour grows with the square root. A CNN's field grows stage by stage and stays smaller
than what its kernels allow. In the ViT every patch may look at every other from the first layer on. The chart has the
mean distance between the middle and what moves it: over all pixels of the square at random it would be about 86. Its
third line is the mean distance between the patch in the middle and what it looks at within one layer, weighted by
attention, mean of the heads: how far information may come in one step, not how far it has come. Every head by itself is
on the page "What patches know"."""

COUNTED = """Measured beforehand on {images} photos that neither network was trained on (seed {seed}):
`{command}`. Each chart: share of right answers in percent, over the strength. Where a chart says "by", that map chose
the patches, and both networks got the same pixels.

Where patches are shuffled or missing, the ViT holds out much longer; blur, noise and contrast cost both about the same;
pictures that are turned, or as small as thumbnails, cost the ViT more. Differences of less than about 7 points may be
chance with so few photos. Both maps find patches that matter: without them accuracy falls faster than without random
ones, until little is left. What may go is found better by the CNN's Grad-CAM, for both networks, than by the ViT's
rollout."""


def build(given: Given) -> None:
    """The page: picture and damage on the left, the comparison on the right, deeper views below."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    mask = gr.Textbox("", max_length=MAX_CHARS, visible="hidden", label="Painted")
    strength = gr.Number(0.5, minimum=0, maximum=1, visible=False)
    examples = example_row()
    with gr.Row():
        with gr.Column(scale=2, min_width=260), fold("Picture and damage"):
            image = picture_input("damage", given, examples)
            kind = gr.Dropdown(
                [(one.title, name) for name, one in DAMAGES.items()],
                value="shuffle",
                label="Damage",
                filterable=False,
                elem_id="damage-kind",
            )
            grid = gr.Radio(list(GRIDS), value=8, label="Patches a side", elem_id="damage-grid")
            owner = gr.Radio(
                list(OWNERS.items()), value="vit", label="Important by", visible=False, elem_id="damage-owner"
            )
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", elem_id="damage-seed")
            tracked = gr.Dropdown(
                [(TOGETHER, TOGETHER), *sorted((readable(name), name) for name in categories())],
                value=TOGETHER,
                label="Category to track",
                elem_id="damage-tracked",
            )
            vit_map = gr.Radio(list(MAPS), value=ROLLOUT, label="The ViT's map", elem_id="damage-map")
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("damage-finding")
            view = component("damage_view", events=("painted",), elem_id="damage-view")
            strip = gr.HTML(empty_strip("Both networks are loaded with the first picture."), elem_id="damage-strip")
    gr.Markdown(calibrated_meaning(), elem_classes="gb-note", latex_delimiters=LATEX)
    keeps(picture=image, damage=kind, grid=grid, owner=owner, seed=seed, tracked=tracked, map=vit_map)
    keeps(painted=mask, looks=("strength",))
    wish = [image, kind, tracked, grid, owner, seed, mask, vit_map]
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    changes = [image.change, *(one.input for one in (kind, tracked, grid, owner, seed, vit_map)), mask.change]
    _deeper([*wish, strength], {mask: "painted", strength: "strength"}, changes, image)
    outputs = [view, finding, strip]
    gr.on(changes, compute_damage, wish, outputs, trigger_mode="always_last", **private(), **RUN)
    opens(compute_damage, wish, outputs)
    kind.change(view_choices, kind, [grid, owner, seed], queue=False, **private())
    view.painted(keep_mask, None, mask, trigger_mode="always_last", **private())
    _publish()


def _deeper(inputs: list[Any], shared: dict[Any, str], changes: list[Any], image: Any) -> None:
    """What is asked for by a button, for the picture and the damage that are shown; another wish clears it."""
    with gr.Accordion("Inside the CNN: feature maps and Grad-CAM, stage by stage", open=False):
        gr.Markdown(
            "The channels of each stage that differ most from place to place, each with its own range of values. Early "
            "maps are fine and follow edges and colours; late ones are coarse and say *what*, hardly *where*.",
            elem_classes="gb-note",
        )
        run_maps = gr.Button("Run for the strength chosen above", size="sm", elem_id="damage-maps-run")
        maps = gr.HTML(elem_id="damage-maps")
    with gr.Accordion("How far each layer sees: receptive fields", open=False):
        gr.Markdown(FIELDS, elem_classes="gb-note")
        run_fields = gr.Button("Measure on this picture", size="sm", elem_id="damage-fields-run")
        distances = component("chart", empty="The mean distances appear here.", elem_id="damage-distances")
        fields = gr.HTML(elem_id="damage-fields")
    run = run_maps.click(
        compute_maps, inputs, maps, js=with_shared([shared.get(one) for one in inputs]), **private(), **RUN
    )
    gr.on(changes, lambda: "", None, maps, cancels=run, queue=False, **private())
    measured = run_fields.click(compute_fields, image, [fields, distances], **private(), **RUN)
    image.change(lambda: ("", None), None, [fields, distances], cancels=measured, queue=False, **private())
    if TABLE.exists():
        table = json.loads(TABLE.read_text())
        with gr.Accordion("Not one picture but many: accuracy under every damage", open=False):
            gr.Markdown(COUNTED.format(**table), elem_classes="gb-note")
            gr.HTML(figures.figures_of_robustness(table, table["titles"]), elem_id="damage-robustness")


def _publish() -> None:
    """The endpoint `/vit_compare`, with components of its own that nobody sees."""
    image, facts, file = UploadedImage(visible=False), gr.JSON(visible=False), gr.File(visible=False)
    kind = gr.Textbox("shuffle", label="damage", visible=False)
    strength = gr.Number(0.5, label="strength", visible=False)
    gr.Button(visible=False).click(
        vit_compare,
        [image, kind, strength],
        [facts, file],
        api_name="vit_compare",
        api_visibility="public",
        **RUN,
    )
