"""Time and memory against length, and loss against position, as the browser draws them."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demos.views.influence import look_of

if TYPE_CHECKING:
    from models.attention.speed import Timing

SHORTEST = 16
CURVE_POINTS = 40
BINS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
TITLES = {"char-rnn": "RNN", "char-gru": "GRU", "char-lstm": "LSTM", "char-transformer": "Transformer"}

Chart = dict[str, Any]


def chart_of_timings(timings: Sequence["Timing"], task: str, curve: Mapping[int, float], *, log: bool) -> Chart:
    """The value of the `chart` component: milliseconds by length for one task, with the Transformer's fitted curve."""
    names = dict.fromkeys(timing.network for timing in timings)
    series = [
        {"name": name, **look_of(name), "points": points}
        for name in names
        if (points := [[t.length, _ms(t.seconds)] for t in timings if t.network == name and t.task == task])
    ]
    lengths = [timing.length for timing in timings] or [SHORTEST]
    if curve and max(lengths) > SHORTEST:
        points = [[n, _ms(sum(c * n**p for p, c in curve.items()))] for n in _spread(max(lengths))]
        series.append({"name": "fitted to the Transformer", "color": "subtle", "dash": "2 4", "points": points})
    y = "ms to read n characters" if task == "read" else "ms to write the character after n"
    return {"series": series, "x": "n, characters", "y": y, "unit": "ms", "dots": True, **_scale(series, log=log)}


def chart_of_memory(sizes: Mapping[str, Sequence[tuple[int, int]]], *, log: bool) -> Chart:
    """Megabytes by length, computed: `{network: [(length, bytes), ...]}`."""
    series = [
        {"name": name, **look_of(name), "points": [[n, float(f"{b / 1e6:.4g}")] for n, b in points]}
        for name, points in sizes.items()
    ]
    y = "MB kept (computed)"
    return {"series": series, "x": "n, characters", "y": y, "unit": "MB", "dots": True, **_scale(series, log=log)}


def sentence_of(timings: Sequence["Timing"], curve: Mapping[int, float]) -> str:
    """What the measured points say, in words; empty before there is much to say."""
    reads = {t.network: t for t in timings if t.task == "read"}
    if len(reads) < 2 or len({t.length for t in timings}) < 3:
        return ""
    longest = min(t.length for t in reads.values())
    at_end = {t.network: t.seconds for t in timings if t.task == "read" and t.length == longest}
    parts = [f"{name} {_ms(seconds):,g} ms" for name, seconds in at_end.items()]
    said = f"To read {longest:,} characters: {', '.join(parts)}. "
    terms = {0: "{:.3g} ms", 1: "{:.3g} µs · n", 2: "{:.3g} ns · n²"}
    units = {0: 1e3, 1: 1e6, 2: 1e9}
    shown = " + ".join(terms[p].format(c * units[p]) for p, c in curve.items())
    if curve.get(2) and curve.get(1):
        where = curve[1] / curve[2]
        return f"{said}Fitted to the Transformer: {shown}; from n ≈ {where:,.0f} on the square is the larger part."
    return f"{said}Fitted to the Transformer: {shown}."


def chart_of_loss(lines: Sequence[Mapping[str, Any]]) -> Chart:
    """The value of the `chart` component from the lines of `models.recipes.attention.positions`, averaged in `BINS`."""
    series = []
    for line in lines:
        title, bits = TITLES[line["model"]], line["bits"]
        points = [
            [round(math.sqrt((low + 1) * high), 1), round(sum(bits[low:high]) / (high - low), 3)]
            for low, high in pairwise(BINS)
            if high <= len(bits)
        ]
        series.append({"name": title, **look_of(title), "points": points})
    x = "characters read before (logarithmic)"
    return {"series": series, "x": x, "y": "bits per character", "unit": "bits", "logx": True, "dots": True}


def rows_of_loss(lines: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of a table: network, parameters, mean bits in five stretches of the context."""
    return [
        [
            TITLES[line["model"]],
            f"{line['parameters'] / 1e6:.2f} M",
            *(f"{sum(line['bits'][low:high]) / (high - low):.3f}" for low, high in STRETCHES),
        ]
        for line in lines
    ]


STRETCHES = ((0, 4), (4, 8), (8, 16), (16, 64), (64, 256))


def stored(path: Path) -> list[dict[str, Any]]:
    """The lines of a file in assets/figures; none if this copy of the project has no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def _ms(seconds: float) -> float:
    return float(f"{1000 * seconds:.3g}")


def _spread(longest: int) -> list[int]:
    ratio = longest / SHORTEST
    return sorted({round(SHORTEST * ratio ** (i / (CURVE_POINTS - 1))) for i in range(CURVE_POINTS)})


def _scale(series: Sequence[Mapping[str, Any]], *, log: bool) -> dict[str, Any]:
    values = [y for line in series for _, y in line["points"] if y > 0]
    if not log or not values:
        return {"low": 0}
    low = math.floor(math.log10(min(values)))
    return {"log": True, "logx": True, "low": low, "high": max(low + 1, math.ceil(math.log10(max(values))))}
