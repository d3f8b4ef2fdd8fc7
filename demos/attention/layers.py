"""Layer by layer: what each layer would say already, one token's way through one layer, and the final softmax."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.address import keeps
from demos.attention.controls import EXAMPLES, check_sentence, predicting_model, sentence_controls
from demos.base import empty_strip, strip_of, usable_model
from demos.offer import run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, RUN, payload, private
from demos.ui import component
from demos.views.attention_layers import view_of_lens, view_of_next, view_of_walk
from models import runtime, weights
from models.errors import InputError
from models.inputs import check_choice, check_integer

if TYPE_CHECKING:
    from models.attention.layers import Layers

TITLE = "Layer by layer"
STACKS = {"the decoder, or the only stack": "last", "the encoder of a translator": "encoder"}
EXAMPLE = "Alice was beginning to get very tired of sitting by her"
MAX_WORD_CHARS = 100
MOST_CELLS = 999

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
    from models.attention.layers import look_at_layers

    found = look_at_layers(name, text, stack)
    notes = " ".join(part for part in (found.note, note) if part)
    yield view_of_lens(found.grid), *_cell(found), strip_of(found.run, note=notes)


def view_cell(text: Any, model: Any, stack: Any, event: gr.EventData) -> tuple[Any, Any]:
    """The layer and the token of a cell, taken apart: (walk, next token)."""
    from models.attention.layers import look_at_layers

    text, stack = check_sentence(text), check_choice(stack, list(STACKS.values()), name="The stack")
    name, _ = usable_model(model, "attention")
    layer, token = (
        check_integer(payload(event, part), name=f"The {part}", low=0, high=MOST_CELLS) for part in ("layer", "token")
    )
    return _cell(look_at_layers(name, text, stack, (layer, token)))


def _cell(found: "Layers") -> tuple[Any, Any]:
    return view_of_walk(found.walk), view_of_next(found.next) if found.next else None


def write_token(text: Any, event: gr.EventData) -> str:
    """The sentence with the token that was drawn or clicked written after it."""
    word = payload(event, "word")
    if not isinstance(word, str) or not 0 < len(word) <= MAX_WORD_CHARS:
        raise InputError("That is no token of this network: click one of the list.")
    if word.startswith("<") and word.endswith(">"):
        raise InputError("The network would end the text here: click another token.")
    return check_sentence(text) + word


def build() -> None:
    """The page: sentence and model, the grid of layers and tokens, under it one layer and the softmax."""
    text, examples, model, run = sentence_controls("layers", EXAMPLE, "Run", predicting_model())
    stack = gr.Radio(list(STACKS.items()), value="last", label="Which stack", elem_id="layers-stack")
    lens = component("logit_lens", events=["pick"], elem_id="layers-lens")
    strip = gr.HTML(empty_strip("The model is loaded when you press Run."), elem_id="layers-strip")
    gr.Markdown("### One token in one layer", elem_classes="gb-note")
    walked = component("layer_walk", elem_id="layers-walk")
    gr.Markdown("### The next token", elem_classes="gb-note")
    following = component("next_token", events=("take",), elem_id="layers-next")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(text=text, model=model, stack=stack, looks=("cell",))
    inputs, outputs = [text, model, stack], [lens, walked, following, strip]
    opens(compute_layers, inputs, outputs)
    gr.on([run.click, text.submit, model.input, stack.input], compute_layers, inputs, outputs, **private(), **RUN)
    run_on_arrival(model, compute_layers, inputs, outputs)
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_layers, inputs, outputs, **private(), **RUN
        )
    lens.pick(view_cell, inputs, [walked, following], trigger_mode="always_last", **private(), **RUN)
    following.take(write_token, text, text, **private()).success(compute_layers, inputs, outputs, **private(), **RUN)
