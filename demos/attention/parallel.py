"""All at once: which steps wait for one another, what that takes on this machine, and what more context is worth."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.opening import opens
from demos.tab import LATEX, LIGHT, private, stops
from demos.ui import component
from demos.views import parallel as views
from demos.views.parallel import ScheduleView
from demos.views.tables import scrolls
from demos.views.tasks import draw_table
from models import weights
from models.inputs import check_flag

if TYPE_CHECKING:
    from models.attention.speed import Speeds

TITLE = "All at once"
BUDGET_SECONDS = 16.0
CHARACTERS = 16
STATE_SECONDS = 3600
LOSS_FILE = weights.EMBEDDED.parent / "figures" / "loss_by_position.json"

LEAD = """A recurrent network must read one character after the other: step 100 waits for step 99. A Transformer
reads all characters at once: nothing waits but one layer for the layer below. That is what “parallel” means."""

MEANING = r"""**Span** is what must happen one after the other, **work** is all that must be done. The LSTM (1.31 M
parameters) takes n steps for n characters. The causal Transformer (1.25 M, 4 layers) takes 4 steps however long the
text is; its work has a square in it, for every character looks at every other. Which of the two makes the time
depends on the machine: a processor with a few cores does the work piece by piece, so that time follows the work; a
GPU does thousands of products at once, so that time follows the span. Many texts at once give a recurrent network
something to do in parallel too. **Writing** is one after the other for both, since each character is an input of the
next; there a **cache** keeps the keys and values of all characters before, so that only the new one is computed.

$$\text{span: } n \text{ against layers} \qquad \text{work: } n\,m \text{ against } n\,m' + n^2\,p$$"""

BEYOND = """Seconds depend on the sizes of the matrices, not on the numbers in them: beyond the 256 characters that
it was trained to read, the Transformer is timed with the same weights, and what it predicts there means nothing. Each
point is the median of up to five runs after one that is not counted. The recurrent networks read with PyTorch's fused
cells, which multiply all inputs at once and then go step by step. Multiplications are counted from the networks' own
matrices; the drawn square of looks is computed whole and its upper half then hidden. No GPU was at hand when this page
was made, so that no time of one is shown; where the app runs on one, the measurement is made there."""

LOSS_LEAD = """### What is more context worth?

The same networks, and a plain RNN, on pages of nine novels that none of them has been trained on. Each begins with
an empty memory, in the middle of a page, and predicts 256 characters: how surprised is it after k of them?"""

LOSS_NOTE = """Measured beforehand, over 1,148 windows: `python -m models.recipes.attention.positions --data test.txt
--store`. The standard error of the mean at one position is about 0.06 bits, but all networks read the same windows,
so differences between them are surer than that; points far apart are means over several positions.

Most is learnt from the first sixteen characters, by all four. From there on (9 to 16 characters read, against 129
to 256) the RNN gains 0.02 bits, the Transformer 0.08, GRU and LSTM 0.1 each: the gated networks use more of
the text than the RNN, which rewrites its whole memory at every character. Beyond 64 characters none gains more than
about 0.02 bits, so on this text and at this size a far look hardly pays. The Transformer is ahead at every length,
most in the first four predictions (0.29 bits over the GRU, 0.39 over the RNN, 1.0 over the LSTM), at the end by
0.07 over the LSTM. Part of its start is training: its windows began anywhere on a page, while the recurrent
networks carried their memory on and seldom began afresh. All four have read the same seventeen books. Part of the
RNN's distance is size: it has 0.37 M parameters."""

TRY = """- Step through the schedule: what does the LSTM compute at step 5, what the Transformer?
- Lengthen the text: which number of steps grows, which stays?
- Choose writing, with and without a cache: what is computed again and again?
- Measure: from which length on does the Transformer need longer here, and what do 64 texts at once change?"""


Drawn = tuple[Any, Any, Any, Any, str]


def compute_schedule() -> tuple[ScheduleView, str]:
    """The steps and the work of both networks. Returns (schedule, strip)."""
    from models.attention.speed import compare_costs

    costs = compare_costs("LSTM")
    return views.view_of_schedule(costs, CHARACTERS), strip_of(costs.run, note="Sizes counted from both networks.")


def compute_timings(log: Any) -> Iterator[tuple[Any, ...]]:
    """Measure point by point. Yields (speeds, reading, writing, batches, memory, sentence, strip)."""
    log = check_flag(log, name="The choice of axes")
    yield *(gr.skip() for _ in range(6)), empty_strip("Loading three networks (7 MB) …")
    from models.attention.speed import measure_speeds

    speeds = None
    for speeds in measure_speeds(BUDGET_SECONDS):
        yield speeds, *_draw(speeds, log=log), _strip(speeds, f"{len(speeds.timings)} points measured.")
    if speeds:
        yield speeds, *_draw(speeds, log=log), _strip(speeds, f"Done: {len(speeds.timings)} points measured.")


def view_axes(speeds: Any, log: Any) -> Drawn:
    """The same points on other axes; nothing is measured."""
    log = check_flag(log, name="The choice of axes")
    return _draw(speeds, log=log) if speeds else (None, None, None, None, "")


def _draw(speeds: "Speeds", *, log: bool) -> Drawn:
    """(reading, writing, batches, memory, sentence)."""
    from models.attention.speed import BATCH_LENGTH, LENGTHS, RECURRENT, TRANSFORMER

    timings = speeds.timings
    sizes = {name: [(n, speeds.state_bytes[name]) for n in LENGTHS] for name in RECURRENT}
    sizes[TRANSFORMER] = [(n, speeds.cache_bytes(n)) for n in LENGTHS]
    said = html.escape(views.sentence_of(timings))
    return (
        views.chart_of_timings(timings, "read", log=log),
        views.chart_of_timings(timings, "write", log=log),
        views.chart_of_batches(timings, BATCH_LENGTH, log=log),
        views.chart_of_memory(sizes, log=log),
        f'<p class="gb-note">{said}</p>',
    )


def _strip(speeds: "Speeds", note: str) -> str:
    threads = f"{speeds.threads} threads" if speeds.threads > 1 else "1 thread"
    return empty_strip(f"{note} Device {speeds.device}, {threads}, PyTorch, float32.")


def _charts() -> list[Any]:
    """(reading, writing, batches, memory)."""
    about = {
        "reading": "Press Measure: points appear as they are measured, for about 16 seconds.",
        "writing": "Writing one more character, with and without a cache.",
        "batches": "Several texts at once.",
        "memory": "What must be kept.",
    }
    charts = []
    for pair in (("reading", "writing"), ("batches", "memory")):
        with gr.Row():
            for name in pair:
                with gr.Column(min_width=320):
                    charts.append(component("chart", empty=about[name], elem_id=f"parallel-{name}"))
    return charts


def build() -> None:
    """The page: the schedule, the measurement and its charts, then the stored loss by position."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    speeds = gr.State(None, time_to_live=STATE_SECONDS)
    schedule = component("schedule", elem_id="parallel-schedule")
    facts = gr.HTML(empty_strip("Both networks are loaded for their sizes."), elem_id="parallel-facts")
    gr.Markdown("### What does it take on this machine?", elem_classes="gb-note")
    with gr.Row():
        run = gr.Button("Measure", variant="primary", size="sm", min_width=120, elem_id="parallel-run")
        stop = gr.Button("Stop", size="sm", min_width=90, elem_id="parallel-stop")
        log = gr.Checkbox(False, label="Logarithmic axes", min_width=160, elem_id="parallel-log")
    said = gr.HTML(elem_id="parallel-said")
    charts = _charts()
    strip = gr.HTML(empty_strip("Nothing is measured yet."), elem_id="parallel-strip")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What exactly is measured", open=False):
        gr.Markdown(BEYOND)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    _stored_loss()

    drawn = [*charts, said]
    keeps(log=log)
    measuring = run.click(
        compute_timings,
        log,
        [speeds, *drawn, strip],
        concurrency_id="attention-measure",
        concurrency_limit=1,
        **private(),
    )
    stops(stop, [measuring], strip)
    log.input(view_axes, [speeds, log], drawn, **private())
    opens(compute_schedule, [], [schedule, facts], queue=LIGHT)


def _stored_loss() -> None:
    lines = views.stored(LOSS_FILE)
    if not lines:
        return
    gr.Markdown(LOSS_LEAD, elem_classes="gb-note")
    component("chart", views.chart_of_loss(lines), empty="", elem_id="parallel-loss")
    spans = [f"{low + 1}–{high}" for low, high in views.STRETCHES]
    head = ("bits after characters", "parameters", *spans)
    gr.HTML(f"<div {scrolls('Loss by length')}>{draw_table(head, views.rows_of_loss(lines))}</div>")
    gr.Markdown(LOSS_NOTE, elem_classes="gb-note")
