"""Change the inside: heads, layers, looks and tokens switched off beside the unedited run; attention as explanation."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import api

from demos.address import keeps
from demos.attention.api import attention_edit
from demos.attention.controls import EXAMPLES, STATE_SECONDS, check_sentence, predicting_model, sentence_controls
from demos.base import empty_strip, strip_of, usable_model
from demos.finding import finding_line, html_of_finding
from demos.offer import run_on_arrival
from demos.opening import opens
from demos.sentences import percent
from demos.tab import LATEX, RUN, payload, private
from demos.ui import component
from demos.views.attention_effect import EffectView, say_effect, view_of_effect
from demos.views.attention_inside import ImportanceView, view_of_importance, view_of_question, view_of_switches
from models import runtime, weights
from models.errors import InputError
from models.inputs import check_integer

TITLE = "Change the inside"
EXAMPLE = EXAMPLES["A list, twice"]
PARTS = ("heads_off", "layers_off", "edges_off", "unseen", "positions", "swap")
MOST_TOKENS, MOST_WORDS = 10_000, 10_000_000

MEANING = r"""A head that is switched off adds nothing; a layer that is off hands on what it got. A look that is cut is
forbidden before the softmax, so that the others share what it had (attention knockout, Geva et al. 2023). A hidden
token cannot be looked at by any token, itself included, but its own vector stays. The change of a prediction is the
Kullback-Leibler divergence of the edited probabilities $q$ from the unedited $p$; a translation is kept as it was
written, so that both runs predict the same places.

$$D(p \,\|\, q) = \sum_i p_i \log_2 \frac{p_i}{q_i} \ \text{bits}$$"""

EXPLANATION = """Attention says where information was taken from. Does it say what the prediction rests on? Ask three
others: **[rollout](#term-rollout)** multiplies the attention of all layers, as if each passed on half of what it got
(Abnar & Zuidema
2020; in a translator through the decoder's cross-attention onto the encoder's rollout); **gradient × input** asks how
the log-probability would follow a longer embedding; **leave one out** reads the text again without the token. Jain &
Wallace (2019) found that attention weights agree little with the last two, and that other weights can give the same
prediction; Serrano & Smith (2019) that taking out the most attended often changes nothing; Wiegreffe & Pinter (2019)
answer that this does not make attention meaningless: it can be one true account among several. The number between two
methods is [Spearman](#term-Spearman)'s rank correlation of the sizes: 1, the same order; 0, none; −1, the reverse.
It is measured on the
unedited network."""

TRY = """- In a list that is read twice one head finds what came after the same word before (an induction head, Olsson
  et al. 2022). Without it the next word is anybody's guess; switch it on again, and off all others of its layer.
- Switch off one head after the other in an ordinary sentence: most change little.
- Switch off a whole layer, early and late. Which does more harm?
- Cut the look from a pronoun to its noun in all heads; then hide the noun from everyone.
- Swap two nouns; then take the positions away and swap them again: does the order still count?
- With the translator, cut looks in the cross-attention, then let the edited network translate again.
- Measure the importance for a sure prediction and for an unsure one: when do the four agree?"""


def compute_inside(text: Any, model: Any, *, without: bool = False) -> Iterator[tuple[Any, ...]]:
    """Run a sentence. Yields (shown, edits, switches, predictions, importance, translation, again, strip, finding).

    without: with the head switched off that counts most for a prediction.
    """
    text = check_sentence(text)
    name, note = usable_model(model, "attention")
    if name not in runtime.names_in_memory():
        yield *(gr.skip() for _ in range(7)), empty_strip(f"Loading {weights.find(name).title} …"), gr.skip()
    from models.attention.inside import look_inside

    found = look_inside(name, text, without=without)
    off = found.off
    yield (
        (name, text),
        {} if off is None else {"heads_off": [[off.kind, off.layer, off.head]]},
        view_of_switches(found),
        view_of_effect(found.comparison),
        ImportanceView(view_of_question(found.question), None),
        _translation(found.translation, "What the unchanged network writes"),
        gr.update(visible=found.translation is not None),
        strip_of(found.run, note=note),
        html_of_finding(say_effect(found.comparison, f"head {off.head + 1} of layer {off.layer + 1}" if off else "")),
    )


def compute_opening(text: Any, model: Any) -> Iterator[tuple[Any, ...]]:
    """The page at first, see `compute_inside`: the head that counts most is off, so that there is a change to see."""
    yield from compute_inside(text, model, without=True)


def _translation(text: str | None, label: str) -> dict[str, Any]:
    return gr.update(value=text or "", label=label, visible=text is not None)


def shown_text(shown: Any) -> tuple[str, str]:
    """Model and text of what a page shows. Raises `InputError` before anything was run."""
    if not isinstance(shown, tuple):
        raise InputError("Run a text first.")
    return shown


def compute_edit(shown: Any, event: gr.EventData) -> tuple[dict[str, Any], EffectView, str]:
    """The edited run beside the unedited one: (edits, predictions, finding)."""
    from models.attention.inside import edit_inside

    model, text = shown_text(shown)
    given = {name: payload(event, name) for name in PARTS}
    found = edit_inside(model, text, given).comparison
    return given, view_of_effect(found), html_of_finding(say_effect(found))


def compute_translation(shown: Any, given: Any) -> Iterator[dict[str, Any]]:
    """The translation that the edited network writes, a token more each time."""
    from models.attention.inside import translate_again

    model, text = shown_text(shown)
    for written in translate_again(model, text, given or {}):
        yield _translation(written, "What the changed network writes")


def compute_importance(shown: Any, event: gr.EventData) -> Iterator[tuple[Any, str]]:
    """Four kinds of importance for one prediction. Yields (importance, progress), the view at last."""
    from models.attention.inside import Explained, explain_prediction

    model, text = shown_text(shown)
    position = check_integer(payload(event, "position"), name="The position", low=0, high=MOST_TOKENS)
    token = check_integer(payload(event, "token"), name="The token", low=0, high=MOST_WORDS)
    for step in explain_prediction(model, text, position, token):
        if isinstance(step, Explained):
            yield view_of_importance(step), empty_strip(f"Measured in {step.seconds:.2g} s.")
        else:
            yield gr.skip(), empty_strip(f"Leaving out one token after the other: {percent(step)} …")


def build() -> None:
    """The page: sentence and model, the switches, predictions before and after, and the importance of each token."""
    shown = gr.State(None, time_to_live=STATE_SECONDS)
    edits = gr.State({}, time_to_live=STATE_SECONDS)
    text, examples, model, run = sentence_controls("inside", EXAMPLE, "Run", predicting_model())
    finding = finding_line("inside-finding")
    switches = component("inside_switches", events=["rework"], elem_id="inside-switches")
    strip = gr.HTML(empty_strip("The model is loaded when you press Run."), elem_id="inside-strip")
    gr.Markdown("### Edited beside unedited", elem_classes="gb-note")
    predictions = component(
        "prediction_pair", empty="Run a sentence first, then switch something off.", elem_id="inside-predictions"
    )
    with gr.Row():
        translation = gr.Textbox(label="Translation", interactive=False, visible=False, elem_id="inside-translation")
    again = gr.Button("Translate again with these changes", size="sm", visible=False, elem_id="inside-again")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    gr.Markdown("### Attention is not explanation, or is it?", elem_classes="gb-note")
    importance = component("importance_view", events=["ask"], elem_id="inside-importance")
    progress = gr.HTML(empty_strip("Leaving out reads the text once for each token."), elem_id="inside-progress")
    gr.Markdown(EXPLANATION, elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)

    keeps(text=text, model=model, looks=("off",))
    outputs = [shown, edits, switches, predictions, importance, translation, again, strip, finding]
    opens(compute_opening, [text, model], outputs)
    gr.on([run.click, text.submit, model.input], compute_inside, [text, model], outputs, **private(), **RUN)
    run_on_arrival(model, compute_inside, [text, model], outputs)
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_inside, [text, model], outputs, **private(), **RUN
        )
    switches.rework(compute_edit, shown, [edits, predictions, finding], trigger_mode="always_last", **private(), **RUN)
    again.click(compute_translation, [shown, edits], translation, **private(), **RUN)
    importance.ask(compute_importance, shown, [importance, progress], **private(), **RUN)
    api(attention_edit, api_name="attention_edit", **RUN)
