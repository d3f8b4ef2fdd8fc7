"""One Vision Transformer run as plain values for the browser: the picture, every attention row, the answer by layer."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from models.vit.trace import VitTrace

TOP = 5


def draw_vit(trace: "VitTrace", mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, Any]:
    """Everything the patch view shows, so that clicking never asks the server.

    Attention `[layers, heads + 1, T, T]` (the last "head" is the rollout up to that layer) travels as bytes: the square
    root of each weight's share of its row's largest, in steps of 1/255, with the largest of each row beside it; a
    weight read back is off by less than 1 % of its row's largest. `mean`, `std`: how pixels become numbers.
    """
    rows, columns = trace.grid
    maps = np.concatenate([trace.attention, attention_rollout(trace.attention)[:, None]], axis=1)
    largest = maps.max(axis=-1, keepdims=True)
    steps = np.rint(np.sqrt(maps / np.maximum(largest, 1e-12)) * 255).astype(np.uint8)
    answers = trace.top(TOP) if trace.labels else []
    return {
        "image": _png(trace.image),
        "rows": rows,
        "columns": columns,
        "side": trace.patches.shape[2],
        "layers": maps.shape[0],
        "heads": maps.shape[1] - 1,
        "attention": _packed(steps),
        "largest": _packed(largest[..., 0].astype(np.float32)),
        "embeddings": _packed(trace.embeddings.astype(np.float32)),
        "positions": _packed(trace.positions.astype(np.float32)),
        "width": trace.positions.shape[1],
        "mean": list(mean),
        "std": list(std),
        "top": [{"label": readable(label), "probability": probability} for label, probability in answers],
        "lens": logit_lens(trace),
    }


def attention_rollout(attention: np.ndarray) -> np.ndarray:
    """How much of each input token is in each token after every layer, residual connections counted as half.

    Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3: the product of 0.5 A + 0.5 I, A the
    mean over heads. `[layers, heads, T, T]` to `[layers, T, T]`, rows sum to 1.
    """
    mixing = 0.5 * attention.mean(axis=1) + 0.5 * np.eye(attention.shape[-1], dtype=attention.dtype)
    rollouts = [mixing[0]]
    for layer in mixing[1:]:
        rollouts.append(layer @ rollouts[-1])
    return np.stack(rollouts)


def logit_lens(trace: "VitTrace") -> list[dict[str, Any]]:
    """For every number of layers: the answer the head would give, and its probability of the final answer."""
    if not trace.labels:
        return []
    final = int(trace.probabilities.argmax())
    return [
        {
            "label": readable(trace.labels[int(row.argmax())]),
            "probability": float(row.max()),
            "final": float(row[final]),
        }
        for row in trace.lens
    ]


def readable(label: str) -> str:
    """A category's name in words: `grand_piano` to `grand piano`."""
    return label.replace("_", " ").lower()


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _png(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
