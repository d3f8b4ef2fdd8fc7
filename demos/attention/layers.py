"""Layer by layer: what each layer would say already, one token's way through one layer, and the final softmax."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from demos.attention.runs import predicting_model, run_of
from demos.attention.shared import (
    EXAMPLES,
    LATEX,
    NETWORK,
    check_sentence,
    load_subject,
    private,
    sent,
    sentence_controls,
)
from demos.base import empty_strip, run_strip, usable_model
from demos.components.layer_walk import layer_walk
from demos.components.logit_lens import logit_lens
from demos.components.next_token import next_token
from demos.views.attention_layers import draw_lens, draw_next, draw_walk
from models import runtime, weights
from models.errors import InputError
from models.inputs import check_choice, check_integer

TITLE = "Layer by layer"
STACKS = {"the decoder, or the only stack": "last", "the encoder of a translator": "encoder"}
EXAMPLE = "Alice was beginning to get very tired of sitting by her"
NEXT_TOKENS = 200
MAX_WORD_CHARS = 100

MEANING = r"""A Transformer passes every token along a **residual stream**: a list of numbers that starts as the token's
embedding and its position, and to which every layer adds, first what its heads read from other tokens, then what its
MLP makes of it. Nothing else passes between tokens but the heads. At the end the stream meets the table of words, and
softmax makes probabilities of the scores:

$$p_i = \frac{e^{z_i / T}}{\sum_j e^{z_j / T}}$$

Temperature $T$ below 1 sharpens, above 1 flattens; top-k and top-p (Holtzman et al. 2020) leave out the tail."""

TRY = """- Follow one column upwards: at which layer does the answer appear, and what stood there before?
- Change to “uncertainty”: where does the network make up its mind?
- Pick a cell in an early and in a late layer: how large is the stream, and how much does a layer add?
- Raise the temperature and draw a few tokens; then set top-k to 1 and see that nothing is left to chance.
- With BERT from the hub, write [MASK] in the sentence and look at the column under it."""


def compute_layers(text: Any, model: Any, stack: Any) -> Iterator[tuple[Any, ...]]:
    """Run a sentence. Yields (lens, walk, next token, strip); first what is being loaded, if anything is."""
    text, stack = check_sentence(text), check_choice(stack, list(STACKS.values()), name="The stack")
    name, note = usable_model(model, "attention")
    if name not in runtime.names_in_memory():
        yield gr.skip(), gr.skip(), gr.skip(), empty_strip(f"Loading {weights.find(name).title} …")
    loaded, watch = load_subject(name), runtime.Stopwatch()
    with watch("model"):
        reading, _ = run_of(name, text)
    with watch("drawing"):
        drawn = _draw(name, text, stack, None)
    notes = " ".join(part for part in (reading.note, note) if part)
    strip = run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=notes)
    yield *drawn, strip


def view_cell(text: Any, model: Any, stack: Any, event: gr.EventData) -> tuple[Any, Any]:
    """The layer and the token of a cell, taken apart: (walk, next token)."""
    text, stack = check_sentence(text), check_choice(stack, list(STACKS.values()), name="The stack")
    name, _ = usable_model(model, "attention")
    layer, token = (
        check_integer(sent(event, part), name=f"The {part}", low=0, high=999) for part in ("layer", "token")
    )
    return _draw(name, text, stack, (layer, token))[1:]


def _draw(model: str, text: str, stack: str, at: tuple[int, int] | None) -> tuple[Any, Any, Any]:
    from models.attention.walk import logit_lens as lens_of
    from models.attention.walk import next_token as next_of
    from models.attention.walk import walk

    subject = load_subject(model).network
    reading, run = run_of(model, text)
    kind = "encoder" if "decoder" not in run.stream or (stack == "encoder" and "encoder" in run.stream) else "decoder"
    layers, count = len(run.stream[kind]) - 1, run.stream[kind].shape[1]
    layer, token = at or (layers, count - 1 if kind == "decoder" else min(count - 1, count // 2))
    if layer > layers or token >= count:
        raise InputError("There is no such cell in this run: press Run again.")
    writes = run.logits is not None and kind == ("decoder" if "decoder" in run.stream else "encoder")
    lens = draw_lens(reading, run, lens_of(subject, run) if writes else None, subject, kind, (layer, token))
    number = max(0, layer - 1)
    walked = draw_walk(reading, walk(subject, reading, run, kind, number, token), kind, number, token)
    if not writes:
        return lens, walked, None
    ids, logits, logsumexp = next_of(run, token, NEXT_TOKENS)
    writable = kind == "decoder" and not reading.written and token == count - 1 and not reading.note
    place = "in place of" if subject.predicts == "masked" else "after"
    word = lens["tokens"][token].strip() or "space"
    after = f"Final softmax: the token {place} {word} ({token + 1})"
    return lens, walked, draw_next(subject, ids, logits, logsumexp, after, writable=writable)


def write_token(text: Any, event: gr.EventData) -> str:
    """The sentence with the token that was drawn or clicked written after it."""
    word = sent(event, "word")
    if not isinstance(word, str) or not 0 < len(word) <= MAX_WORD_CHARS:
        raise InputError("That is no token of this network: click one of the list.")
    if word.startswith("<") and word.endswith(">"):
        raise InputError("The network would end the text here: click another token.")
    return check_sentence(text) + word


def build() -> None:
    """The page: sentence and model, the grid of layers and tokens, under it one layer and the softmax."""
    text, examples, model, run = sentence_controls("layers", EXAMPLE, "Run", predicting_model())
    stack = gr.Radio(list(STACKS.items()), value="last", label="Which stack", elem_id="layers-stack")
    lens = logit_lens(elem_id="layers-lens")
    strip = gr.HTML(empty_strip("The model is loaded when you press Run."), elem_id="layers-strip")
    gr.Markdown("### One token in one layer", elem_classes="gb-note")
    walked = layer_walk(elem_id="layers-walk")
    gr.Markdown("### The next token", elem_classes="gb-note")
    following = next_token(elem_id="layers-next")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    shown = partial(private, **NETWORK)
    inputs, outputs = [text, model, stack], [lens, walked, following, strip]
    gr.on([run.click, text.submit, model.input, stack.input], compute_layers, inputs, outputs, **shown())
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_layers, inputs, outputs, **shown()
        )
    lens.pick(view_cell, inputs, [walked, following], trigger_mode="always_last", **shown())
    following.take(write_token, text, text, **private()).success(compute_layers, inputs, outputs, **shown())
