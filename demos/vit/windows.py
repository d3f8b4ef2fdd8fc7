"""Windows: a Swin Transformer, between CNN and ViT: attention that looks nearby, and patches that merge."""

import hashlib
from collections.abc import Iterator
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of, waiting_strip
from demos.given import Given
from demos.offer import model_offer, run_on_arrival
from demos.sketches import sketch_of_windows
from demos.tab import LATEX, RUN, private
from demos.ui import component
from demos.views.vit_windows import table_of_answer, view_of_windows
from demos.vit.shared import example_row, picture_input
from models import hub, runtime, weights
from models.images import read_image

TITLE = "Windows (Swin)"
CONCEPT = "vit/windows"

LEAD = """Between CNN and ViT: in a Swin Transformer patches attend, but only within a window, and windows shift from
block to block. After every stage four neighbouring patches merge into one, as the maps of a CNN shrink. So it sees near
things first and all of the picture last, and its cost grows with the pixels, not with their square."""

MEANING = r"""With $N$ patches of width $D$ and windows of $M \times M$ patches, scores and sums take $2\,N M^2 D$
multiply-adds in place of the ViT's $2\,N^2 D$ (Liu et al. 2021, equations 1 and 2). There is no CLS token: the answer
is read from the mean of the last patches. Positions are not added to the patches; instead every pair in a window has a
learned bias $B$ that depends on how far apart they are:

$$\mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt d} + B\right) V$$

What may have come to a patch is counted from which patches share windows, not measured: how much of it matters is
another question (on the page "Break it" gradients measure it for CNN and ViT). Weights are rounded for the browser, by
0.004 at most. Attention shows where information was taken from; it does not explain the answer."""

TRY = """- Choose a patch at the edge of a window in block 1, then go to block 2: the windows have moved, and it meets
  the neighbours it could not see.
- Choose the patch in the corner of the picture in a shifted block: its window goes on at the other side of the
  picture, so what is there is masked, and few patches are left.
- Watch what may have come to a patch grow: after how many blocks is it the whole picture? In a ViT: after one.
- In the last stage one window covers everything: there Swin does what a ViT does, with 49 patches."""

ABSENT = """**What this page does.** It shows your picture with the windows of every block: the patches that a chosen
patch may look at, how the windows move from block to block, and how four patches merge into one after every stage. It
is computed by Swin-T (28 M parameters, 113 MB from the hub), which this server does not offer. In a ViT, on the page
"Step by step", every patch may look at all others from the first block on."""


def compute_windows(image: str | None, model: Any) -> Iterator[tuple[Any, Any, str]]:
    """Trace a picture. Yields (view, answer, strip)."""
    if image is None:
        yield None, "", empty_strip("No picture yet.")
        return
    picture, entry = read_image(image), weights.find(model, CONCEPT)
    if not hub.is_here(entry.name):
        yield gr.skip(), gr.skip(), waiting_strip(entry.name)
        return
    yield gr.skip(), gr.skip(), empty_strip(f"Running {entry.title} …")
    from models.vit.windows import windows_of_picture

    trace, ran = windows_of_picture(entry.name, picture)
    watch = runtime.Stopwatch()
    with watch("drawing"):
        run = hashlib.sha256(entry.name.encode() + trace.image.tobytes()).hexdigest()
        drawn = view_of_windows(trace, run), table_of_answer(trace)
    yield *drawn, strip_of(ran, drawing=watch.seconds["drawing"])


def build(given: Given) -> None:
    """The page: picture on the left, its windows on the right; a sentence where no Swin is offered."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    offered = weights.offered(CONCEPT)
    if not offered:
        keeps()
        gr.Markdown(ABSENT, elem_classes="gb-note", elem_id="windows-absent")
        gr.HTML(sketch_of_windows())
        return
    examples = example_row()
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = picture_input("windows", given, examples)
            model = gr.Dropdown(
                [(weights.find(name).title, name) for name in offered],
                value=offered[0],
                label="Model",
                elem_id="windows-model",
            )
            model_offer(model)
            run = gr.Button("Run", variant="primary", elem_id="windows-run")
            answer = gr.HTML(sketch_of_windows(), elem_id="windows-answer")
        with gr.Column(scale=5, min_width=300):
            view = component("window_view", elem_id="windows-view")
            strip = gr.HTML(empty_strip("Swin-T (28 M parameters, 113 MB) is loaded with the first picture."))
    keeps(picture=image, model=model)
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    events, outputs = [image.change, model.input, run.click], [view, answer, strip]
    gr.on(events, compute_windows, [image, model], outputs, trigger_mode="always_last", **private(), **RUN)
    run_on_arrival(model, compute_windows, [image, model], outputs)
