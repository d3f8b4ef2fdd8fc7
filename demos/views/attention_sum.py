"""One head's queries, keys and values, packed for the browser, which does the arithmetic on them."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.attention.subjects import Reading, Run, Subject
    from models.text.instrument import Head, Kind


def draw_sum(subject: "Subject", reading: "Reading", run: "Run", head: "Head", query: int) -> dict[str, Any]:
    """What the `weighted_sum` component shows: `q [T, d]`, `k`, `v [S, d]` as little-endian float32 in base64,
    `hidden [T, S]` as bytes (1 where a mask forbids the look), and the names of all that can be chosen.
    """
    from models.attention.changes import layers_of, visible_keys
    from models.attention.effects import token_names
    from models.text.instrument import Place

    place = Place(head.kind, head.layer)
    attended = run.attended[place]
    queries, keys = token_names(reading, head.kind)
    translation = subject.tokenizer.decode(reading.written, skip_special_tokens=True) if reading.written else None
    return {
        "kind": head.kind,
        "layer": head.layer,
        "head": head.head,
        "kinds": [[kind, layers_of(subject, kind)] for kind in subject.kinds],
        "heads": subject.heads,
        "queries": list(queries),
        "keys": list(keys),
        "size": attended.query.shape[-1],
        "query": min(query, len(queries) - 1),
        "q": pack_floats(attended.query[head.head].cpu().numpy()),
        "k": pack_floats(attended.key[head.head].cpu().numpy()),
        "v": pack_floats(attended.value[head.head].cpu().numpy()),
        "hidden": base64.b64encode((~visible_keys(run, place)).astype(np.uint8).tobytes()).decode(),
        "note": reading.note,
        "translation": translation,
        "writes": bool(reading.written),
    }


def first_head(run: "Run", kinds: "tuple[Kind, ...]") -> "tuple[Head, int]":
    """A head and a token worth seeing first: of the last kind of attention, the head and the query of the middle or
    later whose largest weight lies on an earlier token that is not the first, and is neither all nor nothing.
    """
    from models.text.instrument import Head

    kind = kinds[-1]
    weights = run.weights(kind).float().cpu().numpy()
    layers, heads, rows, _ = weights.shape
    inner = weights.copy()
    inner[..., 0] = 0
    if kind != "cross":
        inner[..., np.arange(rows), np.arange(rows)] = 0
        inner[..., -1] = 0
    inner[:, :, : rows // 2] = 0
    best = np.where(inner.max(-1) < 0.8, inner.max(-1), 0)
    layer, head, query = np.unravel_index(int(best.argmax()), (layers, heads, rows))
    return Head(kind, int(layer), int(head)), int(query) if best.any() else rows - 1


def pack_floats(values: np.ndarray) -> str:
    """An array as little-endian float32 in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()
