"""Questions about Vision Transformers on the pictures of this tab, answered by running the networks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.base import usable_model
from demos.predict import Answered, Question, answered, in_order, yes_or_no
from demos.sentences import percent
from demos.views.vit import readable
from demos.vit.damage_handlers import ROLLOUT, TOGETHER, categories, check_wish
from models.errors import InputError
from models.images import read_image

if TYPE_CHECKING:
    from models.vit.curve import Point
    from models.vit.trace import VitResult

QUARTERS = ("upper left", "upper right", "lower left", "lower right")
SHUFFLED_GRID = 4
WHO = ("both", "only the ViT", "only the CNN", "neither")


def _picture(given: Mapping[str, Any], name: str, page: str) -> np.ndarray:
    if given[name] is None:
        raise InputError(f"Give a picture on the page “{page}” first: the question is about it.")
    return read_image(given[name])


def _traced(given: Mapping[str, Any]) -> "VitResult":
    from models.vit.trace import trace_picture

    picture = _picture(given, "image", "Step by step")
    return trace_picture(usable_model(given["model"], "vit")[0], picture)


def ask_layer(given: Mapping[str, Any]) -> Answered:
    """After which layer the answer is there to stay."""
    trace = _traced(given).trace
    if not trace.labels:
        raise InputError("This model names no categories: choose another one on the page “Step by step”.")
    winners = trace.lens.argmax(axis=1)
    final, layers = int(winners[-1]), len(winners) - 1
    wrong = np.flatnonzero(winners != final)
    first = int(wrong[-1]) + 1 if len(wrong) else 0
    bounds = [layers // 4, layers // 2, 3 * layers // 4, layers]
    level = next(index for index, bound in enumerate(bounds) if first <= bound)
    lows = [0, *(bound + 1 for bound in bounds[:-1])]
    before = f" One layer earlier it would have said “{readable(trace.labels[winners[first - 1]])}”." if first else ""
    return in_order(
        f"The answer is “{readable(trace.labels[final])}”. After which of the {layers} layers does the network’s last "
        "layer, asked early, give this answer for good?",
        [f"after layer {low} to {bound}" for low, bound in zip(lows, bounds, strict=True)],
        level,
        f"From layer {first} on, with {percent(trace.lens[first, final], 1)} there and "
        f"{percent(trace.lens[-1, final], 1)} at the end." + before,
    )


def ask_positions(given: Mapping[str, Any]) -> Answered:
    """Whether the answer survives without position embeddings."""
    from models.vit.trace import Edits, trace_picture

    kept = _traced(given)
    if not kept.trace.labels:
        raise InputError("This model names no categories: choose another one on the page “Step by step”.")
    picture = _picture(given, "image", "Step by step")
    without = trace_picture(usable_model(given["model"], "vit")[0], picture, edits=Edits("removed"))
    (old, sure), (new, sure_after) = (one.trace.top(1)[0] for one in (kept, without))
    return yes_or_no(
        f"The answer is “{readable(old)}” ({percent(sure)}). The position embeddings are removed: the patches become "
        "a bag. "
        "Is the answer still the same?",
        yes=old == new,
        explanation=f"With positions “{readable(old)}”, {percent(sure, 1)}; without them “{readable(new)}”, "
        f"{percent(sure_after, 1)}.",
    )


def ask_quarter(given: Mapping[str, Any]) -> Answered:
    """Which part of the picture CLS looks at."""
    trace = _traced(given).trace
    rows, columns = trace.grid
    seen = trace.attention[-1, :, 0, 1:].mean(axis=0).reshape(rows, columns)
    high, left = rows // 2, columns // 2
    parts = (seen[:high, :left], seen[:high, left:], seen[high:, :left], seen[high:, left:])
    shares = [float(part.sum() / seen.sum()) for part in parts]
    best = int(np.argmax(shares))
    return in_order(
        "The answer is read from CLS and from the mean of all patches. Which quarter of your picture does CLS look at "
        "most in the last layer?",
        QUARTERS,
        best,
        ", ".join(f"{name} {percent(share)}" for name, share in zip(QUARTERS, shares, strict=True))
        + ": shares of what CLS gives to patches, mean of the heads.",
    )


def ask_cost(given: Mapping[str, Any]) -> Answered:
    """What twice as many patches a side cost."""
    from models.vit.trace import costs_of

    once, twice = costs_of(usable_model(given["model"], "vit")[0], (1, 2))
    side = round((once.tokens - 1) ** 0.5)
    ratio = twice.attention / once.attention
    return answered(
        f"The model reads {side} × {side} patches. With twice as many a side, how many times as many numbers are in "
        "its attention maps?",
        f"about {ratio:.0f} times",
        ("about 2 times", "about 4 times", "about 8 times"),
        f"{once.tokens} tokens become {twice.tokens}, and every token looks at every other: {once.attention:,} numbers "
        f"become {twice.attention:,}. All multiply-adds together grow {twice.multiply_adds / once.multiply_adds:.1f} "
        "times.",
    )


def _point(given: Mapping[str, Any], kind: object, strength: float) -> "tuple[Point, Point, int]":
    """Both networks on the picture of the page “Break it”, undamaged and damaged, and the category they begin with."""
    from models.vit.curve import measure_point

    if given["damage_image"] is None:
        raise InputError("Give a picture on the page “Break it: CNN and ViT” first: the question is about it.")
    wish = check_wish(given["damage_image"], kind, TOGETHER, SHUFFLED_GRID, "vit", given["damage_seed"], "", ROLLOUT)
    before, after = measure_point(wish, 0.0), measure_point(wish, strength)
    return before.points[0], after.points[0], before.category


def _kept(given: Mapping[str, Any], kind: object, strength: float, told: str) -> Answered:
    before, after, category = _point(given, kind, strength)
    name = readable(categories()[category])
    says = {owner: int(getattr(after, owner).probabilities.argmax()) == category for owner in ("vit", "cnn")}
    level = {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}[says["vit"], says["cnn"]]
    shares = [
        (getattr(before, owner).probabilities[category], getattr(after, owner).probabilities[category])
        for owner in ("vit", "cnn")
    ]
    return in_order(
        f"Undamaged, the two together say “{name}”. {told} Who still says so?",
        WHO,
        level,
        f"Probability of “{name}”: ViT {percent(shares[0][0], 1)} before, {percent(shares[0][1], 1)} after; CNN "
        f"{percent(shares[1][0], 1)} "
        f"before, {percent(shares[1][1], 1)} after. One picture is an anecdote: the charts on the page count many.",
    )


def ask_shuffle(given: Mapping[str, Any]) -> Answered:
    """Who keeps the answer when patches change places."""
    told = f"The picture is cut into {SHUFFLED_GRID} × {SHUFFLED_GRID} squares, and all change places."
    return _kept(given, "shuffle", 1.0, told)


def ask_half(given: Mapping[str, Any]) -> Answered:
    """Who keeps the answer with half of the patches."""
    return _kept(given, "drop", 0.5, "Half of the patches, chosen at random, become grey.")


def ask_neighbours(given: Mapping[str, Any]) -> Answered:
    """Whether fine-tuning changes which photos are near."""
    from models.vit.neighbours import BACKBONES, VOTES, nearest_photos

    picture = _picture(given, "neighbours_image", "Nearest photos")
    before, after = (nearest_photos(name, picture, VOTES) for name in BACKBONES)
    (old, votes), (new, votes_after) = before.vote, after.vote
    return yes_or_no(
        f"The {VOTES} nearest labelled photos vote on your picture, in the eyes of the network before fine-tuning and "
        "after. Do both votes name the same category?",
        yes=old == new,
        explanation=f"Before: “{readable(old)}”, {votes} of {VOTES}. After: “{readable(new)}”, {votes_after} of "
        f"{VOTES}. Fine-tuning moved photos of one category together.",
    )


QUESTIONS = (
    Question("layer", "when the answer is there", "steps", ask_layer),
    Question("positions", "without positions", "steps", ask_positions),
    Question("quarter", "where CLS looks", "steps", ask_quarter),
    Question("cost", "what more patches cost", "steps", ask_cost),
    Question("neighbours", "who is near", "neighbours", ask_neighbours),
    Question("shuffle", "shuffled", "damage", ask_shuffle),
    Question("half", "half of it", "damage", ask_half),
)
