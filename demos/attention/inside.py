"""Change the inside: heads, layers, looks and tokens switched off beside the unedited run; attention as explanation."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import api

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
from demos.components.importance_view import importance_view
from demos.components.inside_switches import inside_switches
from demos.components.prediction_pair import prediction_pair
from demos.views.attention_effect import draw_effect, rounded
from demos.views.attention_inside import draw_importance, draw_inside, draw_question
from models import hub, runtime, weights
from models.errors import InputError, WeightsError
from models.inputs import check_integer

TITLE = "Change the inside"
STATE_SECONDS = 3_600
EXAMPLE = "Alice was tired, and she sat by her sister on the bank"
PARTS = ("heads_off", "layers_off", "edges_off", "unseen", "positions")
TOP = 5

MEANING = r"""A head that is switched off adds nothing; a layer that is off hands on what it got. A look that is cut is
forbidden before the softmax, so that the others share what it had (attention knockout, Geva et al. 2023). A hidden
token cannot be looked at by any token, itself included, but its own vector stays. The change of a prediction is the
Kullback-Leibler divergence of the edited probabilities $q$ from the unedited $p$; a translation is kept as it was
written, so that both runs predict the same places.

$$D(p \,\|\, q) = \sum_i p_i \log_2 \frac{p_i}{q_i} \ \text{bits}$$"""

EXPLANATION = """Attention says where information was taken from. Does it say what the prediction rests on? Ask three
others: **rollout** multiplies the attention of all layers, as if each passed on half of what it got (Abnar & Zuidema
2020; in a translator through the decoder's cross-attention onto the encoder's rollout); **gradient × input** asks how
the log-probability would follow a longer embedding; **leave one out** reads the text again without the token. Jain &
Wallace (2019) found that attention weights agree little with the last two, and that other weights can give the same
prediction; Serrano & Smith (2019) that taking out the most attended often changes nothing; Wiegreffe & Pinter (2019)
answer that this does not make attention meaningless: it can be one true account among several. The number between two
methods is Spearman's rank correlation of the sizes: 1, the same order; 0, none; −1, the reverse. It is measured on the
unedited network."""

TRY = """- Switch off one head after the other: most change little. Find the one that changes a prediction most.
- Switch off a whole layer, early and late. Which does more harm?
- Cut the look from a pronoun to its noun in all heads; then hide the noun from everyone.
- Swap two nouns; then take the positions away and swap them again: does the order still count?
- With the translator, cut looks in the cross-attention, then let the edited network translate again.
- Measure the importance for a sure prediction and for an unsure one: when do the four agree?"""


def compute_inside(text: Any, model: Any) -> Iterator[tuple[Any, ...]]:
    """Run a sentence. Yields (shown, edits, switches, predictions, importance, translation, strip)."""
    text = check_sentence(text)
    entry = weights.find(model, "attention")
    if entry.name not in runtime.names_in_memory():
        yield *(gr.skip() for _ in range(6)), empty_strip(f"Loading {entry.title} …")
    loaded, note = usable_subject(model)
    subject, watch = loaded.network, runtime.Stopwatch()
    with watch("model"):
        reading, run = run_of(loaded.name, text)
    with watch("drawing"):
        from models.attention.effects import effect_of

        effect = draw_effect(subject, reading, effect_of(subject, reading, run, run))
        question = {"question": draw_question(subject, reading, run), "answer": None}
        switches = draw_inside(subject, reading)
    strip = run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)
    yield (loaded.name, text), {}, switches, effect, question, _translation(subject, reading), strip


def _translation(subject: Any, reading: Any, *, edited: bool = False) -> dict[str, Any]:
    if not reading.written:
        return gr.update(value="", visible=False)
    text = subject.tokenizer.decode(reading.written, skip_special_tokens=True)
    label = "What the changed network writes" if edited else "What the unchanged network writes"
    return gr.update(value=text, label=label, visible=True)


@runtime.gpu()
def _compare(model: str, text: str, given: dict[str, Any]) -> Any:
    from models.attention.changes import parse_edits, parse_swap
    from models.attention.effects import compare, effect_of
    from models.text.instrument import NOTHING_CHANGED

    _, subject, reading, run = shown_run((model, text))
    edits = parse_edits(subject, reading, **{name: given[name] for name in PARTS if name in given})
    swap = parse_swap(reading, given.get("swap"))
    same = edits == NOTHING_CHANGED and swap is None
    effect = effect_of(subject, reading, run, run) if same else compare(subject, reading, edits, swap=swap, before=run)
    return subject, reading, edits, swap, effect


def compute_edit(shown: Any, event: gr.EventData) -> tuple[dict[str, Any], Any]:
    """The edited run beside the unedited one: (edits, predictions)."""
    model, *_ = shown_run(shown)
    given = {name: sent(event, name) for name in (*PARTS, "swap")}
    subject, reading, edits, swap, effect = _compare(model, shown[1], given)
    return given, draw_effect(subject, reading, effect, changes=_in_words(edits, swap))


def _in_words(edits: Any, swap: Any) -> list[str]:
    counted = (
        (len(edits.heads_off), "head off", "heads off"),
        (len(edits.layers_off), "layer off", "layers off"),
        (len(edits.edges_off), "look cut", "looks cut"),
        (len(edits.unseen), "token hidden", "tokens hidden"),
        (int(swap is not None), "two tokens swapped", ""),
        (int(not edits.positions), "no positions", ""),
    )
    return [f"{count} {many}" if count > 1 else f"{'1 ' if many else ''}{one}" for count, one, many in counted if count]


def compute_translation(shown: Any, given: Any) -> Iterator[dict[str, Any]]:
    """The translation that the edited network writes, a token more each time."""
    from models.attention.effects import write_again

    model, *_ = shown_run(shown)
    subject, reading, edits, swap, _ = _compare(model, shown[1], given or {})
    for written in write_again(subject, reading, edits, swap=swap):
        yield _translation(subject, written, edited=True)


def compute_importance(shown: Any, event: gr.EventData) -> Iterator[tuple[Any, str]]:
    """Four kinds of importance for one prediction. Yields (importance, progress), the figure at last."""
    from models.attention.importance import Importance, measure_importance

    _, subject, reading, run = shown_run(shown)
    position = check_integer(sent(event, "position"), name="The position", low=0, high=10_000)
    token = check_integer(sent(event, "token"), name="The token", low=0, high=10_000_000)
    watch = runtime.Stopwatch()
    steps = measure_importance(subject, reading, run, position, token)
    while True:
        with watch("model"):
            step = next(steps)
        if isinstance(step, Importance):
            break
        yield gr.skip(), empty_strip(f"Leaving out one token after the other: {step:.0%} …")
    answer = {"question": draw_question(subject, reading, run), "answer": draw_importance(subject, step)}
    yield answer, empty_strip(f"Measured in {watch.seconds['model']:.2g} s.")


def attention_edit(
    text: str,
    model: str,
    heads_off: list[Any] | None = None,
    layers_off: list[Any] | None = None,
    edges_off: list[Any] | None = None,
    unseen: list[Any] | None = None,
    swap: list[Any] | None = None,
    positions: bool = True,
) -> dict[str, Any]:
    """What a network predicts when its inside is changed, beside what it predicts as it is. Counted from 0.

    Args:
        text: up to 5,000 characters; the first 128 tokens count.
        model: a name of the Attention tab.
        heads_off: heads that add nothing, as [kind, layer, head]; kind is encoder, decoder or cross.
        layers_off: layers that hand on what they got, as [kind, layer].
        edges_off: looks that are forbidden, as [kind, query, key] in all layers and heads or
            [kind, query, key, layer, head] with null for all; 64 at most.
        unseen: tokens of the text that no token may look at.
        swap: two tokens that change places.
        positions: false lets the network not know where its tokens stand.

    Returns:
        {"model", "seconds", "predicts": next, masked or nothing, "tokens", "written": tokens of the translation or [],
        "note", "bits": mean change of a prediction (Kullback-Leibler divergence of the edited from the unedited), null
        where nothing is predicted, "predictions": for each position {"position", "token", "bits", "top": [[token,
        probability before, probability after], ...]}, "moved": for each stack of layers by how much each token's last
        vector moved, "cosine": between the mean last vectors before and after}.
    """
    text = check_sentence(text, "The text")
    entry = weights.find(model, "attention")
    if entry.kind == "hub" and hub.start(entry.name).status != "ready":
        raise WeightsError(hub.describe(entry.name))
    if not isinstance(positions, bool):
        raise InputError("positions must be true or false.")
    lists = {"heads_off": heads_off, "layers_off": layers_off, "edges_off": edges_off, "unseen": unseen}
    given = {name: value for name, value in lists.items() if value is not None}
    run_of(entry.name, text)
    watch = runtime.Stopwatch()
    with watch("model"):
        found = _compare(entry.name, text, {**given, "swap": swap, "positions": positions})
    subject, reading, _, _, effect = found
    drawn = draw_effect(subject, reading, effect)
    predictions = [
        {"position": t, "token": token, "bits": drawn["bits"][t], "top": drawn["rows"][t][:TOP]}
        for t, token in enumerate(effect.places if drawn["rows"] else ())
    ]
    return {
        "model": entry.name,
        "seconds": round(watch.seconds["model"], 4),
        "predicts": subject.predicts,
        "tokens": list(reading.tokens),
        "written": list(reading.written_tokens),
        "note": reading.note,
        "bits": None if effect.bits is None else float(f"{effect.bits.mean():.6g}"),
        "predictions": predictions,
        "moved": {kind: rounded(moved) for kind, moved in effect.moved.items()},
        "cosine": drawn["cosine"],
    }


def build() -> None:
    """The page: sentence and model, the switches, predictions before and after, and the importance of each token."""
    shown = gr.State(None, time_to_live=STATE_SECONDS)
    edits = gr.State({}, time_to_live=STATE_SECONDS)
    text, examples, model, run = sentence_controls("inside", EXAMPLE, "Run", predicting_model())
    switches = inside_switches(elem_id="inside-switches")
    strip = gr.HTML(empty_strip("The model is loaded when you press Run."), elem_id="inside-strip")
    gr.Markdown("### Edited beside unedited", elem_classes="gb-note")
    predictions = prediction_pair(
        empty="Run a sentence first, then switch something off.", elem_id="inside-predictions"
    )
    with gr.Row():
        translation = gr.Textbox(label="Translation", interactive=False, visible=False, elem_id="inside-translation")
    again = gr.Button("Translate again with these changes", size="sm", visible=False, elem_id="inside-again")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    gr.Markdown("### Attention is not explanation, or is it?", elem_classes="gb-note")
    importance = importance_view(elem_id="inside-importance")
    progress = gr.HTML(empty_strip("Leaving out reads the text once for each token."), elem_id="inside-progress")
    gr.Markdown(EXPLANATION, elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)

    quiet = partial(private, **NETWORK)
    outputs = [shown, edits, switches, predictions, importance, translation, strip]
    ran = [gr.on([run.click, text.submit, model.input], compute_inside, [text, model], outputs, **quiet())]
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        ran.append(
            button.click(partial(str, example), None, text, queue=False, **private()).then(
                compute_inside, [text, model], outputs, **quiet()
            )
        )
    for event in ran:
        event.success(view_again, shown, again, queue=False, **private())
    switches.rework(compute_edit, shown, [edits, predictions], trigger_mode="always_last", **quiet())
    again.click(compute_translation, [shown, edits], translation, **quiet())
    importance.ask(compute_importance, shown, [importance, progress], **quiet())
    api(attention_edit, api_name="attention_edit", **NETWORK)


def view_again(shown: Any) -> dict[str, Any]:
    """Only what translates can translate again."""
    _, subject, *_ = shown_run(shown)
    return gr.update(visible="cross" in subject.kinds)
