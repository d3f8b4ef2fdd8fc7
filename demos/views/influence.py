"""From influence traces to text that can be coloured and curves over distance."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from demos.views.chart import Chart, Series
from demos.wire import Uint8, view

if TYPE_CHECKING:
    from models.sequences.influence import InfluenceTrace

LOOKS = {
    "RNN": ("key", ""),
    "GRU": ("value", "7 4"),
    "LSTM": ("memory", "2 3"),
    "Transformer": ("prediction", "9 3 2 3"),
    "Transformer, no cache": ("prediction", "3 3"),
    "Transformer, to 100": ("prediction", "9 3 2 3"),
    "Transformer, to 300": ("query", "12 3"),
}
FALLBACK = ("input", "1 4")


def look_of(title: str) -> dict[str, str]:
    """Colour and dash of a network's line, the same in every chart."""
    color, dash = LOOKS.get(title, FALLBACK)
    return {"color": color, "dash": dash}


@view
class NetworkReach:
    """What the predictions of one network owe to earlier characters.

    color, dash: of its line; best: the most probable character after each of the T characters
    shares: `[T, T]` share of its row's influence, 0 to 1, as 255 times its square root
    curve: `[T]` mean share of the character d places back
    half, most: mean distance in characters within which half and nine tenths of the influence lie
    """

    title: str
    color: str
    dash: str
    best: list[str]
    shares: Uint8
    curve: list[float]
    half: float
    most: float


@view
class InfluenceView:
    """One text, character by character, and how far back each network reaches in it (`influence_view`)."""

    text: list[str]
    networks: list[NetworkReach]


def reach_of(title: str, trace: "InfluenceTrace") -> NetworkReach:
    """One network's trace of a text."""
    shares = trace.shares()
    return NetworkReach(
        title=title,
        **look_of(title),
        best=list(trace.best),
        shares=np.rint(255 * np.sqrt(shares)),
        curve=[float(f"{share:.3g}") for share in trace.by_distance()],
        half=round(_mean_reach(shares, 0.5), 1),
        most=round(_mean_reach(shares, 0.9), 1),
    )


def _mean_reach(shares: np.ndarray, wanted: float) -> float:
    """Mean over the rows of how many characters back one must go to gather `wanted` of the influence."""
    reaches = [1 + int(np.argmax(np.cumsum(row[t::-1]) >= wanted - 1e-6)) for t, row in enumerate(shares)]
    return float(np.mean(reaches))


def chart_of_recall(points: Sequence[tuple[str, int, float]], chance: float, trained_to: Iterable[int] = ()) -> Chart:
    """The accuracy of the recall task over distance, from (title, distance, accuracy 0 to 1).

    trained_to: the ends of what networks were trained on, marked as soon as the curves reach them.
    """
    titles = dict.fromkeys(title for title, _, _ in points)
    lines = [
        Series(title, **look_of(title), points=[(d, round(100 * a, 2)) for t, d, a in points if t == title])
        for title in titles
    ]
    distances = [distance for _, distance, _ in points]
    ends = [(distance, round(100 * chance, 2)) for distance in (min(distances), max(distances))]
    return Chart(
        series=[*lines, Series("guessing", "noise", "1 5", ends)],
        x="characters between the name and the question",
        y="Names recalled, per cent",
        low=0,
        high=100,
        marks=[(float(end), f"trained to {end}") for end in sorted(set(trained_to)) if end <= max(distances)],
        unit="%",
    )
