"""How far back: what each prediction owes to each earlier character, and what is still known after N of them."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.events import api

from demos.base import empty_strip, run_strip, save_arrays, visitor_errors
from demos.components.influence_view import influence_view
from demos.sequences.networks import CELLS, OWN, Own, usable_network
from demos.sequences.next_token import MAX_API_CHARS, MAX_CHARS
from demos.ui import component
from demos.views.influence import draw_influence, draw_recall
from demos.views.tasks import draw_table
from models import runtime
from models.inputs import check_choice, check_integer, check_text
from models.sequences.recall.names import NAMES
from models.text.symbols import unknown_note
from models.weights import find

TRANSFORMER = "char-transformer"
TITLES = {**CELLS, TRANSFORMER: "Transformer"}
RECALL = "recall-cells"
DISTANCES = (0, 5, 10, 20, 40, 80, 120, 160, 200)
SEQUENCES = 100
EXAMPLE = (
    '"Where have you been, Anna?" asked her mother, who had waited at the window all the afternoon. "The storm is '
    'coming, and the boats are not yet home," she said, and turned to look at'
)
FILLER = "was seen walking along the river with a basket, and it rained all day, so the answer came late"

LEAD = """A long text must pass through the memory one character at a time. What is left of its beginning at the end?
Two measurements: what every prediction owes to every earlier character, and whether a name can still be recalled."""

MEANING = r"""The influence of a character is the length of the gradient of the best next character's score with respect
to it (Madsen 2019): how much the prediction would move if that character were a little different. It is a statement
about small changes, not a full explanation. The Transformer does not carry a memory: it looks back at the characters
themselves, up to 256 of them.

$$\text{influence}(t, s) = \left\lVert \frac{\partial\, \text{score}_t(\text{best})}{\partial x_s} \right\rVert$$"""

RECALL_MEANING = """Four small networks of about equal size were trained on one task: read a name, then N characters of
anything, then write the name again. The recurrent ones must carry it through N steps; the Transformer can look it up,
as long as it has seen such distances in training. They were asked to predict
everything in between too: what is forgotten is forgotten while reading on."""


@runtime.gpu()
def _influence(network: Any, text: str) -> Iterator[Any]:
    from models.sequences.influence import trace_influence

    yield from trace_influence(network, text)


def _network(name: str, own: Own | None) -> runtime.Loaded:
    if name != TRANSFORMER:
        return usable_network(name, own)[0]
    from models.text.causal import load

    return runtime.load(TRANSFORMER, load)


def compute_influence(text: Any, own: Own | None) -> Iterator[tuple[Any, str]]:
    """Measure one network after the other. Yields (figure, strip); the figure grows by a row each."""
    with visitor_errors():
        text = check_text(text, name="The text", max_chars=MAX_CHARS)
        from models.sequences.influence import InfluenceTrace

        titles = {**TITLES, **({OWN: own.title} if own else {})}
        traces: list[tuple[str, Any]] = []
        for name, title in titles.items():
            loaded, watch = _network(name, own), runtime.Stopwatch()
            steps = _influence(loaded.network, text)
            while True:
                with watch("model"):
                    step = next(steps)
                if isinstance(step, InfluenceTrace):
                    break
                yield gr.skip(), empty_strip(f"{title}: {step:.0%} of the predictions traced back …")
            traces.append((title, step))
            note = f"Measured: {', '.join(t for t, _ in traces)}. Time and facts are those of the {title}."
            note = " ".join(filter(None, (note, unknown_note(text))))
            yield draw_influence(traces), run_strip(loaded, model=watch.seconds["model"], note=note)


def _recall_networks() -> runtime.Loaded:
    from models.sequences.recall.network import load

    return runtime.load(RECALL, load)


def compute_recall(filler: Any, seed: Any) -> Iterator[tuple[Any, str]]:
    """Accuracy over distance for the four small networks, point by point. Yields (chart, strip)."""
    with visitor_errors():
        filler = check_text(filler, name="The filler", max_chars=MAX_CHARS, allow_empty=True)
        seed = check_integer(seed, name="The seed", low=0, high=2**31 - 1)
        from models.sequences.recall.measure import measure_recall

        loaded, watch = _recall_networks(), runtime.Stopwatch()
        points: list[tuple[str, int, float]] = []
        stream = measure_recall(loaded.network, DISTANCES, count=SEQUENCES, seed=seed, filler=filler or None)
        while True:
            with watch("model"):
                point = next(stream, None)
            if point is None:
                return
            points.append((_title(point.cell), point.distance, point.accuracy))
            note = f"{SEQUENCES} sequences a point, drawn now; {len(points)} of {4 * len(DISTANCES)} points."
            yield draw_recall(points, 1 / len(NAMES)), run_strip(loaded, model=watch.seconds["model"], note=note)


def compute_once(name: Any, filler: Any) -> tuple[str, str]:
    """What each network writes after one sequence. Returns (table, strip)."""
    with visitor_errors():
        filler = check_text(filler, name="The filler", max_chars=MAX_CHARS, allow_empty=True)
        from models.sequences.recall.measure import recall_once

        loaded, watch = _recall_networks(), runtime.Stopwatch()
        with watch("model"):
            recalled = recall_once(loaded.network, name, filler)
        rows = [
            [
                _title(cell),
                result.written or "nothing",
                "yes" if result.written == name else "no",
                f"{result.probability:.1%}",
            ]
            for cell, result in recalled.items()
        ]
        head = ("network", "writes", "right", "probability of the name")
        return draw_table(head, rows), run_strip(loaded, model=watch.seconds["model"], note=unknown_note(filler))


def _title(cell: str) -> str:
    return "Transformer" if cell == "transformer" else cell.upper()


def sequences_memory(text: str, model: str = "char-lstm") -> Iterator[tuple[dict[str, Any], FileData | None]]:
    """What every prediction of a network owes to every earlier character of a text (connectivity, Madsen 2019).

    Args:
        text: 1 to 20,000 characters; the last 200 count.
        model: char-rnn, char-gru, char-lstm or char-transformer.

    Returns:
        {"model", "seconds", "done": share 0..1, "text": the T characters traced, beginning with a line break,
        "best": the most probable next character after each, "by_distance": mean share of the influence by distance,
        "note": which characters have no symbol} and a compressed .npz with `influence [T, T]` float32: row t, the
        prediction after character t; column s, the character at s. Streams the share done; the last answer is whole.
    """
    with visitor_errors():
        text = check_text(text, name="The text", max_chars=MAX_API_CHARS)
        name = check_choice(model, list(TITLES), name="The model")
        from models.sequences.influence import InfluenceTrace

        loaded, watch = _network(find(name).name, None), runtime.Stopwatch()
        steps = _influence(loaded.network, text)
        while True:
            with watch("model"):
                step = next(steps)
            facts = {"model": loaded.name, "seconds": round(watch.seconds["model"], 4)}
            if isinstance(step, InfluenceTrace):
                break
            yield {**facts, "done": round(step, 3)}, None
        curve = [float(f"{share:.4g}") for share in step.by_distance()]
        whole = {**facts, "done": 1, "text": step.text, "best": step.best, "by_distance": curve}
        whole["note"] = unknown_note(text)
        path = save_arrays("influence.npz", influence=np.asarray(step.influence))
        yield whole, FileData(path=str(path), orig_name="influence.npz")


def build(own: gr.State) -> gr.Textbox:
    """The page; returns its text box for the tab to fill."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    text = gr.Textbox(
        EXAMPLE,
        label="Text (the last 200 characters count)",
        lines=2,
        max_length=MAX_CHARS,
        elem_id="sequences-reach-text",
    )
    with gr.Row():
        measure = gr.Button("Measure all networks", variant="primary", size="sm", elem_id="sequences-reach-run")
        stop = gr.Button("Stop", size="sm")
    figure = influence_view(elem_id="sequences-reach-figure")
    strip = gr.HTML(empty_strip("Three recurrent networks and a Transformer are traced one after the other."))
    gr.Markdown(MEANING, elem_classes="gb-note")
    gr.Markdown("### Can a name be recalled?")
    gr.Markdown(RECALL_MEANING, elem_classes="gb-note")
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            name = gr.Dropdown(list(NAMES), value=NAMES[0], label="Name to remember", elem_id="sequences-recall-name")
            filler = gr.Textbox(
                FILLER,
                label="What comes between",
                info="For the curve it is cut and repeated to every length; empty: random letters.",
                lines=3,
                max_length=MAX_CHARS,
                elem_id="sequences-recall-filler",
            )
            once = gr.Button("Ask all four", size="sm", elem_id="sequences-recall-once")
            answers = gr.HTML(elem_id="sequences-recall-answers")
            seed = gr.Number(0, precision=0, minimum=0, maximum=2**31 - 1, label="Seed of the curve")
            curve = gr.Button("Measure the curve", variant="primary", size="sm", elem_id="sequences-recall-run")
        with gr.Column(scale=3, min_width=300):
            accuracy = component(
                "chart",
                empty="Press Measure the curve: 100 sequences for each network and distance.",
                elem_id="sequences-recall-chart",
            )
            recall_strip = gr.HTML(empty_strip("The four networks (1 MB) are loaded with the first question."))

    private = partial(dict, api_visibility="private", show_progress="hidden", concurrency_limit=1)
    running = gr.on(
        [measure.click, text.submit],
        compute_influence,
        [text, own],
        [figure, strip],
        concurrency_id="sequences-memory",
        **private(),
    )
    stop.click(None, cancels=[running], api_visibility="private")
    curve.click(
        compute_recall, [filler, seed], [accuracy, recall_strip], concurrency_id="sequences-recall", **private()
    )
    gr.on(
        [once.click, name.input, filler.submit],
        compute_once,
        [name, filler],
        [answers, recall_strip],
        concurrency_id="sequences-recall",
        **private(),
    )
    api(sequences_memory, api_name="sequences_memory", concurrency_id="sequences-memory", concurrency_limit=1)
    return text
