"""Public endpoints of the Attention tab."""

from typing import Any

import numpy as np
from gradio.data_classes import FileData

from demos.attention.controls import check_sentence
from demos.attention.drafts import MAX_WIDTH, MAX_WORDS_CHARS, offered
from demos.base import ready_model, save_arrays
from demos.tab import chosen_from, models_of
from demos.views.attention_effect import rounded, view_of_effect
from models import weights
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_text

TOP = 5
MOST_HEADS = 1_000


def _ready(name: str) -> str:
    """A model's name, if it can answer at once; else a sentence about its download."""
    return ready_model(name, "attention")


@chosen_from(model=models_of("attention"))
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
    from models.attention.runs import trace_text

    text = check_sentence(text, "text")
    found = trace_text(_ready(weights.find(model, "attention").name), text)
    traces = found.attention.traces
    facts = {
        "model": found.run.model,
        "seconds": round(found.run.seconds, 4),
        "tokens": list(traces[0].tokens),
        "layers": traces[0].attention.shape[0],
        "heads": traces[0].attention.shape[1],
        "cut": found.attention.cut,
        "note": found.attention.note,
        "translation": found.attention.translation,
    }
    names = {"encoder": "attention", "decoder": "decoder_attention", "cross": "cross_attention"}
    arrays = {names[trace.kind] if n else "attention": trace.attention for n, trace in enumerate(traces)}
    if len(traces) > 1:
        arrays["written"] = np.array(traces[-1].tokens)
    return facts, str(save_arrays("attention.npz", **arrays))


@chosen_from(model=models_of("attention"))
def attention_find(
    text: str,
    model: str,
    from_token: str | int,
    to_token: str | int,
    kind: str | None = None,
    count: int = 10,
) -> dict[str, Any]:
    """The heads of a model that look from one token to another most. Counted from 0.

    Args:
        text: up to 5,000 characters; the first 128 tokens count.
        model: a name of the Attention tab.
        from_token: the token that looks: what is written there (the first that is written so), or its number. In
            cross-attention a token of the translation.
        to_token: the token that is looked at, likewise.
        kind: encoder, decoder or cross; without one the last that the model has.
        count: how many heads, the first first.

    Returns:
        {"model", "seconds", "kind", "tokens", "sources": the tokens that look and those that are looked at, "from",
        "to": their numbers, "heads": [{"layer", "head", "weight": 0 to 1}, ...], "note": what must be said of the
        text}.
    """
    from models.attention.links import find_heads

    text, count = check_sentence(text, "The text"), check_integer(count, name="The count", low=1, high=MOST_HEADS)
    name = _ready(weights.find(model, "attention").name)
    found = find_heads(name, text, from_token, to_token, kind, count)
    return {
        "model": name,
        "seconds": round(found.run.seconds, 4),
        "kind": found.kind,
        "tokens": list(found.tokens),
        "sources": list(found.sources),
        "from": found.query,
        "to": found.key,
        "heads": [{"layer": layer, "head": head, "weight": round(w, 6)} for layer, head, w in found.heads],
        "note": found.note,
    }


@chosen_from(model=offered)
def attention_translate(text: str, model: str, beam: int = 1, beginning: str = "") -> tuple[dict[str, Any], FileData]:
    """English to French by one of the translators, with the alignment between the two.

    Args:
        text: up to 20 sentences of English, each translated on its own; the first 64 tokens of each are read.
        model: a translator of the Attention tab.
        beam: 1 (greedy) to 8 beginnings kept in the search for the likeliest translation.
        beginning: French words that the translation of the first sentence must begin with; it goes on from them.

    Returns:
        {"model", "seconds", "source": tokens read, "written": tokens written, "translation", "log_probability": of all
        tokens written (nats), "note": what must be said of the text (it was cut, some of it has no symbol, capitals
        were read as small letters)} and a compressed .npz file with `alignment
        [layers, heads, written, source]` float32, rows summing to 1, of width 0 in its first two axes for the network
        without attention, and the tokens `source` and `written`.
    """
    from models.attention.drafts import translate

    width = check_integer(beam, name="The beam", low=1, high=MAX_WIDTH)
    words = check_text(beginning, name="The beginning", max_chars=MAX_WORDS_CHARS, allow_empty=True)
    name = ready_model(check_choice(model, offered(), name="The model"))
    found = translate(name, check_sentence(text, "text"), width=width, beginning=words)
    facts = {
        "model": name,
        "seconds": round(found.run.seconds, 4),
        "source": list(found.source),
        "written": list(found.written),
        "translation": found.translation,
        "log_probability": round(found.log_probability, 4),
        "note": found.note,
    }
    empty = np.zeros((0, 0, len(found.written), len(found.source)), np.float32)
    alignment = empty if found.alignment is None else found.alignment
    tokens = {"source": np.array(found.source), "written": np.array(found.written)}
    path = save_arrays("alignment.npz", alignment=alignment, **tokens)
    return facts, FileData(path=str(path), orig_name="alignment.npz")


@chosen_from(model=models_of("attention"))
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
    from models.attention.inside import edit_inside

    text = check_sentence(text, "The text")
    name = _ready(weights.find(model, "attention").name)
    if not isinstance(positions, bool):
        raise InputError("positions must be true or false.")
    lists = {"heads_off": heads_off, "layers_off": layers_off, "edges_off": edges_off, "unseen": unseen}
    given = {name: value for name, value in lists.items() if value is not None}
    found = edit_inside(name, text, {**given, "swap": swap, "positions": positions})
    effect = found.comparison
    view = view_of_effect(effect)
    predictions = [
        {"position": t, "token": token, "bits": view.bits[t], "top": [_row(row) for row in effect.rows[t][:TOP]]}
        for t, token in enumerate(effect.places if effect.rows else ())
    ]
    return {
        "model": name,
        "seconds": round(found.seconds, 4),
        "predicts": found.predicts,
        "tokens": list(found.tokens),
        "written": list(found.written),
        "note": found.note,
        "bits": None if effect.bits is None else float(f"{effect.bits.mean():.6g}"),
        "predictions": predictions,
        "moved": {stack.kind: rounded(stack.moved) for stack in effect.stacks},
        "cosine": view.cosine,
    }


def _row(row: tuple[str, float, float]) -> list[Any]:
    word, *shares = row
    return [word, *rounded(np.array(shares), 6)]
