"""Why attention: one long sentence through a single vector and through attention, beside BLEU by length."""

import gradio as gr

from demos.address import keeps
from demos.attention.controls import MAX_CHARS
from demos.attention.drafts import compute_versions
from demos.base import empty_strip
from demos.finding import html_of_finding
from demos.opening import opens
from demos.tab import RUN, private
from demos.ui import component
from demos.views import translation as views
from demos.views.parallel import stored
from demos.views.tables import scrolls
from demos.views.tasks import draw_table
from models import weights

TITLE = "Why attention"
BLEU_FILE = weights.EMBEDDED.parent / "figures" / "translation.json"

LEAD = """One long sentence through three networks trained on the same 159,913 sentence
pairs. The GRU without attention must press the whole sentence into one vector, its encoder's last state; with attention
it may look back; the Transformer is nothing but attention."""
EXAMPLE = "I have been living in Berlin for ten years, but I still don't know all the streets in my neighborhood."

BLEU_NOTE = """BLEU by the length of the sentence, measured beforehand on 2,338 held-out sentences: `python -m
models.recipes.sequences.translation.evaluate --data eng-fra.tsv.gz --store`. Greedy translations against the first
reference, sacrebleu 2.6.0. Attention adds 6 points to sentences of up to four words and 17 from nine to twelve: the
longer the sentence, the more one vector loses. The last group has only 50 sentences. The Transformer is ahead of
both, but it also has about twice the parameters. For comparison: OPUS-MT's model card gives 50.5 on Tatoeba
sentences of its own, so not the same ones; it has ten times the parameters of the Transformer here (47.9) and was
trained on far more text."""

NEXT = "The whole picture: the same sentence flowing through both networks"


def build() -> None:
    """The page: a long sentence by three networks, beside how good they are by length."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    lines = stored(BLEU_FILE)
    if lines:
        gr.HTML(html_of_finding(views.say_bleu(lines)), elem_classes="gb-finding")
    with gr.Row():
        with gr.Column(scale=3, min_width=300):
            text = gr.Textbox(EXAMPLE, label="A long sentence", lines=2, max_length=MAX_CHARS, elem_id="why-text")
            compare = gr.Button("Translate with all three", variant="primary", size="sm", elem_id="why-compare")
            versions = gr.HTML(elem_id="why-versions")
            strip = gr.HTML(empty_strip("The sentence above, by each network."))
        with gr.Column(scale=2, min_width=300):
            if lines:
                component("chart", views.chart_of_bleu(lines), empty="", elem_id="why-bleu")
    component("page_door", taken=False, page="attention/picture", words=NEXT)
    keeps(text=text)
    opens(compute_versions, [text], [versions, strip])
    gr.on([compare.click, text.submit], compute_versions, text, [versions, strip], **private(), **RUN)
    if lines:
        with gr.Accordion("BLEU in numbers, and how it was measured", open=False):
            gr.HTML(f"<div {scrolls('BLEU by length')}>{draw_table(*views.rows_of_bleu(lines))}</div>")
            gr.Markdown(BLEU_NOTE)
