"""CNN and Vision Transformer beside each other: the table of differences, cost by resolution, accuracy by data."""

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from demos.sentences import percent

if TYPE_CHECKING:
    import numpy as np

    from models.vit.data_need import Learning
    from models.vit.speed import Measured, Timing

LOOKS = {
    "CNN": {"color": "key", "dash": "7 4"},
    "ViT": {"color": "query", "dash": ""},
    "pretrained ViT, linear head": {"color": "prediction", "dash": "2 3"},
}
KINDS = {"cnn": "CNN", "vit": "ViT", "pretrained": "pretrained ViT, linear head"}

Chart = dict[str, Any]


def view_of_cost(timings: Sequence["Timing"]) -> tuple[Chart, Chart]:
    """Two values of the `chart` component: milliseconds and megabytes by pixels a side, as far as measured."""

    def lines(value: Any) -> list[Chart]:
        return [
            {"name": name, **LOOKS[name], "points": points}
            for name in ("CNN", "ViT")
            if (points := [[t.side, value(t)] for t in timings if t.network == name and value(t) is not None])
        ]

    options = {"x": "pixels a side", "dots": True, "low": 0}
    seconds = lines(lambda t: float(f"{t.seconds * 1000:.3g}"))
    memory = lines(lambda t: None if t.saved_bytes is None else float(f"{t.saved_bytes / 1e6:.3g}"))
    return (
        {"series": seconds, "y": "ms a picture", "unit": "ms", **options},
        {"series": memory, "y": "MB kept for the gradient", "unit": "MB", **options},
    )


def view_of_batches(batches: Sequence["Timing"]) -> Chart:
    """The value of the `chart` component: milliseconds a picture by how many are computed at once."""
    series = [
        {"name": name, **LOOKS[name], "points": points}
        for name in ("CNN", "ViT")
        if (points := [[t.batch, float(f"{1000 * t.seconds / t.batch:.3g}")] for t in batches if t.network == name])
    ]
    return {"series": series, "x": "pictures at once", "y": "ms a picture", "unit": "ms", "dots": True, "low": 0}


def batch_sentence(batches: Sequence["Timing"]) -> str:
    """What a picture gains where several are computed at once: how far one alone leaves the processor idle."""
    parts = []
    for name in ("CNN", "ViT"):
        own = [t for t in batches if t.network == name]
        if len(own) < 2:
            return ""
        gain = own[0].seconds / (own[-1].seconds / own[-1].batch)
        parts.append(f"{name} {gain:.2g} times as fast a picture with {own[-1].batch} at once")
    return f"At {batches[0].side} pixels: {'; '.join(parts)}."


def view_of_threads(scaling: Sequence["Timing"]) -> Chart | None:
    """The value of the `chart` component: milliseconds a picture by threads; None where there is one thread only."""
    series = [
        {"name": name, **LOOKS[name], "points": points}
        for name in ("CNN", "ViT")
        if (points := [[t.threads, float(f"{1000 * t.seconds:.3g}")] for t in scaling if t.network == name])
    ]
    options = {"x": "threads", "y": "ms a picture", "unit": "ms", "dots": True, "low": 0}
    return {"series": series, **options} if series else None


def links_sentence(measured: "Measured") -> str:
    """How long the chain of products is that wait for one another, how long each link takes, what threads gain."""
    parts, side = [], 0
    for name, links in measured.links.items():
        alone = next((t for t in measured.batches if t.network == name and t.batch == 1), None)
        if alone is None:
            return ""
        side = alone.side
        own = [t for t in measured.scaling if t.network == name]
        gain = f", {own[0].seconds / own[-1].seconds:.2g} times as fast with {own[-1].threads} threads" if own else ""
        parts.append(f"{name} {links} products, {1000 * alone.seconds / links:.2g} ms each{gain}")
    return f"One after the other, at {side} pixels: {'; '.join(parts)}." if parts else ""


def view_of_learning(learning: "Learning") -> Chart:
    """The value of the `chart` component: held-out digits that are right, in percent, by steps of training."""
    series = [
        {
            "name": f"{KINDS[kind]}, {learning.pictures[share]:,} digits",
            "color": LOOKS[KINDS[kind]]["color"],
            "dash": "" if share == max(learning.pictures) else "2 4",
            "points": [[step, round(100 * right, 1)] for step, right in points],
        }
        for (kind, share), points in learning.points.items()
        if points
    ]
    options = {"x": "steps of training", "y": "held-out digits right, %", "unit": "%", "dots": True}
    return {"series": series, **options, "low": 0, "high": 100}


def learning_sentence(learning: "Learning") -> str:
    """Where the four trainings stand."""
    if not all(learning.points.values()):
        return ""
    last = {name: points[-1] for name, points in learning.points.items()}
    parts = [
        f"from {learning.pictures[share]:,} digits the CNN has {percent(last['cnn', share][1])} of others right, "
        f"the ViT {percent(last['vit', share][1])}"
        for share in learning.pictures
    ]
    return f"After {min(step for step, _ in last.values())} steps each: {'; '.join(parts)}; chance is 10 %."


def cost_sentence(timings: Sequence["Timing"]) -> str:
    """How time and memory grew between the smallest and the largest resolution that both reached."""
    timings = [t for t in timings if t.saved_bytes is not None]
    sides = sorted({t.side for t in timings if t.network == "ViT"} & {t.side for t in timings if t.network == "CNN"})
    if len(sides) < 2:
        return ""
    low, high = sides[0], sides[-1]
    at = {(t.network, t.side): t for t in timings}
    parts = []
    for name in ("CNN", "ViT"):
        first, last = at[name, low], at[name, high]
        memory = (last.saved_bytes or 0) / (first.saved_bytes or 1)
        parts.append(f"{name} {last.seconds / first.seconds:.3g} times the time and {memory:.3g} times the memory")
    return f"From {low} to {high} pixels a side, {(high / low) ** 2:.3g} times the pixels: {'; '.join(parts)}."


def by_share(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, list[float]]]:
    """`{name of the line: {share of the data in percent: accuracies of the seeds}}`."""
    found: dict[str, dict[int, list[float]]] = {}
    for one in results:
        found.setdefault(KINDS[one["network"]], {}).setdefault(one["share"], []).append(one["accuracy"])
    return found


def view_of_data_need(results: Sequence[Mapping[str, Any]]) -> Chart:
    """The value of the `chart` component: mean test accuracy in percent by share of the training pictures."""
    series = [
        {"name": name, **LOOKS[name], "points": [[s, round(100 * statistics.mean(a), 1)] for s, a in shares.items()]}
        for name, shares in by_share(results).items()
    ]
    x = "share of the training pictures, % (logarithmic)"
    return {"series": series, "x": x, "y": "test accuracy, %", "unit": "%", "logx": True, "dots": True, "low": 0}


def rows_of_data_need(results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of a table: network, and for every share the mean accuracy with the lowest and highest of its seeds."""
    return [
        [name, *(f"{100 * statistics.mean(a):.1f} ({100 * min(a):.1f} to {100 * max(a):.1f})" for a in shares.values())]
        for name, shares in by_share(results).items()
    ]


def rows_of_answers(answers: Mapping[str, "np.ndarray"], labels: Sequence[str]) -> list[list[str]]:
    """Rows of a table: share of the data, answer of the CNN and of the ViT trained on it."""

    def said(probabilities: "np.ndarray") -> str:
        best = int(probabilities.argmax())
        return f"{labels[best]} {100 * float(probabilities[best]):.0f} %"

    shares = [name.removeprefix("cnn-") for name in answers if name.startswith("cnn-")]
    return [[f"{share} %", said(answers[f"cnn-{share}"]), said(answers[f"vit-{share}"])] for share in shares]
