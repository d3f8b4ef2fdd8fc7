"""A weighted sum: one head's queries, keys, values and weights in numbers, to be dragged and written."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from demos.attention.runs import predicting_model, run_of, shown_run, usable_subject
from demos.attention.shared import (
    EXAMPLES,
    LATEX,
    NETWORK,
    check_sentence,
    private,
    sent,
    sentence_controls,
)
from demos.base import empty_strip, run_strip
from demos.components.prediction_pair import prediction_pair
from demos.components.weighted_sum import weighted_sum
from demos.views.attention_effect import draw_effect
from demos.views.attention_sum import draw_sum, first_head
from models import runtime, weights
from models.inputs import check_choice, check_integer

TITLE = "A weighted sum"
STATE_SECONDS = 3_600
EXAMPLE = "Alice was tired, and she sat by her sister on the bank"

MEANING = r"""A token's **query** $q$ is compared with every token's **key** $k$: the more alike the two, the larger
their dot product. Divided by $\sqrt{d}$, so that long vectors do not make softmax all or nothing, and hidden where a
mask forbids to look ahead, the scores become **weights** that add up to one. The head's output is the sum of the
**values** $v$, each times its weight (Vaswani et al. 2017, section 3.2).

$$o = \sum_s a_s v_s \qquad a_s = \frac{e^{\,q \cdot k_s / \sqrt{d}}}{\sum_r e^{\,q \cdot k_r / \sqrt{d}}}$$

All numbers are those of the real network; what you change is put in place of its own weights, and the rest of the
network runs on from there. A head is one of many: its output passes through one more matrix and is added to what the
others found."""

TRY = """- Point at a score, then at a weight: every number says how it was made. Tab and the arrow
  keys do the same.
- Drag the largest weight to zero. Where does its share go, and does the prediction change at all?
- Write 1 beside one token: the sum is now that token's value, exactly.
- Turn the temperature up to 10: the weights become equal and the sum a mean. Turn it down to 0.1: one token wins.
- Do the same in the first and in the last layer, then in another head: how many heads matter for this prediction?"""


def compute_sum(text: Any, model: Any) -> Iterator[tuple[Any, ...]]:
    """Run a sentence. Yields (shown, sum, predictions, strip); first what is being loaded, if anything is."""
    text = check_sentence(text)
    entry = weights.find(model, "attention")
    if entry.name not in runtime.names_in_memory():
        yield gr.skip(), gr.skip(), gr.skip(), empty_strip(f"Loading {entry.title} …")
    loaded, note = usable_subject(model)
    subject, watch = loaded.network, runtime.Stopwatch()
    with watch("model"):
        reading, run = run_of(loaded.name, text)
    with watch("drawing"):
        head, query = first_head(run, subject.kinds)
        drawn = draw_sum(subject, reading, run, head, query)
        effect = _unchanged(subject, reading, run, head.kind, query)
    strip = run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)
    yield (loaded.name, text), drawn, effect, strip


def _unchanged(subject: Any, reading: Any, run: Any, kind: str, query: int) -> dict[str, Any]:
    from models.attention.effects import effect_of

    return draw_effect(subject, reading, effect_of(subject, reading, run, run), own=_own(subject, kind, query))


def _own(subject: Any, kind: str, query: int) -> int | None:
    """The position that predicts for the token that looks: none in the encoder of a translator."""
    predicts = subject.predicts != "nothing" and (kind != "encoder" or "cross" not in subject.kinds)
    return query if predicts else None


def view_head(shown: Any, event: gr.EventData) -> tuple[Any, Any]:
    """Another head of the same run: (sum, predictions). No network is run."""
    from models.attention.changes import layers_of, lengths
    from models.text.instrument import Head

    _, subject, reading, run = shown_run(shown)
    name = check_choice(sent(event, "kind"), subject.kinds, name="The kind of attention")
    kind = next(known for known in subject.kinds if known == name)
    layer = check_integer(sent(event, "layer"), name="The layer", low=0, high=layers_of(subject, kind) - 1)
    head = check_integer(sent(event, "head"), name="The head", low=0, high=subject.heads - 1)
    query = check_integer(sent(event, "query"), name="The token", low=0, high=10_000)
    query = min(query, lengths(subject, reading, kind)[0] - 1)
    drawn = draw_sum(subject, reading, run, Head(kind, layer, head), query)
    return drawn, _unchanged(subject, reading, run, kind, query)


@runtime.gpu()
def _compare(model: str, text: str, given: Any) -> Any:
    from models.attention.changes import parse_sum
    from models.attention.effects import compare, effect_of

    _, subject, reading, run = shown_run((model, text))
    edits = parse_sum(subject, reading, run, given)
    changed = bool(edits.rows or edits.temperatures)
    effect = compare(subject, reading, edits, before=run) if changed else effect_of(subject, reading, run, run)
    return subject, reading, edits, effect


def compute_change(shown: Any, event: gr.EventData) -> Any:
    """The network run on with the visitor's weights and temperature: the predictions before and after."""
    from models.attention.effects import token_names

    model, *_ = shown_run(shown)
    given = {name: sent(event, name) for name in ("kind", "layer", "head", "temperature", "rows")}
    subject, reading, edits, effect = _compare(model, shown[1], given)
    kind = next(known for known in subject.kinds if known == given["kind"])
    names = token_names(reading, kind)[0]
    where = f"layer {given['layer'] + 1}, head {given['head'] + 1}"
    changes = [f"weights of “{names[query].strip()}” ({query + 1}) in {where}" for _, query in edits.rows]
    changes += [f"temperature {temperature:g} in {where}" for temperature in edits.temperatures.values()]
    query = check_integer(sent(event, "query"), name="The token", low=0, high=len(names) - 1)
    return draw_effect(subject, reading, effect, own=_own(subject, kind, query), changes=changes)


def build() -> None:
    """The page: sentence and model above, the sum with its numbers, what the change does to the prediction."""
    shown = gr.State(None, time_to_live=STATE_SECONDS)
    text, examples, model, run = sentence_controls("sum", EXAMPLE, "Show the sum", predicting_model())
    figure = weighted_sum(elem_id="sum-figure")
    strip = gr.HTML(empty_strip("The model is loaded when you press Show the sum."), elem_id="sum-strip")
    gr.Markdown("### What the network predicts with your weights", elem_classes="gb-note")
    predictions = prediction_pair(
        empty="Show a sum first; then drag a weight or change the temperature.", elem_id="sum-predictions"
    )
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)

    quiet = partial(private, **NETWORK)
    outputs = [shown, figure, predictions, strip]
    gr.on([run.click, text.submit, model.input], compute_sum, [text, model], outputs, **quiet())
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_sum, [text, model], outputs, **quiet()
        )
    figure.choose(view_head, shown, [figure, predictions], trigger_mode="always_last", **quiet())
    figure.rework(compute_change, shown, predictions, trigger_mode="always_last", **quiet())
