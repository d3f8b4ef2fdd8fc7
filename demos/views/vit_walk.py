"""One patch through one layer of a Vision Transformer and on to the answer, for `layer_walk`."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from demos.sentences import percent
from demos.views.vit import readable
from demos.views.walk import HeadsLooking, StationView, WalkedAt, WalkView, Worked, best_of

if TYPE_CHECKING:
    from models.vit.walk import PatchWalk, Step

MEANINGS = {
    "residual stream in": "What is known of the patch so far. Choose another of its numbers in any strip as wide.",
    "norm": "The stream brought to mean 0 and spread 1, then scaled and shifted: what the attention reads.",
    "query": "What this patch asks for in this head: W_Q times the normed stream.",
    "key": "What the patch it takes most from offers: W_K times that patch's normed stream.",
    "query times key": "Number by number. Their sum says how well the two fit.",
    "scores": "The same sum for every token, divided by the root of the head's width: CLS first, then the patches.",
    "weights": "Softmax of the scores: all above 0, together 1.",
    "value": "What the patch it takes most from hands over: W_V times that patch's normed stream.",
    "sum of values": "The values of all tokens, each times its weight.",
    "heads, side by side": "Every head's sum of values, one after the other.",
    "attention": "W_O times the heads: what they say, together.",
    "attention layer scale": "Each number times a learned factor: a deep network begins close to doing nothing.",
    "+ attention": "The stream with what the attention added.",
    "mlp norm": "The stream normed once more: what the MLP reads.",
    "mlp inner": "W_1 times the normed stream.",
    "mlp hidden": "The same after its bend, GELU: what is below zero is almost gone.",
    "mlp": "W_2 times the inner layer: a function of this patch alone.",
    "MLP layer scale": "Each number times a learned factor.",
    "residual stream out": "What the next layer gets.",
    "after the last layer": "The same patch after all layers, each of which went the way above.",
    "last norm": "The stream normed a last time.",
    "CLS, normed": "The token without pixels, which went the same way: the first half of what the head reads.",
    "mean of the patches": "All patches as they are now, added up and divided by their number: the second half.",
    "scores of the categories": "The head's matrix times CLS beside the mean of the patches, for each category.",
    "answer": "Softmax of the scores: how sure it is of each category, before calibration.",
}
CLS_ONLY = {
    "CLS, normed": "The token without pixels, which went the same way: all that this network's head reads.",
    "scores of the categories": "The head's matrix times CLS, for each category.",
}


def view_of_patch_walk(found: "PatchWalk", run: str, columns: int, *, asked: int) -> WalkView:
    """The steps of a patch. asked: the token the visitor chose, 0 for CLS; columns: of patches."""
    reads_cls = all(step.name != "mean of the patches" for step in found.steps)
    meanings = {**MEANINGS, **(CLS_ONLY if reads_cls else {})}
    names = [_name(token, columns) for token in range(found.looks.shape[1])]
    return WalkView(
        title=f"The patch in {names[found.token]} in layer {found.layer + 1}, head {found.head + 1} written out",
        stations=[_station(step, meanings[step.name]) for step in found.steps],
        values=np.concatenate([step.values for step in found.steps]),
        heads=[HeadsLooking("patches", [best_of(row, names) for row in found.looks])],
        said=sentence_of_walk(found, names),
        at=WalkedAt(run, found.layer, found.head, asked, found.channel),
    )


def sentence_of_walk(found: "PatchWalk", names: list[str]) -> str:
    """What the patch takes from where, and of which parts the answer's score is made."""
    steps = {step.name: step for step in found.steps}
    score, weight = (float(steps[name].values[found.seen]) for name in ("scores", "weights"))
    fits = (
        f"In head {found.head + 1} of layer {found.layer + 1} this patch takes most, {percent(weight, 1)}, from "
        f"{names[found.seen]} (score {score:.2f})."
    )
    answer = found.score
    if answer is None:
        return f"{fits} This network has no head: its features are what it gives."
    count = found.looks.shape[1] - 1
    label, made = readable(answer.label), f"{answer.cls:.2f} from CLS"
    if "mean of the patches" in steps:
        made += f", {answer.mean:.2f} from the mean of the {count} patches (this one alone {answer.patch:.3f})"
    return f"{fits} In the end {label} scores {answer.total:.2f}: {made}, {answer.bias:.2f} from the bias."


def _station(step: "Step", meaning: str) -> StationView:
    total = None
    if step.sum is not None:
        parts = asdict(step.sum)
        total = Worked(**{**parts, "left": list(step.sum.left), "right": list(step.sum.right)})
    size = float(np.linalg.norm(step.values))
    return StationView(step.name, step.stream, meaning, step.values.size, size, step.number, total)


def _name(token: int, columns: int) -> str:
    return f"row {(token - 1) // columns + 1}, column {(token - 1) % columns + 1}" if token else "CLS"
