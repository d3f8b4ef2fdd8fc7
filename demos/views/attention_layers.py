"""The layers of one run for the browser: the logit lens as a grid, one token's way through one layer, the softmax."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.attention.subjects import Reading, Run, Subject
    from models.attention.walk import Lens, Walk
    from models.text.instrument import Kind

MEANINGS = {
    "token embedding": "The token's row in the table of the vocabulary. With its position it begins the stream.",
    "query": "What the token asks for: one part for each head.",
    "key": "What the others' queries are compared with: this token's own, one part for each head.",
    "value": "What the token gives to those that look at it: one part for each head.",
    "residual stream in": "What is known of the token so far. Every layer adds to it.",
    "norm": "The stream brought to mean 0 and size 1, then scaled: what the attention reads.",
    "heads, side by side": "Each head's weighted sum of values, one after the other.",
    "attention": "The heads' sums through the output projection: what they add, together.",
    "cross norm": "The stream normed: what asks the source sentence.",
    "cross-attention": "What was read from the source sentence, through the output projection.",
    "mlp norm": "The stream normed: what the MLP reads.",
    "mlp hidden": "The MLP's inner layer after its bend: each number is a feature that is on or off for this token.",
    "mlp": "What the MLP adds: a function of this token alone.",
    "+ attention": "The stream with what the attention added.",
    "+ cross-attention": "The stream with what was read from the source.",
    "+ mlp": "The stream with what the MLP added.",
    "last norm": "The sum normed: what the next layer gets.",
    "residual stream out": "What the next layer gets.",
}
POST_NORM_MEANINGS = {"norm": "The sum normed: this network norms the stream itself.", "cross norm": "The sum normed."}


def draw_lens(
    reading: "Reading", run: "Run", lens: "Lens | None", subject: "Subject", kind: "Kind", at: tuple[int, int]
) -> dict[str, Any]:
    """The grid layers x tokens. `at` is the layer and the token picked; without `lens` only changes are shown."""
    stream = run.stream[kind].float().cpu().numpy()
    sizes = np.linalg.norm(stream, axis=-1)
    changes = np.linalg.norm(np.diff(stream, axis=0), axis=-1) / np.maximum(sizes[1:], 1e-9)
    tokens = reading.written_tokens[:-1] if kind == "decoder" and reading.written else reading.tokens
    shown = {
        "kind": kind,
        "tokens": list(tokens),
        "layer": at[0],
        "token": at[1],
        "sizes": _rounded(sizes),
        "changes": _rounded(np.concatenate([np.zeros_like(changes[:1]), changes])),
        "predicts": subject.predicts,
        "words": None,
    }
    if lens is not None and len(tokens) == lens.ids.shape[1]:
        vocabulary = sorted(set(lens.ids.flatten().tolist()))
        place = {number: index for index, number in enumerate(vocabulary)}
        shown |= {
            "words": [subject.word(number) for number in vocabulary],
            "ids": [[[place[n] for n in cell] for cell in row] for row in lens.ids.tolist()],
            "probabilities": _rounded(lens.probabilities),
            "entropy": _rounded(lens.entropy),
            "final": _rounded(lens.final),
        }
    return shown


def draw_walk(reading: "Reading", walk: "Walk", kind: "Kind", layer: int, token: int) -> dict[str, Any]:
    """The stations of one token's way through one layer, and where its heads look."""
    tokens = reading.written_tokens[:-1] if kind == "decoder" and reading.written else reading.tokens
    sources = {"cross": reading.tokens, kind: tokens}
    post_norm = walk.stations[-1].name == "last norm"
    meanings = {**MEANINGS, **(POST_NORM_MEANINGS if post_norm else {})}
    return {
        "title": f"{tokens[token].strip() or 'space'} ({token + 1}) in layer {layer + 1}",
        "stations": [
            {
                "name": station.name,
                "stream": station.stream,
                "meaning": meanings[station.name],
                "values": _packed(station.values),
                "size": float(np.linalg.norm(station.values)),
            }
            for station in walk.stations
        ],
        "heads": [
            {"kind": of, "best": [_best(row, sources[of]) for row in weights]} for of, weights in walk.weights.items()
        ],
    }


def draw_next(
    subject: "Subject", ids: np.ndarray, logits: np.ndarray, logsumexp: float, after: str, *, writable: bool
) -> dict[str, Any]:
    """The likeliest tokens of one position, with their logits, for the softmax in the browser."""
    return {
        "after": after,
        "words": [subject.word(int(number)) for number in ids],
        "logits": _rounded(logits, 4),
        "logsumexp": logsumexp,
        "writable": writable,
    }


def _best(row: np.ndarray, sources: tuple[str, ...]) -> list[Any]:
    place = int(row.argmax())
    return [place, sources[place].strip() or "space", round(float(row[place]), 3)]


def _rounded(values: np.ndarray, digits: int = 3) -> Any:
    return np.round(values.astype(np.float64), digits).tolist()


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()
