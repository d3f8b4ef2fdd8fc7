"""An edited run beside the unedited one: predictions at every position, and how far each token's vector moved."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.attention.effects import Effect
    from models.attention.subjects import Reading, Subject

ROWS = 8


def draw_effect(
    subject: "Subject",
    reading: "Reading",
    effect: "Effect",
    *,
    own: int | None = None,
    changes: list[str] | None = None,
) -> dict[str, Any]:
    """What the `prediction_pair` component shows. `own` is the position of the token that looks, if it predicts;
    `changes` say in words what was changed, nothing for the unedited run.
    """
    stacks = [
        {
            "kind": kind,
            "tokens": list(_tokens(reading, kind)),
            "share": rounded(effect.moved[kind] / np.maximum(effect.length[kind], 1e-12)),
            "moved": rounded(effect.moved[kind]),
        }
        for kind in effect.moved
    ]
    positions = len(effect.places)
    predicted = [] if effect.bits is None else [effect.rows(subject, t, ROWS) for t in range(positions)]
    return {
        "predicts": "written" if reading.written else subject.predicts,
        "places": list(effect.places),
        "bits": [] if effect.bits is None else rounded(effect.bits),
        "rows": [[[word, *rounded(np.array([p, q]), 6)] for word, p, q in rows] for rows in predicted],
        "own": own,
        "most": effect.most_changed,
        "stacks": stacks,
        "cosine": round(effect.cosine, 5),
        "changes": changes or [],
    }


def _tokens(reading: "Reading", kind: str) -> tuple[str, ...]:
    return reading.written_tokens[:-1] if reading.written and kind == "decoder" else reading.tokens


def rounded(values: np.ndarray, digits: int = 5) -> list[float]:
    """Numbers for JSON, with that many significant digits."""
    return [float(f"{value:.{digits}g}") for value in values.tolist()]
