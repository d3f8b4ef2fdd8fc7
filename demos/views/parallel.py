"""Steps, time and memory against length, and loss against position, as the browser draws them."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demos.views.influence import look_of
from demos.wire import view

if TYPE_CHECKING:
    from models.attention.speed import Cost, Costs, Timing

BINS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
TITLES = {"char-rnn": "RNN", "char-gru": "GRU", "char-lstm": "LSTM", "char-transformer": "Transformer"}

Chart = dict[str, Any]


@view
class CostView:
    """What a network must do: `layers` that wait for one another, multiplications `per_character` and `per_pair` of
    characters of which one looks at the other (0: none do).
    """

    network: str
    layers: int
    per_character: int
    per_pair: int


@view
class ScheduleView:
    """Two networks that read or write the same n characters (`schedule`)."""

    recurrent: CostView
    transformer: CostView
    n: int


def view_of_schedule(costs: "Costs", n: int) -> ScheduleView:
    """Both networks at `n` characters."""
    return ScheduleView(_cost(costs.recurrent), _cost(costs.transformer), n)


def _cost(cost: "Cost") -> CostView:
    return CostView(cost.network, cost.layers, cost.per_character, cost.per_pair)


def chart_of_timings(timings: Sequence["Timing"], task: str, *, log: bool) -> Chart:
    """The value of the `chart` component: milliseconds by length, to read or to write."""
    y = "ms to read n characters" if task == "read" else "ms to write the character after n"
    return _chart(_lines(timings, task, lambda t: _ms(t.seconds)), "n, characters", y, "ms", log=log)


def chart_of_batches(timings: Sequence["Timing"], length: int, *, log: bool) -> Chart:
    """Thousand characters a second by how many texts of `length` characters are read at once."""
    lines = _lines(timings, "batch", lambda t: float(f"{t.length * length / t.seconds / 1e3:.3g}"))
    return _chart(lines, "texts read at once", "Thousand characters a second, in all", "k/s", log=log)


def chart_of_memory(sizes: Mapping[str, Sequence[tuple[int, int]]], *, log: bool) -> Chart:
    """Megabytes by length, computed: `{network: [(length, bytes), ...]}`."""
    lines = [
        {"name": name, **look_of(name), "points": [[n, float(f"{b / 1e6:.4g}")] for n, b in points]}
        for name, points in sizes.items()
    ]
    return _chart(lines, "n, characters", "MB kept to write on (computed)", "MB", log=log)


def _lines(timings: Sequence["Timing"], task: str, value: Callable[["Timing"], float]) -> list[dict[str, Any]]:
    chosen = [timing for timing in timings if timing.task == task]
    return [
        {"name": name, **look_of(name), "points": [[t.length, value(t)] for t in chosen if t.network == name]}
        for name in dict.fromkeys(timing.network for timing in chosen)
    ]


def _chart(lines: list[dict[str, Any]], x: str, y: str, unit: str, *, log: bool) -> Chart:
    return {"series": lines, "x": x, "y": y, "unit": unit, "dots": True, **_scale(lines, log=log)}


def sentence_of(timings: Sequence["Timing"]) -> str:
    """What the measured points say, in words."""
    said = [_said_of_length(timings, task) for task in ("read", "write")]
    return " ".join(filter(None, (*said, _said_of_ratio(timings, "batch"), _said_of_ratio(timings, "threads"))))


def _said_of_length(timings: Sequence["Timing"], task: str) -> str:
    """Milliseconds at the longest length that all networks reached."""
    by_network: dict[str, dict[int, float]] = {}
    for timing in timings:
        if timing.task == task:
            by_network.setdefault(timing.network, {})[timing.length] = timing.seconds
    common = set.intersection(*map(set, by_network.values())) if len(by_network) > 2 else set()
    if not common:
        return ""
    n = max(common)
    what = f"To read {n:,} characters" if task == "read" else f"To write the one after {n:,}"
    return f"{what}: {', '.join(f'{name} {_ms(at[n]):,g} ms' for name, at in by_network.items())}."


def _said_of_ratio(timings: Sequence["Timing"], task: str) -> str:
    """How many times as many characters a second the most texts, or threads, give as one."""
    ratios = []
    for name in dict.fromkeys(t.network for t in timings if t.task == task):
        points = {t.length: t.seconds for t in timings if t.task == task and t.network == name}
        most = max(points)
        if 1 in points and most > 1:
            share = (most if task == "batch" else 1) * points[1] / points[most]
            ratios.append((most, f"{name} {share:.1f} ×"))
    if not ratios:
        return ""
    what = "texts at once" if task == "batch" else "threads"
    return f"With {ratios[0][0]} {what} instead of one, as many characters a second: {', '.join(r for _, r in ratios)}."


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


def _scale(series: Sequence[Mapping[str, Any]], *, log: bool) -> dict[str, Any]:
    values = [y for line in series for _, y in line["points"] if y > 0]
    if not log or not values:
        return {"low": 0}
    low = math.floor(math.log10(min(values)))
    return {"log": True, "logx": True, "low": low, "high": max(low + 1, math.ceil(math.log10(max(values))))}
