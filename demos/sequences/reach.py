"""How far back: what each prediction owes to each earlier character, and what is still known after N of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.opening import opens
from demos.sentences import percent
from demos.sequences.networks import CELLS
from demos.sequences.reading import MAX_CHARS, noted
from demos.tab import LONG, RUN, private, stops
from demos.ui import component
from demos.views.influence import Chart, InfluenceView, NetworkReach, chart_of_recall, reach_of
from demos.views.tasks import draw_table
from models.inputs import check_integer, check_text
from models.sequences.networks import OWN, TRANSFORMER
from models.sequences.recall.names import NAMES
from models.sequences.sampling import MAX_SEED
from models.text.symbols import unknown_note

TITLES = {**CELLS, TRANSFORMER: "Transformer"}
DISTANCES = (0, 20, 50, 100, 150, 200, 250, 300, 350, 400)
SEQUENCES = 100
EXAMPLE = '"Where have you been, Anna?" asked her mother. "The boats are not yet home," she said, and'
FILLER = "was seen walking along the river with a basket, and it rained all day, so the answer came late"

LEAD = """A long text must pass through the memory one character at a time. What is left of its beginning at the end?
Two measurements: what every prediction owes to every earlier character, and whether a name can still be recalled."""

MEANING = r"""The influence of a character is the length of the gradient of the best next character's score with respect
to it (Madsen 2019): how much the prediction would move if that character were a little different. It is a statement
about small changes, not a full explanation. The Transformer does not carry a memory: it looks back at the characters
themselves, up to 256 of them.

$$\text{influence}(t, s) = \left\lVert \frac{\partial\, \text{score}_t(\text{best})}{\partial x_s} \right\rVert$$"""

RECALL_MEANING = """Small networks of about equal size were trained on one task: read a name, then N characters of
anything, then write the name again. The recurrent ones must carry it through N steps and lose it little by little. A
Transformer looks it up, so that distance costs it nothing, but it has to have learnt such looks: the one trained with
N up to 100 breaks off there, the same network trained with N up to 300 breaks off there. Both ends are marked in the
chart. All were asked to predict everything in between too: what is forgotten is forgotten while reading on."""


def compute_influence(text: object, own: str | None) -> Iterator[tuple[Any, str]]:
    """Measure one network after the other. Yields (view, strip); the view grows by a row each."""
    text = check_text(text, name="The text", max_chars=MAX_CHARS)
    from models.sequences.reach import measure_influence

    measured: list[NetworkReach] = []
    for name, title in titles(own).items():
        for step in measure_influence(name, text):
            if step.trace is None:
                yield gr.skip(), empty_strip(f"{title}: {percent(step.done)} of the predictions traced back …")
                continue
            measured.append(reach_of(title, step.trace))
            note = f"Measured: {', '.join(one.title for one in measured)}. Time and facts are those of the {title}."
            yield (
                InfluenceView(list(step.trace.text), list(measured)),
                strip_of(step.run, note=noted(note, unknown_note(text))),
            )


def titles(own: str | None) -> dict[str, str]:
    """Every network that can be measured, by name; with the one the visitor has kept, if any."""
    return {**TITLES, own: OWN.find(own).title} if own is not None and own in OWN else TITLES


def compute_recall(filler: object, seed: object) -> Iterator[tuple[Chart, str]]:
    """Accuracy over distance for the small networks, point by point. Yields (chart, strip)."""
    filler = check_text(filler, name="The filler", max_chars=MAX_CHARS, allow_empty=True)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    from models.sequences.reach import measure_curves

    points: list[tuple[str, int, float]] = []
    for step in measure_curves(DISTANCES, SEQUENCES, seed, filler or None):
        point, trained_to = step.point, step.trained_to
        points.append((recall_title(point.cell, trained_to), point.distance, point.accuracy))
        note = f"{SEQUENCES} sequences a point, drawn now; {len(points)} of {len(trained_to) * len(DISTANCES)} points."
        yield chart_of_recall(points, 1 / len(NAMES), trained_to.values()), strip_of(step.run, note=note)


def compute_once(name: str, filler: object) -> tuple[str, str]:
    """What each network writes after one sequence. Returns (table, strip)."""
    filler = check_text(filler, name="The filler", max_chars=MAX_CHARS, allow_empty=True)
    from models.sequences.reach import ask_all

    answers = ask_all(name, filler)
    rows = [
        [
            recall_title(cell, answers.trained_to),
            result.written or "nothing",
            "yes" if result.written == name else "no",
            percent(result.probability, 1),
        ]
        for cell, result in answers.recalled.items()
    ]
    head = ("network", "writes", "right", "probability of the name")
    return draw_table(head, rows), strip_of(answers.run, note=unknown_note(filler))


def recall_title(cell: str, trained_to: Mapping[str, int]) -> str:
    """A network's name in the chart: Transformers by how far they were trained."""
    return f"Transformer, to {trained_to[cell]}" if cell.endswith("transformer") else cell.upper()


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
        measure = gr.Button("Measure all models", variant="primary", size="sm", elem_id="sequences-reach-run")
        stop = gr.Button("Stop", size="sm")
    view = component("influence_view", elem_id="sequences-reach-figure")
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
            once = gr.Button("Ask them all", size="sm", elem_id="sequences-recall-once")
            answers = gr.HTML(elem_id="sequences-recall-answers")
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of the curve")
            curve = gr.Button("Measure the curve", variant="primary", size="sm", elem_id="sequences-recall-run")
        with gr.Column(scale=3, min_width=300):
            accuracy = component(
                "chart",
                empty="Press Measure the curve: 100 sequences for each network and distance.",
                elem_id="sequences-recall-chart",
            )
            recall_strip = gr.HTML(empty_strip("The networks (1.3 MB) are loaded with the first question."))

    keeps(text=text, name=name, filler=filler, seed=seed)
    running = gr.on([measure.click, text.submit], compute_influence, [text, own], [view, strip], **LONG, **private())
    stops(stop, [running], strip)
    opens(compute_influence, [text, own], [view, strip], queue=LONG)
    curve.click(compute_recall, [filler, seed], [accuracy, recall_strip], **LONG, **private())
    gr.on(
        [once.click, name.input, filler.submit],
        compute_once,
        [name, filler],
        [answers, recall_strip],
        **RUN,
        **private(),
    )
    return text
