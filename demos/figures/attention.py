"""Attention weights, packed for the browser: every head of a run in one short text."""

import base64
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.attention.trace import AttentionRun, AttentionTrace

STEPS = 65_535
"""Weights travel as whole numbers of this many steps between 0 and 1."""


def draw_attention(run: "AttentionRun") -> dict[str, Any]:
    """What the `attention_explorer` component shows: each kind of attention with its tokens and all its weights."""
    return {
        "translation": run.translation,
        "note": run.note,
        "views": [_view(trace) for trace in run.traces],
    }


def _view(trace: "AttentionTrace") -> dict[str, Any]:
    from models.attention.heads import score_heads

    layers, heads = trace.attention.shape[:2]
    return {
        "kind": trace.kind,
        "rows": list(trace.tokens),
        "columns": list(trace.sources),
        "layers": layers,
        "heads": heads,
        "weights": pack(trace.attention),
        "standouts": [_standout(place, scores) for place, scores in score_heads(trace).items()],
    }


def _standout(place: str, scores: np.ndarray) -> dict[str, Any]:
    """The head that gives most of its attention to `place`."""
    layer, head = np.unravel_index(int(scores.argmax()), scores.shape)
    return {"place": place, "layer": int(layer), "head": int(head), "score": round(float(scores.max()), 4)}


def pack(weights: np.ndarray) -> str:
    """Weights in 0..1 as little-endian 16-bit steps, deflated (zlib), in base64."""
    steps = np.rint(np.clip(weights, 0.0, 1.0) * STEPS).astype("<u2")
    return base64.b64encode(zlib.compress(steps.tobytes(), level=1)).decode()
