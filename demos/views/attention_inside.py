"""What can be changed inside a network, and four kinds of importance side by side."""

from typing import TYPE_CHECKING, Any

import numpy as np

from demos.views.attention_effect import rounded

if TYPE_CHECKING:
    from models.attention.importance import Importance
    from models.attention.subjects import Reading, Run, Subject

CANDIDATES = 8
AGREEMENT = ((0.7, "largely agree"), (0.4, "agree in part"), (-0.2, "hardly agree"), (-1.01, "contradict each other"))
NOTHING = "This network predicts no word, so there is no prediction to explain: choose another model."


def draw_inside(subject: "Subject", reading: "Reading") -> dict[str, Any]:
    """What the `inside_switches` component shows: every attention with its layers, heads and tokens."""
    from models.attention.changes import layers_of
    from models.attention.effects import token_names

    stacks = []
    for kind in subject.kinds:
        queries, keys = token_names(reading, kind)
        layers = layers_of(subject, kind)
        stacks.append({"kind": kind, "layers": layers, "queries": list(queries), "keys": list(keys)})
    return {
        "stacks": stacks,
        "heads": subject.heads,
        "tokens": list(reading.tokens),
        "note": reading.note,
        "places": len(subject.position_modules) > 0 or subject.architecture == "llama",
    }


def draw_question(subject: "Subject", reading: "Reading", run: "Run") -> dict[str, Any]:
    """What the `importance_view` component shows before a question is asked: the predictions to choose from."""
    from models.attention.effects import predicting_tokens
    from models.attention.importance import predicted_tokens

    places = predicting_tokens(subject, reading)
    if run.logits is None:
        return {"places": [], "nothing": NOTHING}
    choices = [predicted_tokens(subject, run, position, CANDIDATES) for position in range(len(places))]
    return {
        "places": list(places),
        "predicts": "written" if reading.written else subject.predicts,
        "choices": [[[number, word, round(p, 4)] for number, word, p in rows] for rows in choices],
        "first": len(places) - 1 if subject.kinds == ("decoder",) else min(2, len(places) - 1),
    }


def draw_importance(subject: "Subject", found: "Importance") -> dict[str, Any]:
    """The answer: a column for each method, the rank correlation of each pair, and what they say in words."""
    from models.attention.importance import METHODS

    agreement = found.agreement()
    columns = [
        {
            "name": name,
            "title": METHODS[name],
            "values": [None if np.isnan(value) else rounded(np.array([value]), 4)[0] for value in scores],
        }
        for name, scores in found.scores.items()
    ]
    return {
        "position": found.position,
        "token": found.token,
        "word": subject.word(found.token),
        "probability": round(float(np.exp(found.log_probability)), 5),
        "tokens": list(found.tokens),
        "columns": columns,
        "agreement": [[a, b, None if value is None else round(value, 4)] for (a, b), value in agreement.items()],
        "sentences": _sentences(found, agreement),
    }


def _sentences(found: "Importance", agreement: dict[tuple[str, str], float | None]) -> list[str]:
    count = int(found.compared.sum())
    pairs = (
        ("attention", "left_out", "Attention of the last layer and leaving out"),
        ("gradient", "left_out", "The gradient and leaving out"),
    )
    sentences = []
    for first, second, names in pairs:
        value = agreement[first, second]
        if value is None:
            sentences.append(f"{names}: too few tokens to compare, or all the same.")
            continue
        words = next(words for low, words in AGREEMENT if value >= low)
        sentences.append(f"{names} {words} here: rank correlation {value:.2f} over {count} tokens.".replace("-", "−"))
    if not count:
        return sentences
    best = {}
    for name in ("attention", "left_out"):
        sizes = np.where(found.compared, np.abs(np.nan_to_num(found.scores[name])), -1.0)
        index = int(sizes.argmax())
        best[name] = f"“{found.tokens[index].strip()}” ({index + 1})"
    same = best["attention"] == best["left_out"]
    sentences.append(
        f"Both put {best['attention']} first."
        if same
        else f"Attention puts {best['attention']} first; what the prediction misses most is {best['left_out']}."
    )
    return sentences
