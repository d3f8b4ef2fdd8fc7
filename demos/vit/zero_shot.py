"""Name it yourself: CLIP compares a picture with sentences, so that classes need no training, only names."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of, waiting_strip
from demos.given import Given
from demos.offer import model_offer, run_on_arrival
from demos.sketches import sketch_of_names
from demos.tab import LATEX, RUN, private
from demos.views.vit_zero_shot import table_of_names
from demos.vit.shared import example_row, picture_input
from models import hub, weights
from models.errors import InputError
from models.images import read_image
from models.inputs import check_text
from models.normal import same_name

TITLE = "Name it yourself"
CONCEPT = "vit/clip"
MAX_NAMES, MAX_NAME_CHARS, MAX_CHARS, MAX_TEMPLATE_CHARS = 12, 100, 2_000, 200
NAMES = "elephant\ncheetah\nstop sign\numbrella\ntower"
TEMPLATE = "a photo of a {}."

LEAD = """CLIP is a ViT that learned from 400 million pictures with their captions: picture and text encoder were
trained together, so that a picture lies near its own caption and far from others'. So it can choose among names that
you make up now, without any training (zero-shot)."""

MEANING = r"""$x$ is the picture's embedding, $t_c$ that of the sentence for name $c$, both of length 1, so that their
product is the cosine; $\tau$ was learned. All cosines are small and lie close together: the factor makes a clear choice
of small differences, so that the probabilities say little about how sure one may be. Names compete: add one that fits
better, and the others lose. Leave the template out (`{}` alone) and see what the wording does.

$$p_c = \mathrm{softmax}_c\!\left(\frac{x \cdot t_c}{\tau}\right)$$"""

ABSENT = """**What this page does.** You give a picture and write names, such as "elephant" and "umbrella"; a bar
beside each name says how well the two fit, without any training. It is computed by CLIP (ViT-B/32, 151 M parameters,
605 MB from the hub), which this server does not offer. The page "Your own classes" tells things apart by pictures
that you give it."""


def compute_zero_shot(image: str | None, names: Any, template: Any, model: Any) -> Iterator[tuple[Any, str]]:
    """Compare a picture with the visitor's names. Yields (HTML, strip)."""
    listed, template = check_names(names), check_template(template)
    entry = weights.find(model, CONCEPT)
    if image is None:
        raise InputError("There is no picture yet: upload one, take one with the webcam or pick an example.")
    picture = read_image(image)
    if not hub.is_here(entry.name):
        yield gr.skip(), waiting_strip(entry.name)
        return
    yield gr.skip(), empty_strip(f"Running {entry.title} …")
    from models.vit.clip import choose_name

    answer, run = choose_name(entry.name, picture, listed, template)
    yield table_of_names(answer), strip_of(run)


def check_names(text: Any) -> list[str]:
    """The names, one a line. Raises `InputError` for fewer than two, too many, too long or the same twice."""
    lines = check_text(text, name="The list of names", max_chars=MAX_CHARS).splitlines()
    names = [line.strip() for line in lines if line.strip()]
    if not 2 <= len(names) <= MAX_NAMES:
        raise InputError(f"Write 2 to {MAX_NAMES} names, one a line; there are {len(names)}.")
    for name in names:
        check_text(name, name="A name", max_chars=MAX_NAME_CHARS)
    if len({same_name(name) for name in names}) < len(names):
        raise InputError("One name stands there twice, or looks like another: each line needs its own.")
    return names


def check_template(text: Any) -> str:
    """The sentence with `{}` once, where the name goes."""
    template = check_text(text, name="The template", max_chars=MAX_TEMPLATE_CHARS)
    if template.count("{}") != 1:
        raise InputError("The template must hold {} once: the name goes there.")
    return template


def build(given: Given) -> None:
    """The page: picture and names on the left, the table on the right; a sentence where CLIP is not offered."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    offered = weights.offered(CONCEPT)
    if not offered:
        keeps()
        gr.Markdown(ABSENT, elem_classes="gb-note", elem_id="zero-shot-absent")
        gr.HTML(sketch_of_names())
        return
    examples = example_row()
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = picture_input("zero-shot", given, examples)
            names = gr.Textbox(
                NAMES,
                lines=5,
                max_lines=12,
                max_length=MAX_CHARS,
                label="Names, one a line",
                elem_id="zero-shot-names",
            )
            template = gr.Textbox(
                TEMPLATE, label="Template", max_length=MAX_TEMPLATE_CHARS, elem_id="zero-shot-template"
            )
            model = gr.Dropdown(
                [(f"{weights.find(name).title}, from the hub", name) for name in offered],
                value=offered[0],
                label="Model",
                elem_id="zero-shot-model",
            )
            model_offer(model)
            run = gr.Button("Name it", variant="primary", elem_id="zero-shot-run")
        with gr.Column(scale=5, min_width=300):
            table = gr.HTML(sketch_of_names(), elem_id="zero-shot-table")
            strip = gr.HTML(empty_strip("CLIP (151 M parameters, 605 MB) is loaded with the first run."))
    keeps(picture=image, names=names, template=template, model=model)
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    inputs = [image, names, template, model]
    gr.on([run.click, template.submit], compute_zero_shot, inputs, [table, strip], **private(), **RUN)
    run_on_arrival(model, None)
