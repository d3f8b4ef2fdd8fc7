"""From influence traces to text that can be coloured and curves over distance."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.sequences.influence import InfluenceTrace

LOOKS = {
    "RNN": ("key", ""),
    "GRU": ("value", "7 4"),
    "LSTM": ("memory", "2 3"),
    "Transformer": ("prediction", "9 3 2 3"),
}
FALLBACK = ("input", "1 4")


def look_of(title: str) -> dict[str, str]:
    """Colour and dash of a network's line, the same in every chart."""
    color, dash = LOOKS.get(title, FALLBACK)
    return {"color": color, "dash": dash}


def draw_influence(traces: Sequence[tuple[str, "InfluenceTrace"]]) -> dict[str, object]:
    """The value of the `influence_view` component from (title, trace) pairs of one text."""
    return {"text": list(traces[0][1].text), "networks": [_network(title, trace) for title, trace in traces]}


def _network(title: str, trace: "InfluenceTrace") -> dict[str, object]:
    shares = trace.shares()
    return {
        "title": title,
        **look_of(title),
        "best": list(trace.best),
        "shares": base64.b64encode(np.rint(255 * np.sqrt(shares)).astype(np.uint8).tobytes()).decode(),
        "curve": [float(f"{share:.3g}") for share in trace.by_distance()],
        "half": round(_mean_reach(shares, 0.5), 1),
        "most": round(_mean_reach(shares, 0.9), 1),
    }


def _mean_reach(shares: np.ndarray, wanted: float) -> float:
    """Mean over the rows of how many characters back one must go to gather `wanted` of the influence."""
    reaches = [1 + int(np.argmax(np.cumsum(row[t::-1]) >= wanted - 1e-6)) for t, row in enumerate(shares)]
    return float(np.mean(reaches))


def draw_recall(points: Sequence[tuple[str, int, float]], chance: float) -> dict[str, object]:
    """The value of the `chart` component from (title, distance, accuracy) of the recall task."""
    titles = dict.fromkeys(title for title, _, _ in points)
    lines = [
        {"name": title, **look_of(title), "points": [[d, round(100 * a, 2)] for t, d, a in points if t == title]}
        for title in titles
    ]
    distances = [distance for _, distance, _ in points]
    guess = {"name": "guessing", "color": "noise", "dash": "1 5"}
    ends = [[min(distances), round(100 * chance, 2)], [max(distances), round(100 * chance, 2)]]
    return {
        "series": [*lines, {**guess, "points": ends}],
        "x": "characters between the name and the question",
        "y": "Names recalled, per cent",
        "low": 0,
        "high": 100,
        "unit": "%",
    }
