"""Questions about attention on the sentences of this tab, answered by running the networks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.attention.controls import check_sentence
from demos.attention.drafts import offered
from demos.base import usable_model
from demos.predict import Answered, Question, answered, in_order, yes_or_no
from demos.sentences import percent
from models.errors import InputError
from models.inputs import check_choice

if TYPE_CHECKING:
    from models.attention.effects import Comparison, Row

PREVIOUS = "previous token"
MOSTLY = 0.5
WARMER = 4.0
MANY_TOKENS = 40
NO_PREDICTION = "This model predicts no token: choose one that writes on the page “Change the inside”."


def _text_and_model(given: Mapping[str, Any], page: str) -> tuple[str, str]:
    text = check_sentence(given[f"{page}_text"])
    return usable_model(given[f"{page}_model"], "attention")[0], text


def _word(token: str) -> str:
    return f"“{token.strip() or 'a blank'}”"


def _numbered(tokens: tuple[str, ...], place: int) -> str:
    """A token, with its number where it stands more than once."""
    alike = sum(token.strip() == tokens[place].strip() for token in tokens)
    return f"{_word(tokens[place])} ({place + 1})" if alike > 1 else _word(tokens[place])


def ask_looks(given: Mapping[str, Any]) -> Answered:
    """What one head of the middle looks at."""
    from models.attention.runs import trace_text

    model, text = _text_and_model(given, "explorer")
    found = trace_text(model, text)
    trace = found.attention.traces[-1]
    inner = trace.attention.copy()
    if trace.kind != "cross":
        apart = np.abs(np.subtract.outer(np.arange(len(trace.tokens)), np.arange(len(trace.tokens))))
        inner *= apart > (1 if len(trace.tokens) > 4 else 0)  # neighbours are what another question asks about
    inner[..., [0, -1]] = 0
    layer, head, row, _ = np.unravel_index(int(inner.argmax()), inner.shape)
    weights = trace.attention[layer, head, row]
    order = [int(place) for place in np.argsort(-weights, kind="stable")]
    best = order[0]
    others = [place for place in (*order[1:2], int(row), *order[len(order) // 2 :]) if place != best]
    return answered(
        f"{found.run.title}, layer {layer + 1}, head {head + 1}: which token does {_numbered(trace.tokens, int(row))} "
        "look at most?",
        _numbered(trace.sources, best),
        (_numbered(trace.sources, place) for place in others),
        f"It gives {_numbered(trace.sources, best)} {percent(weights[best], 1)} of its attention"
        + (f", and {_numbered(trace.sources, order[1])} {percent(weights[order[1]], 1)}." if len(order) > 1 else "."),
    )


def ask_previous(given: Mapping[str, Any]) -> Answered:
    """How many heads look at the token before."""
    from models.attention.heads import best_heads, score_heads
    from models.attention.runs import trace_text

    model, text = _text_and_model(given, "explorer")
    found = trace_text(model, text)
    trace = next((one for one in found.attention.traces if one.kind != "cross"), found.attention.traces[0])
    scores = score_heads(trace).get(PREVIOUS)
    if scores is None:
        raise InputError("Take a sentence of two or more tokens: there is no token before the first.")
    count, heads = int((scores > MOSTLY).sum()), scores.size
    scale = ("none", "1 or 2", "3 to 8", "more than 8")
    level = next(index for index, most in enumerate((0, 2, 8, heads)) if count <= most)
    ((layer, head, score),) = best_heads(scores, 1)
    return in_order(
        f"{found.run.title} has {heads} heads for this. How many of them give most of their attention to the token "
        "just before?",
        scale,
        level,
        f"{count} of {heads}. The clearest is layer {layer + 1}, head {head + 1}: on average {percent(score)} of its "
        "attention goes to the token before.",
    )


def _weights(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max())
    return shifted / shifted.sum()


def ask_temperature(given: Mapping[str, Any]) -> Answered:
    """What a higher temperature does to the largest weight."""
    from models.attention.sums import show_sum

    model, text = _text_and_model(given, "sum")
    shown = show_sum(model, text).sum
    seen = shown.visible[shown.query]
    scores = (shown.q[shown.query].astype(np.float64) @ shown.k[seen].T) / shown.q.shape[1] ** 0.5
    if len(scores) < 3:
        raise InputError("Take a longer sentence: this token can look at fewer than three.")
    plain, warm, cold = _weights(scores), _weights(scores / WARMER), _weights(scores * WARMER)
    largest, even = float(plain.max()), 1 / len(scores)
    return answered(
        f"The head on the page gives its largest weight from {_numbered(shown.queries, shown.query)}: "
        f"{percent(largest)}. "
        f"Its scores are divided by {WARMER:g} before the softmax (temperature {WARMER:g}). What becomes of it?",
        percent(warm.max()),
        (f"{percent(largest)}, as before", percent(cold.max()), percent(largest / WARMER)),
        f"{percent(warm.max(), 1)}. Scores closer together give weights closer together; with an endless temperature "
        "each of "
        f"the {len(scores)} tokens would get {percent(even, 1)}. Temperature 1/{WARMER:g} would give "
        f"{percent(cold.max(), 1)}.",
    )


def _best(rows: "tuple[Row, ...]", *, after: bool) -> "Row":
    return max(rows, key=lambda row: row[2 if after else 1])


def _switched_off(given: Mapping[str, Any], change: Mapping[str, Any]) -> "Comparison":
    from models.attention.inside import edit_inside

    model, text = _text_and_model(given, "inside")
    comparison = edit_inside(model, text, change).comparison
    if comparison.bits is None:
        raise InputError(NO_PREDICTION)
    return comparison


def ask_head_off(given: Mapping[str, Any]) -> Answered:
    """Whether one head decides the last prediction."""
    from models.attention.sums import show_sum

    model, text = _text_and_model(given, "inside")
    head = show_sum(model, text).sum.head
    comparison = _switched_off(given, {"heads_off": [[head.kind, head.layer, head.head]]})
    rows, bits = comparison.rows[-1], comparison.bits
    assert bits is not None
    before, after = _best(rows, after=False), _best(rows, after=True)
    return yes_or_no(
        f"Layer {head.layer + 1}, head {head.head + 1} of the model on the page is switched off. Does its last "
        "prediction change to another token?",
        yes=before[0] != after[0],
        explanation=f"Before: {_word(before[0])} with {percent(before[1], 1)}. After: {_word(after[0])} with "
        f"{percent(after[2], 1)}. "
        f"The prediction moves by {bits[-1]:.2f} bits.",
    )


def ask_layer_off(given: Mapping[str, Any]) -> Answered:
    """Which layer is missed most."""
    from models.attention.inside import look_inside

    model, text = _text_and_model(given, "inside")
    found = look_inside(model, text)
    stack = found.stacks[-1]
    places = sorted({0, stack.layers // 3, 2 * stack.layers // 3, stack.layers - 1})
    harm = {}
    for layer in places:
        bits = _switched_off(given, {"layers_off": [[stack.kind, layer]]}).bits
        assert bits is not None
        harm[layer] = float(bits.mean())
    worst = max(harm, key=lambda layer: harm[layer])
    return in_order(
        "One whole attention layer is switched off. Which one is missed most?",
        [f"layer {layer + 1}" for layer in places],
        places.index(worst),
        "Mean change of the predictions in bits: "
        + ", ".join(f"without layer {layer + 1} {bits:.2f}" for layer, bits in harm.items())
        + ".",
    )


def ask_rests_on(given: Mapping[str, Any]) -> Answered:
    """Which token a prediction rests on."""
    from models.attention.inside import Explained, explain_prediction, look_inside

    model, text = _text_and_model(given, "inside")
    question = look_inside(model, text).question
    if not question.choices:
        raise InputError(NO_PREDICTION)
    if len(question.places) > MANY_TOKENS:
        raise InputError(f"Take a sentence of at most {MANY_TOKENS} tokens: each is left out once.")
    position = len(question.places) - 1 if question.predicts == "next" else question.first
    token, word, probability = question.choices[position][0]
    *_, last = explain_prediction(model, text, position, token)
    assert isinstance(last, Explained)
    scores, attention = last.importance.scores["left_out"], last.importance.scores["attention"]
    known = np.flatnonzero(np.isfinite(scores))
    if len(known) < 2:
        raise InputError("Take a longer sentence: there are too few tokens to leave out.")
    order = [int(place) for place in known[np.argsort(-scores[known], kind="stable")]]
    tokens, best = last.importance.tokens, order[0]
    looked = int(known[np.argmax(attention[known])])
    return answered(
        f"The model predicts {_word(word)} ({percent(probability)}). Which token, left out, makes that least likely?",
        _numbered(tokens, best),
        (_numbered(tokens, place) for place in (looked, order[1], order[-1], order[len(order) // 2])),
        f"Without {_numbered(tokens, best)} the log probability falls by {scores[best]:.2f}. Attention of the last "
        f"layer goes most to {_numbered(tokens, looked)} ({percent(attention[looked])}): "
        + ("the two agree here." if looked == best else "the two need not agree."),
    )


def ask_translates(given: Mapping[str, Any]) -> Answered:
    """The next token of a translation."""
    from models.attention.draft import Draft
    from models.attention.drafts import write_all

    model = check_choice(given["translate_model"], offered(), name="The network")
    *_, written = write_all(Draft(model, check_sentence(given["translate_text"])))
    place = len(written.written) // 2
    options = written.candidates[place]
    wrote = "".join(written.written[:place]).strip()
    _, token, probability = options[0]
    return answered(
        f"It has written “{wrote}” so far. Which token does it write next?" if wrote else "Which token comes first?",
        _word(token),
        (_word(word) for _, word, _ in options[1:]),
        f"{_word(token)} gets {percent(probability, 1)}, {_word(options[1][1])} {percent(options[1][2], 1)}. The "
        "whole: "
        f"“{written.text}”.",
    )


def ask_aligned(given: Mapping[str, Any]) -> Answered:
    """Which English token a French one was written from."""
    from models.attention.draft import Draft
    from models.attention.drafts import write_all

    model = check_choice(given["translate_model"], offered(), name="The network")
    *_, written = write_all(Draft(model, check_sentence(given["translate_text"])))
    if written.attention is None:
        raise InputError("This network has no attention: choose another one on the page “Live translation”.")
    looks = written.attention[-1].mean(0)[: len(written.written) - 1, : len(written.source)]
    if not looks.size:
        raise InputError("Take a longer sentence: nothing was written.")
    inner = looks.copy()
    inner[:, -1] = 0
    row = int(inner.max(axis=1).argmax())
    order = [int(place) for place in np.argsort(-looks[row], kind="stable")]
    best = order[0]
    return answered(
        f"The translation is “{written.text}”. Before it writes {_word(written.written[row])}, which English token "
        "does it look at most?",
        _numbered(written.source, best),
        (_numbered(written.source, place) for place in order[1:]),
        f"{percent(looks[row, best])} of the attention of its last layer, mean of the heads, goes to "
        f"{_numbered(written.source, best)}.",
    )


QUESTIONS = (
    Question("looks", "where a head looks", "explorer", ask_looks),
    Question("previous", "the token before", "explorer", ask_previous),
    Question("temperature", "temperature", "weighted_sum", ask_temperature),
    Question("head-off", "one head less", "inside", ask_head_off),
    Question("layer-off", "one layer less", "inside", ask_layer_off),
    Question("rests-on", "what it rests on", "inside", ask_rests_on),
    Question("translates", "the next French word", "translation", ask_translates),
    Question("aligned", "where it looks back", "translation", ask_aligned),
)
