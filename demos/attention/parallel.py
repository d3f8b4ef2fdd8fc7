"""All at once: what attention costs against a recurrent network on this machine, and what more context is worth."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip
from demos.tab import LATEX, private
from demos.ui import component
from demos.views import parallel as views
from demos.views.tables import SCROLLS
from demos.views.tasks import draw_table
from models import weights
from models.inputs import check_flag

if TYPE_CHECKING:
    from models.attention.speed import Speeds

TITLE = "All at once"
BUDGET_SECONDS = 16.0
LONGEST = 2048
STATE_SECONDS = 3600
LOSS_FILE = weights.EMBEDDED.parent / "figures" / "loss_by_position.json"

LEAD = """A recurrent network must read one character after the other: step 100 waits for step 99. A Transformer
compares every character with every other in the same few matrix products. What does that cost? Measured here, now."""

MEANING = r"""LSTM (1.31 M parameters), GRU (0.99 M) and causal Transformer (1.25 M, 4 layers of 5 heads) read one
text of n characters; each point is the median of up to five runs. **Reading**: the recurrent networks take n steps
one after the other, so time grows with n, and a GPU cannot hurry them. The Transformer takes 4 layers, however long
the text is, but its comparisons grow with the square. **Writing**: the next step of a recurrent network costs the
same wherever it stands. The Transformer, which here keeps nothing from step to step, reads everything again; kept
keys and values (a cache) make that one row of the square instead.

$$t(n) = a + b\,n + c\,n^2, \qquad \text{attention weights} = \text{layers} \times \text{heads} \times n^2$$"""

BEYOND = """Seconds depend on the sizes of the matrices, not on the numbers in them: beyond the 256 characters that
it was trained to read, the Transformer is timed with the same weights, and what it predicts there means nothing.
The memory is computed: all attention weights of one pass in 4-byte numbers, as training must keep them, and the
state of the recurrent networks, which is all they remember. Kernels such as FlashAttention (Dao et al. 2022) work
through the square piece by piece and never keep it; the number of products stays the same."""

LOSS_LEAD = """### What is more context worth?

The same networks, and a plain RNN, on pages of nine novels that none of them has been trained on. Each begins with
an empty memory, in the middle of a page, and predicts 256 characters: how surprised is it after k of them?"""

LOSS_NOTE = """Measured beforehand, over 1,148 windows: `python -m models.recipes.attention.positions --data test.txt
--store`. The standard error of the mean at one position is about 0.06 bits, but all networks read the same windows,
so differences between them are surer than that; points far apart are means over several positions.

Most is learnt from the first sixteen characters, by all four. From there on (9 to 16 characters read, against 129
to 256) the RNN gains 0.02 bits, the Transformer 0.07, GRU and LSTM 0.11 and 0.12: the gated networks use more of
the text than the RNN, which rewrites its whole memory at every character. Beyond 64 characters none gains more than
about 0.02 bits, so on this text and at this size a far look hardly pays. The Transformer is ahead at every length,
most in the first four predictions (0.36 bits over the GRU, 0.43 over the RNN, 1.1 over the LSTM), at the end by
0.06 over the LSTM. Part of its start is training: its windows began anywhere on a page, while the recurrent
networks carried their memory on and seldom began afresh. Part of the RNN's distance is size: it has 0.37 M
parameters."""

TRY = """- Look at reading on the even scale: which network is faster for a sentence, which for two pages?
- Switch to logarithmic axes: a straight line that climbs one decade a decade is n, two decades is n².
- Compare writing: where does the Transformer begin to cost more than a hundred steps of the LSTM?"""


Drawn = tuple[Any, Any, Any, str]


def compute_timings(log: Any) -> Iterator[tuple[Any, ...]]:
    """Measure point by point. Yields (speeds, reading, writing, memory, sentence, strip)."""
    log = check_flag(log, name="The choice of axes")
    yield *(gr.skip() for _ in range(5)), empty_strip("Loading three networks (7 MB) …")
    from models.attention.speed import measure_speeds

    speeds = None
    for speeds in measure_speeds(BUDGET_SECONDS):
        if not speeds.timings:
            yield tuple(gr.skip() for _ in range(6))  # a visitor who has left stops the work here
            continue
        longest = _longest(speeds)
        note = f"n = {longest:,} measured; at most {BUDGET_SECONDS:.0f} seconds in all."
        yield speeds, *_draw(speeds, log=log), _strip(speeds, note)
    if speeds:
        longest = _longest(speeds)
        why = "" if longest == LONGEST else f" More would have taken longer than {BUDGET_SECONDS:.0f} seconds here."
        yield speeds, *_draw(speeds, log=log), _strip(speeds, f"Done: up to {longest:,} characters.{why}")


def _longest(speeds: "Speeds") -> int:
    from models.attention.speed import TRANSFORMER

    return max(timing.length for timing in speeds.timings if timing.network == TRANSFORMER)


def view_axes(speeds: Any, log: Any) -> Drawn:
    """The same points on other axes; nothing is measured."""
    log = check_flag(log, name="The choice of axes")
    return _draw(speeds, log=log) if speeds else (None, None, None, "")


def _draw(speeds: "Speeds", *, log: bool) -> Drawn:
    """(reading, writing, memory, sentence)."""
    from models.attention.speed import RECURRENT, TRANSFORMER, fit_curve

    timings = speeds.timings
    points = [(t.length, t.seconds) for t in timings if t.network == TRANSFORMER and t.task == "read"]
    curve = fit_curve(points, (0, 1, 2)) if len(points) > 3 else {}
    lengths = [length for length, _ in points]
    sizes = {name: [(n, speeds.state_bytes[name]) for n in lengths] for name in RECURRENT}
    sizes[TRANSFORMER] = [(n, speeds.attention_bytes(n)) for n in lengths]
    said = html.escape(views.sentence_of(timings, curve))
    return (
        views.chart_of_timings(timings, "read", curve, log=log),
        views.chart_of_timings(timings, "write", {}, log=log),
        views.chart_of_memory(sizes, log=log),
        f'<p class="gb-note">{said}</p>',
    )


def _strip(speeds: "Speeds", note: str) -> str:
    threads = f"{speeds.threads} threads" if speeds.threads > 1 else "1 thread"
    return empty_strip(f"{note} Device {speeds.device}, {threads}, PyTorch, float32.")


def build() -> None:
    """The page: the measurement and its charts, then the stored loss by position."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    speeds = gr.State(None, time_to_live=STATE_SECONDS)
    with gr.Row():
        run = gr.Button("Measure", variant="primary", size="sm", min_width=120, elem_id="parallel-run")
        stop = gr.Button("Stop", size="sm", min_width=90, elem_id="parallel-stop")
        log = gr.Checkbox(False, label="Logarithmic axes", min_width=160, elem_id="parallel-log")
    with gr.Row():
        with gr.Column(min_width=320):
            reading = component(
                "chart",
                empty="Press Measure: points appear as they are measured, for about 16 seconds at most.",
                elem_id="parallel-reading",
            )
        with gr.Column(min_width=320):
            writing = component("chart", empty="Writing one more character.", elem_id="parallel-writing")
    said = gr.HTML(elem_id="parallel-said")
    memory = component("chart", empty="What must be kept.", elem_id="parallel-memory")
    strip = gr.HTML(empty_strip("Nothing is loaded yet."), elem_id="parallel-strip")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What exactly is measured", open=False):
        gr.Markdown(BEYOND)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    lines = views.stored(LOSS_FILE)
    if lines:
        gr.Markdown(LOSS_LEAD, elem_classes="gb-note")
        component("chart", views.chart_of_loss(lines), empty="", elem_id="parallel-loss")
        spans = [f"{low + 1}–{high}" for low, high in views.STRETCHES]
        head = ("bits after characters", "parameters", *spans)
        gr.HTML(f"<div {SCROLLS}>{draw_table(head, views.rows_of_loss(lines))}</div>")
        gr.Markdown(LOSS_NOTE, elem_classes="gb-note")

    drawn = [reading, writing, memory, said]
    keeps(log=log)
    measuring = run.click(
        compute_timings,
        log,
        [speeds, *drawn, strip],
        concurrency_id="attention-measure",
        concurrency_limit=1,
        **private(),
    )
    stop.click(lambda: empty_strip("Stopped."), None, strip, cancels=[measuring], queue=False, **private())
    log.input(view_axes, [speeds, log], drawn, **private())
