"""Six differences: CNN against Vision Transformer, each row of the usual table made something to see or measure."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.finding import finding_line, html_of_finding
from demos.given import Given
from demos.opening import opens
from demos.tab import LATEX, LONG, RUN, private, stops
from demos.ui import component
from demos.views import vit_compare as figures
from demos.views.tables import scrolls
from demos.views.tasks import draw_table
from demos.vit.shared import EMBEDDED, example_row, picture_input
from models import weights
from models.images import read_image

if TYPE_CHECKING:
    from models.vit.data_need import Learning
    from models.vit.speed import Measured

TITLE = "Six differences"
CNN = "efficientnet-lite0-caltech101"
BUDGET_SECONDS = 12.0
DATA_FILE = weights.EMBEDDED.parent / "figures" / "cifar10_by_share.json"

LEAD = """The usual table of differences between a CNN and a Vision Transformer, and where to see or measure each row.
Some networks stand between the columns: the page "Windows (Swin)" has one that attends, but nearby first, and whose
patches merge."""

HEAD = ("", "CNN", "ViT", "where to see it")
DIFFERENCES = (
    (
        "input",
        "the whole picture through filters, with overlap",
        "patches of a fixed size as tokens, without overlap",
        "Step by step: split, flatten, embed, and all filters of the embedding",
    ),
    (
        "local / global",
        "local patterns first",
        "relates all patches from the first layer on",
        "Break it: how far each layer sees, measured by gradients on your picture",
    ),
    (
        "architecture",
        "a hierarchy: maps shrink, channels grow",
        "a flat stack of equal layers",
        "Break it: feature maps stage by stage; Step by step: every layer and head",
    ),
    (
        "data need",
        "works with little",
        "needs much, or pretraining",
        "below: both learn from scratch on 1 to 100 % of CIFAR-10, measured; on 1 and 100 % of drawn digits, now",
    ),
    (
        "computation",
        "cheap at low resolution, grows with the pixels",
        "attention grows with the square of the patches",
        "below, measured now; Step by step: the cost of a finer grid",
    ),
    (
        "parallelism",
        "channels of a map side by side, but layer after layer",
        "high: all tokens and heads in a few large matrix products",
        "below, measured now: the chain of products, several pictures at once, more threads",
    ),
)

DOORS = {
    "steps": "Input: split, flatten, embed",
    "features": "Local and global: how far heads look",
    "damage": "Architecture: maps and fields, stage by stage",
}
"""Where rows of the table are seen on other pages: the page, and what is said there."""

COST = r"""### Computation, measured now
One picture through both networks at growing resolution. The CNN does the same work at every place, so that its time
grows with the number of pixels. In the ViT the part that all tokens do alone grows likewise, and attention with the
square of the number of patches $N$: with $L$ layers of width $D$,

$$\text{multiply-adds} \approx L\,(12\,N D^2 + 2\,N^2 D)$$

so the square takes over only when $N > 6D$, here at 2,304 patches, which is 672 pixels: what is seen first is its
memory, which holds $N^2$ weights for every head. Memory, up to 560 pixels, is what PyTorch keeps of one picture for
the gradient, counted tensor by tensor, with attention written out; fused kernels keep less."""

COST_NOTE = """The two networks differ in size, not only in kind: the CNN has 3.5 million parameters and was designed
for phones, the ViT has 22 million. Compare how the lines bend, more than how high they lie."""

PARALLEL = """### Parallelism, measured now
What cannot be done side by side is the chain from pixels to answer: 49 convolutions and a last layer, or twelve times
six products (queries, keys and values at once; scores; weighted sum; output; two of the MLP) between embedding and
head. Each link must wait for the one before; they differ in how much each has to do at once. Where one small picture
leaves a processor idle, several at once cost less a picture: the more a line falls, the less of the machine a single
picture could use. The second chart has one picture of 224 pixels with more and more threads of this machine."""

DATA = """### Data need, measured beforehand
A small CNN (308,458 parameters) and a small ViT (311,338) learn CIFAR-10 from scratch, with one recipe: the same
pictures in the same order, crops and mirroring, optimiser, rates, and the same number of pictures seen (60,000 at 1 %,
which is 120 times through; 278,000 at 100 %, 5.6 times through). The third line is no training from scratch: one linear
layer on the frozen ViT-S/14 of this tab, which has 22 million parameters and has seen millions of pictures before."""

DATA_NOTE = """`{command}`, three seeds. Mean of the seeds, with the lowest and highest in brackets. The CNN knows
beforehand that neighbouring pixels belong together and that a thing stays the same thing when it moves; the ViT must
learn both from the pictures, and with the same pictures it is 11 to 13 points behind at every share. In this short
training it does not catch up; longer training would raise both lines. Pretraining replaces data: with 1 % of the
pictures (500) the frozen ViT with a linear head is ahead of the small ViT that saw all 50,000, and with 10 % it equals
the small CNN that saw all. Its features were tuned for photos of another kind, and the pictures are enlarged from 32 to
112 pixels."""

LIVE = """### Data need, trained now
The same two small networks learn digits drawn a moment ago, at any place, size, angle and colour: twice from 1 % of
them (20), twice from all (2,000), all four with one recipe and the same number of steps. How long that takes on this
machine is told from its first steps on."""

TRY = """### Ask all ten of them
The networks of the first seed, on your picture shrunk to 32 x 32 pixels. They know ten things only: airplane,
automobile, bird, cat, deer, dog, frog, horse, ship and truck, and must choose one."""


CostShown = tuple[Any, Any, Any, Any, str, str]


def compute_cost() -> Iterator[CostShown]:
    """Measure point by point. Yields (batch chart, threads chart, time chart, memory chart, sentence, strip)."""
    yield gr.skip(), gr.skip(), gr.skip(), gr.skip(), "", empty_strip("Loading the ViT (44 MB) and the CNN (7 MB) …")
    from models.vit.speed import measure_pair

    measured = None
    for measured in measure_pair(EMBEDDED, CNN, budget=BUDGET_SECONDS):
        last = (measured.timings or measured.scaling or measured.batches)[-1]
        if last.network == "ViT":
            at = f"{last.threads} threads" if last.threads else f"{last.side} pixels"
            if not (measured.timings or measured.scaling):
                at = f"{last.batch} pictures at once"
            yield *_views(measured), _cost_strip(measured, f"{at} measured")
        else:
            yield cast("CostShown", (gr.skip(),) * 6)  # a visitor who has left stops the work here
    if measured is not None:
        yield *_views(measured), _cost_strip(measured, "Done")


def _views(measured: "Measured") -> tuple[Any, Any, Any, Any, str]:
    sentences = (
        figures.cost_sentence(measured.timings),
        figures.batch_sentence(measured.batches),
        figures.links_sentence(measured),
    )
    said = " ".join(filter(None, sentences))
    cost = figures.view_of_cost(measured.timings)
    threads = figures.view_of_threads(measured.scaling)
    return figures.view_of_batches(measured.batches), threads, *cost, html_of_finding(said)


def _cost_strip(measured: "Measured", said: str) -> str:
    threads = f"{measured.threads} {'thread' if measured.threads == 1 else 'threads'}"
    where = f"device {measured.device}, {threads}, PyTorch, float32"
    return empty_strip(f"{said}: {where}; {BUDGET_SECONDS:.0f} seconds in all, more where 672 pixels take longer.")


def compute_answers(image: str | None) -> tuple[str, str]:
    """The ten small networks on a picture: (table, strip)."""
    if image is None:
        return "", empty_strip("No picture yet.")
    picture = read_image(image)
    from models.vit import from_scratch

    found = from_scratch.answers_to_picture(picture)
    head = ("trained on", "the small CNN says", "the small ViT says")
    table = draw_table(head, figures.rows_of_answers(found.probabilities, from_scratch.LABELS))
    return table, strip_of(found.run)


def build(given: Given) -> None:
    """The page: the table, then cost measured live, data need measured beforehand, the ten networks."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    said = finding_line("compare-said")
    with gr.Row():
        run = gr.Button("Measure", variant="primary", size="sm", min_width=120, elem_id="compare-run")
        stop = gr.Button("Stop", size="sm", min_width=90, elem_id="compare-stop")
    gr.HTML(
        f"<div {scrolls('Six differences')}>{draw_table(HEAD, DIFFERENCES)}</div>",
        elem_id="compare-table",
    )
    with gr.Row():
        for page, words in DOORS.items():
            component("page_door", taken=False, page=f"vit/{page}", words=words)
    gr.Markdown(COST, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Row():
        with gr.Column(min_width=320):
            seconds = component(
                "chart", empty="Press Measure: points appear as they are measured.", elem_id="compare-seconds"
            )
        with gr.Column(min_width=320):
            memory = component("chart", empty="What must be kept for the gradient.", elem_id="compare-memory")
    strip = gr.HTML(empty_strip("Nothing is loaded yet."), elem_id="compare-strip")
    gr.Markdown(COST_NOTE, elem_classes="gb-note")
    gr.Markdown(PARALLEL, elem_classes="gb-note")
    batches = component("chart", empty="Press Measure: points appear as they are measured.", elem_id="compare-batches")
    threads = component(
        "chart", empty="More threads: not on a machine with one, nor on a GPU.", elem_id="compare-threads"
    )
    _data_need(given)
    outputs = [batches, threads, seconds, memory, said, strip]
    measuring = run.click(compute_cost, None, outputs, **private(), **LONG)
    opens(compute_cost, [], outputs, queue=LONG)
    stops(stop, [measuring], strip)


def compute_learning() -> Iterator[tuple[Any, str, str]]:
    """Train four networks now. Yields (chart, sentence, strip), one point more each time."""
    from models.vit.data_need import STEPS, train_four

    yield None, "", empty_strip("Drawing digits …")
    began = time.perf_counter()
    for learning in train_four():
        done = min((points[-1][0] if points else 0) for points in learning.points.values())
        said = html_of_finding(figures.learning_sentence(learning))
        yield (
            figures.view_of_learning(learning),
            said,
            empty_strip(f"{done} of {STEPS} steps of each of four trainings{_so_far(learning, began)}."),
        )


def _so_far(learning: "Learning", began: float) -> str:
    """How long four trainings have taken, and how long the rest will take at that pace."""
    spent = time.perf_counter() - began
    share = sum(points[-1][0] for points in learning.points.values() if points) / (4 * learning.steps)
    return f" in {spent:.0f} s" + (f", about {spent / share - spent:.0f} s left" if share < 1 else "")


def _live_data_need() -> None:
    gr.Markdown(LIVE, elem_classes="gb-note")
    with gr.Row():
        train = gr.Button("Train all four now", size="sm", min_width=140, elem_id="compare-train")
        stop = gr.Button("Stop", size="sm", min_width=90, elem_id="compare-train-stop")
    said = gr.HTML(elem_id="compare-learned")
    chart = component(
        "chart", empty="Press Train all four now: four lines grow side by side.", elem_id="compare-learning"
    )
    strip = gr.HTML(empty_strip("Nothing is trained yet."), elem_id="compare-train-strip")
    training = train.click(compute_learning, None, [chart, said, strip], **private(), **LONG)
    stops(stop, [training], strip)


def _data_need(given: Given) -> None:
    stored = json.loads(DATA_FILE.read_text())
    results = stored["results"]
    gr.Markdown(DATA, elem_classes="gb-note")
    component("chart", figures.view_of_data_need(results), empty="", elem_id="compare-data")
    head = ("accuracy, %", *(f"{share} %" for share in sorted({one["share"] for one in results})))
    table = draw_table(head, figures.rows_of_data_need(results))
    gr.HTML(f"<div {scrolls('Accuracy by share of the photos')}>{table}</div>")
    gr.Markdown(DATA_NOTE.format(**stored), elem_classes="gb-note")
    _live_data_need()
    gr.Markdown(TRY, elem_classes="gb-note")
    examples = example_row()
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = picture_input("compare", given, examples, example=None)
        keeps(picture=image)
        with gr.Column(scale=3, min_width=300):
            answers = gr.HTML(elem_id="compare-answers")
            strip = gr.HTML(empty_strip("Ten networks (6 MB) are loaded with the first picture."))
    image.change(compute_answers, image, [answers, strip], **private(), **RUN)
