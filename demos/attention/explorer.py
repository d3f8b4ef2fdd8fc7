"""The explorer: every head of every layer on the visitor's own sentence, and which word each word reads from."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from demos.attention.shared import (
    EXAMPLES,
    NETWORK,
    check_sentence,
    default_model,
    load_subject,
    private,
    sentence_controls,
)
from demos.base import empty_strip, run_strip, save_arrays, usable_model, visitor_errors
from demos.ui import component
from demos.views.explorer import view_of_attention
from models import hub, runtime, weights
from models.errors import WeightsError

if TYPE_CHECKING:
    from models.attention.trace import AttentionRun

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


@runtime.gpu()
def _trace(model: str, text: str) -> "AttentionRun":
    from models.attention.trace import trace_attention

    return trace_attention(load_subject(model).network, text)


def compute_attention(text: Any, model: Any) -> Iterator[tuple[Any, str]]:
    """Trace a sentence. Yields (explorer, strip): first what is being loaded, if anything is, then the figures."""
    with visitor_errors():
        text = check_sentence(text)
        name, note = usable_model(model, "attention")
        if name not in runtime.names_in_memory():
            yield gr.skip(), empty_strip(f"Loading {weights.find(name).title} …")
        loaded, watch = load_subject(name), runtime.Stopwatch()
        with watch("model"):
            run = _trace(name, text)
        with watch("drawing"):
            drawn = view_of_attention(run)
        yield drawn, run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)


def attention_trace(text: str, model: str) -> tuple[dict[str, Any], str]:
    """Every attention weight of a model reading a text.

    Args:
        text: up to 5,000 characters; the first 128 tokens count.
        model: a name of the Attention tab.

    Returns:
        {"model", "seconds", "tokens", "layers", "heads", "cut", "note": what must be said of the text (its end was cut,
        some of it has no symbol, it has several sentences), "translation"} and a compressed .npz file with
        `attention [layers, heads, T, T]` float32, rows summing to 1; for translators that of the encoder, and beside it
        `decoder_attention`, `cross_attention [layers, heads, written, T]` and the tokens of `written`.
    """
    with visitor_errors():
        text = check_sentence(text, "text")
        entry = weights.find(model, "attention")
        if entry.kind == "hub" and hub.start(entry.name).status != "ready":
            raise WeightsError(hub.describe(entry.name))
        load_subject(entry.name)
        watch = runtime.Stopwatch()
        with watch("model"):
            run = _trace(entry.name, text)
        first = run.traces[0]
        facts = {
            "model": entry.name,
            "seconds": round(watch.seconds["model"], 4),
            "tokens": list(first.tokens),
            "layers": first.attention.shape[0],
            "heads": first.attention.shape[1],
            "cut": run.cut,
            "note": run.note,
            "translation": run.translation,
        }
        return facts, str(_save(run))


def _save(run: "AttentionRun") -> Path:
    """The weights of a run as an .npz file in Gradio's cache folder."""
    names = {"encoder": "attention", "decoder": "decoder_attention", "cross": "cross_attention"}
    arrays = {names[trace.kind] if n else "attention": trace.attention for n, trace in enumerate(run.traces)}
    if len(run.traces) > 1:
        arrays["written"] = np.array(run.traces[-1].tokens)
    return save_arrays("attention.npz", **arrays)


def build() -> None:
    """The page: sentence and model above, the linked maps below, explanations and the file under them."""
    first = EXAMPLES["It, the animal"]
    text, examples, model, run = sentence_controls("attention", first, "Show attention", default_model())
    nothing = "Nothing traced yet: type a sentence and press Show attention."
    explorer = component("attention_explorer", title="", empty=nothing, elem_id="attention-explorer")
    strip = gr.HTML(empty_strip("The model is loaded when you press Show attention."), elem_id="attention-strip")
    gr.Markdown(MEANING, elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The numbers, as a file", open=False):
        gr.Markdown("All weights as a numpy archive: `attention [layers, heads, T, T]`, float32, each row sums to 1.")
        make = gr.Button("Make the file", size="sm")
        facts = gr.JSON(label="What it holds")
        file = gr.File(label="attention.npz", interactive=False)

    shown = partial(private, **NETWORK)
    gr.on([run.click, text.submit, model.input], compute_attention, [text, model], [explorer, strip], **shown())
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_attention, [text, model], [explorer, strip], **shown()
        )
    make.click(attention_trace, [text, model], [facts, file], api_name="attention_trace", **NETWORK)
