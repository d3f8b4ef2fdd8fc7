"""Name it yourself: a picture is compared with sentences, so that classes need no training, only names."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of, usable_model
from demos.finding import finding_line, html_of_finding
from demos.given import Given
from demos.offer import model_offer, run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, RUN, fold, private
from demos.views.vit_zero_shot import maps_of_names, sentence_of_names, table_of_names
from demos.vit.shared import example_row, picture_input
from models import weights
from models.errors import InputError
from models.images import read_image
from models.inputs import check_text
from models.normal import same_name

TITLE = "Name it yourself"
CONCEPT, EMBEDDED = "vit/clip", "lit-s14-minilm"
MAX_NAMES, MAX_NAME_CHARS, MAX_CHARS, MAX_TEMPLATE_CHARS = 50, 100, 4_000, 200
NAMES = "elephant\ncheetah\nstop sign\numbrella\ntower"
TEMPLATE = "a photo of a {}."

LEAD = """Write names, and the picture is given the one that fits best, without any training on them (zero-shot): a
picture encoder and a text encoder put pictures and sentences into one space, in which a picture lies near what is said
of it. The small pair was made here and works without the hub; CLIP learned the same from 400 million captioned
pictures."""

MEANING = r"""$x$ is the picture's embedding, $t_c$ that of the sentence for name $c$, both of length 1, so that their
product is the cosine; $\tau$ was learned. Names compete: add one that fits better, and the others lose. The probability
only compares the names that stand there, so that one of them wins on any picture; **better than wrong names** compares
with all others: the share of wrong names that fit held-out photos worse than this name fits your picture.

$$p_c = \mathrm{softmax}_c\!\left(\frac{x \cdot t_c}{\tau}\right)$$

**The small pair** is the ViT-S of this tab and the sentence encoder of the Attention tab, both as they are (locked),
with a small head on each, trained by contrast on captions of 2,000 photos and on names (LiT, Zhai et al. 2022). It
knows what such photos show, and little else: recall, accuracy on names it never learned and limits stand in its card,
`assets/weights/lit-s14-minilm`. The picture's head is linear, so that the cosine is a sum over the patches:

$$x \cdot t_c = \underbrace{a_c}_{\text{CLS}} + \frac{1}{N} \sum_i m_{c,i}$$

The map shows $m_{c,i}$. **CLIP** trained both encoders whole."""

Shown = tuple[Any, Any, Any, str]


def compute_zero_shot(image: str | None, names: Any, template: Any, model: Any) -> Iterator[Shown]:
    """Compare a picture with the visitor's names. Yields (table, maps, finding, strip), HTML each."""
    listed, template = check_names(names), check_template(template)
    name, note = usable_model(model, CONCEPT)
    if image is None:
        raise InputError("There is no picture yet: upload one, take one with the webcam or pick an example.")
    picture = read_image(image)
    yield gr.skip(), gr.skip(), gr.skip(), empty_strip(f"Running {weights.find(name).title} …")
    if weights.find(name).kind == "embedded":
        from models.vit.namer import choose_name

        named, run = choose_name(name, picture, listed, template)
        said = html_of_finding(sentence_of_names(named, listed))
        yield table_of_names(named.answer, named.better), maps_of_names(named, listed), said, strip_of(run, note=note)
        return
    from models.vit import clip

    answer, run = clip.choose_name(name, picture, listed, template)
    yield table_of_names(answer), "", "", strip_of(run)


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
    """The page: picture and names on the left, table and maps on the right."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    examples = example_row()
    with gr.Row():
        with gr.Column(scale=2, min_width=260), fold("Picture and names"):
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
                [(_title(name), name) for name in weights.offered(CONCEPT)],
                value=weights.first_choice(CONCEPT, EMBEDDED),
                label="Model",
                elem_id="zero-shot-model",
            )
            model_offer(model, weights.better_than_embedded(CONCEPT))
            run = gr.Button("Name it", variant="primary", elem_id="zero-shot-run")
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("zero-shot-finding")
            table = gr.HTML(elem_id="zero-shot-table")
            maps = gr.HTML(elem_id="zero-shot-maps")
            strip = gr.HTML(empty_strip("The model is loaded with the first run."), elem_id="zero-shot-strip")
    keeps(picture=image, names=names, template=template, model=model)
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    inputs, outputs = [image, names, template, model], [table, maps, finding, strip]
    events = [run.click, template.submit, image.change]
    gr.on(events, compute_zero_shot, inputs, outputs, trigger_mode="always_last", **private(), **RUN)
    opens(compute_zero_shot, inputs, outputs)
    run_on_arrival(model, compute_zero_shot, inputs, outputs)


def _title(name: str) -> str:
    entry = weights.find(name)
    return f"{entry.title}, from the hub" if entry.kind == "hub" else entry.title
