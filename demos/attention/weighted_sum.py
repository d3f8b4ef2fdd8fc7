"""A weighted sum: one head's queries, keys, values and weights in numbers, to be dragged and written."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.attention.controls import EXAMPLES, STATE_SECONDS, check_sentence, sentence_controls
from demos.attention.inside import shown_text
from demos.base import empty_strip, strip_of, usable_model
from demos.offer import run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, RUN, payload, private
from demos.ui import component
from demos.views.attention_effect import EffectView, view_of_effect
from demos.views.attention_sum import SumView, view_of_sum
from models import runtime, weights

TITLE = "A weighted sum"
TRANSLATOR = "translator-en-fr"

MEANING = r"""A token's **[query](#term-query)** $q$ is compared with every token's **[key](#term-key)** $k$: the
more alike the two, the larger
their dot product. Divided by $\sqrt{d}$, so that long vectors do not make [softmax](#term-softmax) all or nothing,
and hidden where a
mask forbids to look ahead, the scores become **weights** that add up to one. The head's output is the sum of the
**[values](#term-value)** $v$, each times its weight (Vaswani et al. 2017, section 3.2).

$$o = \sum_s a_s v_s \qquad a_s = \frac{e^{\,q \cdot k_s / \sqrt{d}}}{\sum_r e^{\,q \cdot k_r / \sqrt{d}}}$$

All numbers are those of the real network, computed in full and written with three digits; what you change is put in
place of its own weights, and the rest of the network runs on from there. A head is one of many: its output passes
through one more matrix and is added to what the others found."""

TRY = """- Point at a score, then at a weight: every number says how it was made. Tab and the arrow
  keys do the same.
- Drag the largest weight to zero. Where does its share go, and does the prediction change at all?
- Write 1 beside one token: the sum is now that token's value, exactly.
- Turn the temperature up to 10: the weights become equal and the sum a mean. Turn it down to 0.1: one token wins.
- Do the same in the first and in the last layer, then in another head: how many heads matter for this prediction?"""


def compute_sum(text: Any, model: Any) -> Iterator[tuple[Any, ...]]:
    """Run a sentence. Yields (shown, sum, predictions, strip); first what is being loaded, if anything is."""
    text = check_sentence(text)
    name, note = usable_model(model, "attention")
    if name not in runtime.names_in_memory():
        yield gr.skip(), gr.skip(), gr.skip(), empty_strip(f"Loading {weights.find(name).title} …")
    from models.attention.sums import show_sum

    found = show_sum(name, text)
    yield (name, text), view_of_sum(found), view_of_effect(found.comparison), strip_of(found.run, note=note)


def view_head(shown: Any, event: gr.EventData) -> tuple[SumView, EffectView]:
    """Another head of the same run: (sum, predictions)."""
    from models.attention.sums import show_sum

    given = {name: payload(event, name) for name in ("kind", "layer", "head", "query")}
    found = show_sum(*shown_text(shown), given)
    return view_of_sum(found), view_of_effect(found.comparison)


def compute_change(shown: Any, event: gr.EventData) -> EffectView:
    """The network run on with the visitor's weights and temperature: the predictions before and after."""
    from models.attention.sums import change_sum

    given = {name: payload(event, name) for name in ("kind", "layer", "head", "temperature", "rows")}
    return view_of_effect(change_sum(*shown_text(shown), given, payload(event, "query")))


def build() -> None:
    """The page: sentence and model above, the sum with its numbers, what the change does to the prediction."""
    shown = gr.State(None, time_to_live=STATE_SECONDS)
    text, examples, model, run = sentence_controls(
        "sum", EXAMPLES["It, the animal"], "Run", weights.first_choice("attention", TRANSLATOR)
    )
    figure = component("weighted_sum", events=["choose", "rework"], elem_id="sum-figure")
    strip = gr.HTML(empty_strip("The model is loaded when you press Run."), elem_id="sum-strip")
    gr.Markdown("### What the network predicts with your weights", elem_classes="gb-note")
    predictions = component(
        "prediction_pair",
        empty="Run first; then drag a weight or change the temperature.",
        elem_id="sum-predictions",
    )
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)

    keeps(text=text, model=model, looks=("head",))
    outputs = [shown, figure, predictions, strip]
    opens(compute_sum, [text, model], outputs)
    gr.on([run.click, text.submit, model.input], compute_sum, [text, model], outputs, **private(), **RUN)
    run_on_arrival(model, compute_sum, [text, model], outputs)
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_sum, [text, model], outputs, **private(), **RUN
        )
    figure.choose(view_head, shown, [figure, predictions], trigger_mode="always_last", **private(), **RUN)
    figure.rework(compute_change, shown, predictions, trigger_mode="always_last", **private(), **RUN)
