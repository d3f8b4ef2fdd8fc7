"""Attention: every head of every layer on the visitor's own sentence, and which word each word reads from."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from demos.base import Demo, empty_strip, run_strip, save_arrays, usable_model, visitor_errors
from demos.components.attention_explorer import attention_explorer
from demos.figures.attention import draw_attention
from models import hub, runtime, weights
from models.errors import WeightsError
from models.inputs import check_text

if TYPE_CHECKING:
    from models.attention.trace import AttentionRun

MAX_CHARS = 5_000
PREFERRED = "all-minilm-l6-v2"

LEAD = """In a Transformer every token gathers information from the others. How much it takes from each is a row of
numbers that sums to one: its attention. Here are all of them, for your sentence."""

MEANING = r"""Each row of a map is one token that looks (query), each column one that is looked at (key); bright means
much. Every layer has several heads, and each divides its attention in its own way. A decoder sees only what is left of
it, so the upper right half of its maps is empty; in cross-attention the written French looks back at the English.

$$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$"""

TRY = """- Click a small map to see it large; click a token to see what it takes from each of the others, in numbers.
- Try the buttons under the grid: heads that look at the token before, at themselves, at the first or the last token.
- Choose the translator, then cross-attention: click a French word and see which English words it was written from.
- Write a sentence with “it” or “she” and look for a head that finds the word it stands for.
- Attention says where information was taken from. It does not prove why the model decided as it did."""

EXAMPLES = {
    "It, the animal": "The animal didn't cross the street because it was too tired.",
    "To translate": "I don't know what you were talking about yesterday.",
    "A repeated word": "The bank by the river is not the bank that lends money.",
}


def default_model() -> str:
    """The pretrained encoder where its package is installed, else the translator; a hub model in mode `hub`."""
    offered = weights.offered("attention")
    return weights.first_choice("attention", PREFERRED if PREFERRED in offered else offered[0])


@runtime.gpu()
def _trace(model: str, text: str) -> "AttentionRun":
    from models.attention.trace import load, trace_attention

    return trace_attention(load(model).network, text)


def _loaded(model: str) -> runtime.Loaded:
    from models.attention.trace import load

    return load(model)


def compute_attention(text: Any, model: Any) -> Iterator[tuple[Any, str]]:
    """Trace a sentence. Yields (explorer, strip): first what is being loaded, if anything is, then the figures."""
    with visitor_errors():
        text = check_text(text, name="The sentence", max_chars=MAX_CHARS)
        name, note = usable_model(model, "attention")
        if name not in runtime.names_in_memory():
            yield gr.skip(), empty_strip(f"Loading {weights.find(name).title} …")
        loaded, watch = _loaded(name), runtime.Stopwatch()
        with watch("model"):
            run = _trace(name, text)
        with watch("drawing"):
            drawn = draw_attention(run)
        yield drawn, run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)


def attention_trace(text: str, model: str) -> tuple[dict[str, Any], str]:
    """Every attention weight of a model reading a text.

    Args:
        text: up to 5,000 characters; the first 128 tokens count.
        model: a name of the Attention tab.

    Returns:
        {"model", "seconds", "tokens", "layers", "heads", "cut", "note", "translation"} and a compressed .npz file with
        `attention [layers, heads, T, T]` float32, rows summing to 1; for translators that of the encoder, and beside it
        `decoder_attention`, `cross_attention [layers, heads, written, T]` and the tokens of `written`.
    """
    with visitor_errors():
        text = check_text(text, name="text", max_chars=MAX_CHARS)
        entry = weights.find(model, "attention")
        if entry.kind == "hub" and hub.start(entry.name).status != "ready":
            raise WeightsError(hub.describe(entry.name))
        _loaded(entry.name)
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
            "cut": bool(run.note),
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
    """The tab: sentence and model above, the linked maps below, explanations and the file under them."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            text = gr.Textbox(
                EXAMPLES["It, the animal"],
                label="Your sentence",
                lines=2,
                max_lines=6,
                max_length=MAX_CHARS,
                elem_id="attention-text",
            )
            with gr.Row():
                examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
        with gr.Column(scale=2, min_width=280):
            model = gr.Dropdown(
                [(_choice(name), name) for name in weights.offered("attention")],
                value=default_model(),
                label="Model",
                elem_id="attention-model",
            )
            run = gr.Button("Show attention", variant="primary", elem_id="attention-run")
    explorer = attention_explorer(elem_id="attention-explorer")
    strip = gr.HTML(empty_strip("The model is loaded when you press Show attention."), elem_id="attention-strip")
    gr.Markdown(MEANING, elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The numbers, as a file", open=False):
        gr.Markdown("All weights as a numpy archive: `attention [layers, heads, T, T]`, float32, each row sums to 1.")
        make = gr.Button("Make the file", size="sm")
        facts = gr.JSON(label="What it holds")
        file = gr.File(label="attention.npz", interactive=False)

    network = partial(dict, concurrency_id="attention", concurrency_limit=2)
    private = partial(network, api_visibility="private", show_progress="hidden")
    gr.on([run.click, text.submit, model.input], compute_attention, [text, model], [explorer, strip], **private())
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(
            partial(str, example), None, text, queue=False, api_visibility="private", show_progress="hidden"
        ).then(compute_attention, [text, model], [explorer, strip], **private())
    make.click(attention_trace, [text, model], [facts, file], api_name="attention_trace", **network())


def _choice(name: str) -> str:
    entry = weights.find(name)
    return f"{entry.title}, from the hub" if entry.kind == "hub" else entry.title


DEMO = Demo("attention", "Attention", build)
