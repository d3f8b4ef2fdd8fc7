"""The explorer: every head of every layer on the visitor's own sentence, and which word each word reads from."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import api

from demos.address import keeps
from demos.attention.api import attention_find, attention_trace
from demos.attention.controls import EXAMPLES, check_sentence, default_model, sentence_controls
from demos.base import empty_strip, strip_of, usable_model
from demos.offer import run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, RUN, answering, private
from demos.ui import component
from demos.views.attention_find import WithoutView, view_without
from demos.views.explorer import ExplorerView, view_of_attention
from models import runtime, weights
from models.inputs import check_text

TITLE = "All heads"

MEANING = r"""Each row of a map is one token that looks (query), each column one that is looked at (key); bright means
much. Every layer has several heads, and each divides its attention in its own way. A decoder sees only what is left of
it, so the upper right half of its maps is empty; in cross-attention the written French looks back at the English.

$$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$"""

TRY = """- Click a small map to see it large; click a token to see what it takes from each of the others, in numbers.
- Try the buttons under the grid: heads that look at the token before, at themselves, at the first or the last token.
- Choose the translator, then cross-attention: click a French word and see which English words it was written from.
- Write a sentence with “it” or “she” and look for a head that finds the word it stands for.
- Attention says where information was taken from. It does not prove why the model decided as it did."""


def compute_attention(text: Any, model: Any) -> Iterator[tuple[ExplorerView | dict[str, Any], str]]:
    """Trace a sentence. Yields (explorer, strip): first what is being loaded, if anything is, then the view."""
    text = check_sentence(text)
    name, note = usable_model(model, "attention")
    if name not in runtime.names_in_memory():
        yield gr.skip(), empty_strip(f"Loading {weights.find(name).title} …")
    from models.attention.runs import trace_text

    found, watch = trace_text(name, text), runtime.Stopwatch()
    with watch("drawing"):
        view = view_of_attention(found.attention, name, text)
    yield view, strip_of(found.run, drawing=watch.seconds["drawing"], note=note)


@answering
def attention_switch_off(request: dict[str, Any]) -> WithoutView:
    """What becomes of a run without one head: `{"model", "text", "kind", "layer", "head", "query"}`, from 0."""
    from models.attention.links import without_head

    model = weights.find(check_text(request.get("model"), name="The model", max_chars=100), "attention").name
    text, query = check_sentence(request.get("text")), request.get("query")
    kind, layer, head = (request.get(part) for part in ("kind", "layer", "head"))
    found, off, looks = without_head(model, text, kind, layer, head, query)
    return view_without(found, f"layer {off.layer + 1}, head {off.head + 1}", looks)


def build() -> None:
    """The page: sentence and model above, the linked maps below, explanations and the file under them."""
    first = EXAMPLES["It, the animal"]
    text, examples, model, run = sentence_controls("attention", first, "Run", default_model())
    nothing = "Nothing traced yet: type a sentence and press Run."
    explorer = component(
        "attention_explorer",
        title="",
        empty=nothing,
        server_functions=[attention_switch_off],
        elem_id="attention-explorer",
    )
    strip = gr.HTML(empty_strip("The model is loaded when you press Run."), elem_id="attention-strip")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The numbers, as a file", open=False):
        gr.Markdown("All weights as a numpy archive: `attention [layers, heads, T, T]`, float32, each row sums to 1.")
        make = gr.Button("Make the file", size="sm")
        facts = gr.JSON(label="What it holds")
        file = gr.File(label="attention.npz", interactive=False)

    inputs, outputs = [text, model], [explorer, strip]
    gr.on([run.click, text.submit, model.input], compute_attention, inputs, outputs, **private(), **RUN)
    run_on_arrival(model, compute_attention, inputs, outputs)
    opens(compute_attention, inputs, outputs)
    keeps(text=text, model=model, looks=("look",))
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_attention, inputs, outputs, **private(), **RUN
        )
    make.click(attention_trace, [text, model], [facts, file], api_name="attention_trace", **RUN)
    api(attention_find, api_name="attention_find", **RUN)
