"""Live translation: one word a click with the alignment grid growing, other words forced, beam search as a tree."""

from functools import partial
from typing import Any

import gradio as gr
from gradio.events import api

from demos.address import keeps
from demos.attention.api import attention_translate
from demos.attention.controls import MAX_CHARS
from demos.attention.drafts import (
    MAX_WIDTH,
    MAX_WORDS_CHARS,
    STATE_SECONDS,
    TITLES,
    TRANSFORMER,
    compute_adopt,
    compute_all,
    compute_back,
    compute_beam,
    compute_force,
    compute_next,
    compute_start,
    compute_words,
    offered,
)
from demos.base import empty_strip
from demos.offer import model_offer, run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, RUN, fold, private
from demos.ui import component
from models import weights

CONCEPT = "attention/translation"
TITLE = "Live translation"

LEAD = """A translator reads the English once and writes the French token by token. Before each token a network with
attention looks back at the English: see where, choose another word than it would, and watch it go on from there."""

EXAMPLES = {
    "Red car": "My brother bought a red car last week.",
    "At the station": "She has been waiting for her brother at the station.",
    "Long": "I thought that he would come back before the winter, but nobody has seen him since then.",
}

MEANING = r"""Row t of the grid says how the network divides its look when it writes token t. The GRU compares its
own state $s_t$ with every state $h_s$ of the encoder and takes a weighted mean of them (Bahdanau et al. 2015); the
Transformer does the same with queries and keys, in 3 layers of 8 heads (Vaswani et al. 2017). Adjective and noun
often change places: look for a crossing in the grid.

$$\alpha_{ts} = \operatorname{softmax}_s\, v^\top \tanh(W s_t + U h_s), \qquad c_t = \sum_s \alpha_{ts}\, h_s$$"""

BEAM_LEAD = """### Beam search

Greedy writing takes the likeliest token each time and cannot go back. A [beam](#term-beam_search) keeps several
beginnings alive and
looks for the translation that is likeliest as a whole. It starts from what is written above, or from nothing if
that is whole. Log p is the natural logarithm of a probability: 0 is certain, every −2.3 is ten times less likely."""

TRY = """- Press Next word until the end, and watch where it looks before each token.
- Click a French token in the middle, then another candidate in its place: everything after it is written anew.
- Click an English token: which French tokens looked at it? Is one read by nobody?
- Change to the GRU without attention and the long example: where does it lose the thread?
- Search with width 1, 2, 4 and 8. Does the wider beam always find something better?"""


def build() -> None:
    """The page: the sentence and its translation, beam search."""
    draft, found = gr.State(None, time_to_live=STATE_SECONDS), gr.State(None, time_to_live=STATE_SECONDS)
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            text = gr.Textbox(
                EXAMPLES["Red car"],
                label="English",
                lines=2,
                max_lines=5,
                max_length=MAX_CHARS,
                elem_id="translate-text",
            )
            with gr.Row():
                examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
        with gr.Column(scale=2, min_width=280):
            with fold("Model and settings"):
                choices = [(TITLES[name], name) for name in offered()]
                first = weights.first_choice(CONCEPT, TRANSFORMER)
                model = gr.Dropdown(choices, value=first, label="Model", elem_id="translate-model")
                model_offer(model, weights.better_than_embedded(CONCEPT))
            with gr.Row():
                one = gr.Button("Next word", variant="primary", size="sm", min_width=90, elem_id="translate-next")
                rest = gr.Button("All", size="sm", min_width=60, elem_id="translate-all")
                back = gr.Button("Back", size="sm", min_width=60, elem_id="translate-back")
                again = gr.Button("Start again", size="sm", min_width=90, elem_id="translate-again")
    view = component("translation_view", events=["force"], elem_id="translate-view")
    with gr.Row():
        words = gr.Textbox(
            label="Your own words",
            info="French; written after what stands there",
            scale=4,
            max_length=MAX_WORDS_CHARS,
            elem_id="translate-words",
        )
        write = gr.Button("Write these", size="sm", scale=1, min_width=90, elem_id="translate-write")
    strip = gr.HTML(empty_strip("The network is loaded with the first word."), elem_id="translate-strip")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(text=text, model=model)
    wanted, shown = [text, model], [draft, view, strip]
    opens(compute_all, [*wanted, draft], shown)
    gr.on([again.click, model.input], compute_start, wanted, shown, **private(), **RUN)
    run_on_arrival(model, compute_start, wanted, shown)
    gr.on(
        [one.click, text.submit], compute_next, [*wanted, draft], shown, trigger_mode="always_last", **private(), **RUN
    )
    back.click(compute_back, [*wanted, draft], shown, trigger_mode="always_last", **private(), **RUN)
    rest.click(compute_all, [*wanted, draft], shown, **private(), **RUN)
    view.force(compute_force, [*wanted, draft], shown, **private(), **RUN)
    gr.on([write.click, words.submit], compute_words, [words, *wanted, draft], [*shown, words], **private(), **RUN)
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        filled = button.click(partial(str, example), None, text, queue=False, **private())
        filled.then(compute_start, wanted, shown, **private(), **RUN)
    _build_search(wanted, draft, found, shown)
    api(attention_translate, api_name="attention_translate", **RUN)


def _build_search(wanted: list[Any], draft: gr.State, found: gr.State, shown: list[Any]) -> None:
    gr.Markdown(BEAM_LEAD, elem_classes="gb-note")
    with gr.Row():
        width = gr.Slider(1, MAX_WIDTH, 3, step=1, label="Width of the beam", elem_id="translate-width")
        by_length = gr.Checkbox(
            True, label="Compare by log probability a token", info="Otherwise the sum, which prefers short ones"
        )
        search = gr.Button("Search", variant="primary", size="sm", scale=0, min_width=120, elem_id="translate-search")
    keeps(width=width, bylength=by_length)
    tree = component("beam_tree", events=["adopt"], elem_id="translate-tree")
    finds = gr.HTML(elem_id="translate-finds")
    outputs = [*shown, found, tree, finds]
    search.click(compute_beam, [*wanted, draft, width, by_length], outputs, **private(), **RUN)
    tree.adopt(compute_adopt, [*wanted, found], shown, **private(), **RUN)
