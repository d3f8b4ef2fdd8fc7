"""Attention weights, packed for the browser: every head of a run in one short text."""

import base64
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.attention.trace import AttentionRun, AttentionTrace

HEADS_A_HABIT = 8
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
    from models.attention.heads import best_heads, score_heads

    layers, heads = trace.attention.shape[:2]
    return {
        "kind": trace.kind,
        "rows": list(trace.tokens),
        "columns": list(trace.sources),
        "layers": layers,
        "heads": heads,
        "weights": pack(trace.attention),
        "rollout": None if trace.kind == "cross" else pack(_rollouts(trace.attention)),
        "habits": {
            place: [[layer, head, round(score, 4)] for layer, head, score in best_heads(scores, HEADS_A_HABIT)]
            for place, scores in score_heads(trace).items()
        },
    }


def _rollouts(attention: np.ndarray) -> np.ndarray:
    """Attention rollout up to each layer, `[layers, T, T]`."""
    from models.attention.importance import stacked_rollout

    means = attention.mean(axis=1)
    return np.stack([stacked_rollout(means[: layer + 1]) for layer in range(len(means))])


def pack(weights: np.ndarray) -> str:
    """Weights in 0..1 as little-endian 16-bit steps, deflated (zlib), in base64."""
    steps = np.rint(np.clip(weights, 0.0, 1.0) * STEPS).astype("<u2")
    return base64.b64encode(zlib.compress(steps.tobytes(), level=1)).decode()
