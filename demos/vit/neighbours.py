"""Nearest photos: what the backbone takes for alike before anybody named a category, and after fine-tuning."""

import json
from dataclasses import replace

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.finding import finding_line, html_of_finding
from demos.given import Given
from demos.opening import opens
from demos.tab import RUN, fold, private
from demos.views.vit_found import sentence_of_neighbours
from demos.views.vit_neighbours import photos_of_neighbours, table_of_neighbours
from demos.views.vit_teachers import maps_of_teachers, table_of_teachers
from demos.vit.shared import example_row, picture_input
from models import weights
from models.images import read_image

TITLE = "Nearest photos"
COUNT = 10
MEASURED = weights.EMBEDDED.parent / "figures" / "vit_teachers.json"

LEAD = """**6. Pretraining.** DINOv2 learned from photos without labels: two crops of one photo should give alike
features, crops of different photos should not. Did it learn what things are? Ask for the photos nearest to yours: if
they show the same kind of thing, then the features know kinds, although nobody had named any."""

MEANING = """The picture goes through the backbone as it was before fine-tuning and as it is after; its CLS token is
compared with those of photos. The ones shown are everyday photos whose photographers allow it (Creative Commons BY and
BY-SA, each linked to its page, where its author is named; made smaller and cut to a square; none shows people from
near). The lists below are of 2,930 photos of 101 categories, the training photos of the fine-tuning. Their
photographers are not known, so that these are not part of this app: their features, labels and file names are
(`python -m models.recipes.vit.neighbours` and `.gallery` made both). The more alike two features are, the larger their
cosine and the longer the bar. Naming a picture by the majority of its five nearest photos is right for 53.8 % of unseen
photos before and 93.5 % after (model card, mean per-class accuracy)."""

TEACHERS = """### The same network, taught three ways
A ViT-S/14 of one architecture: as DINOv2 learned it from pictures alone, the same then taught the names of 101
categories, and one of random weights. Where does CLS look, and how much can be read from what it gathered?"""

TEACHERS_MEASURED = """Measured beforehand, mean per-class accuracy in percent over 101 categories, on a small sample:
{train} photos to learn from, {test} others to be tested on, so that a figure may be off by three points or more; 168
pixels a side (`{command}`, with the weights of each). The photos to learn from are among those that the network with
labels was fine-tuned on, the others are not. The page "What patches know" has the first two on all photos."""

LIMITS = """“Before” is DINOv2 ViT-S/14 as others had tuned it for saliency, not as it was published; one linear layer
on it still reaches 80 %. Something that is in none of the 101 categories has nearest photos too: see how
much shorter the bars are."""


def compute_neighbours(image: str | None) -> tuple[str, str, str, str, str]:
    """The nearest photos by both backbones. Returns (photos, lists, teachers, finding, strip)."""
    if image is None:
        return "", "", "", "", empty_strip("No picture yet.")
    picture = read_image(image)
    from models.vit.neighbours import BACKBONES, VOTES, nearest_photos
    from models.vit.teachers import compare_teachers

    found = {name: nearest_photos(name, picture, COUNT) for name in BACKBONES}
    runs = [one.run for one in found.values()]
    both = replace(runs[-1], seconds=sum(run.seconds for run in runs))
    note = f"Two runs: {' and '.join(run.title for run in runs)}."
    said = html_of_finding(sentence_of_neighbours(found, VOTES))
    photos, lists = photos_of_neighbours(found), table_of_neighbours(found, VOTES)
    return photos, lists, maps_of_teachers(compare_teachers(picture)), said, strip_of(both, note=note)


def build(given: Given) -> None:
    """The page: a picture on the left, both lists on the right."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    examples = example_row()
    with gr.Row():
        with gr.Column(scale=2, min_width=260), fold("Your picture"):
            image = picture_input("neighbours", given, examples)
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("neighbours-finding")
            photos = gr.HTML("", elem_id="neighbours-photos")
            lists = gr.HTML("", elem_id="neighbours-lists")
            strip = gr.HTML(
                empty_strip("Two networks (22 M parameters, 44 MB each) are loaded with the first picture.")
            )
    keeps(picture=image)
    gr.Markdown(MEANING, elem_classes="gb-note")
    gr.Markdown(LIMITS, elem_classes="gb-note")
    gr.Markdown(TEACHERS, elem_classes="gb-note")
    teachers = gr.HTML("", elem_id="neighbours-teachers")
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    gr.HTML(table_of_teachers(measured))
    gr.Markdown(TEACHERS_MEASURED.format(**measured), elem_classes="gb-note")
    outputs = [photos, lists, teachers, finding, strip]
    image.change(compute_neighbours, image, outputs, trigger_mode="always_last", **private(), **RUN)
    opens(compute_neighbours, [image], outputs)
