"""What is seen in a run of the ViT tab, in one sentence each, from its numbers."""

from typing import TYPE_CHECKING

import numpy as np

from demos.sentences import percent
from demos.views.vit import readable
from models.vit.calibration import calibrated, calibration_of
from models.vit.found import Likeness, Look, look_at_thing, lost_at, settled_after, thing_of

if TYPE_CHECKING:
    from models.vit.curve import Curve
    from models.vit.features import FeaturesResult
    from models.vit.neighbours import Found
    from models.vit.trace import VitResult, VitTrace


def look_of(trace: "VitTrace") -> Look:
    """The head of a run that looks at the thing in the picture."""
    return look_at_thing(trace.attention, thing_of(trace.tokens[-1, 1:], trace.grid))


def sentence_of_trace(result: "VitResult", look: Look) -> str:
    """The answer and how sure it is, from which layer on it stands, and the head that looks at the thing."""
    trace = result.trace
    seen = (
        f"Head {look.head + 1} of layer {look.layer + 1} looks at the thing: {percent(look.share)} of what CLS takes "
        "from "
        f"patches there comes from the {percent(look.part)} that stand apart from the border."
    )
    if not trace.labels:
        return seen
    return f"{_answer(result)} {seen}"


def _answer(result: "VitResult") -> str:
    trace = result.trace
    ((label, raw),) = trace.top(1)
    model, layers = result.run.model, len(trace.lens) - 1
    sure, known = float(calibrated(trace.probabilities, model).max()), calibration_of(model)
    if sure < known.doubtful:
        return (
            f"Probably none of its {len(trace.labels)} categories: it says {readable(label)}, but only {percent(sure)} "
            f"sure; {percent(known.kept)} of held-out photos of its categories are above {percent(known.doubtful)}, "
            "and "
            f"{percent(known.refused)} of other things below."
        )
    lens, by = (result.probed, ", by the layer's own probe") if len(result.probed) else (trace.lens, "")
    settled = settled_after(lens)
    calibration = f" once calibrated ({percent(raw)} as it comes)" if known.temperature != 1 else ""
    return f"It says {readable(label)}, {percent(sure)} sure{calibration}, from layer {settled} of {layers} on{by}."


def sentence_of_likeness(found: Likeness, columns: int) -> str:
    """Which patches of two pictures are most alike, beyond what all patches have in common."""
    return (
        f"After layer {found.layer} the patch in {_place(found.first, columns)} of the first picture has its like in "
        f"{_place(found.second, columns)} of the second: their cosine is {found.cosine:.2f}, where its mean over the "
        f"second picture is {found.mean:.2f}."
    )


def sentence_of_reach(result: "FeaturesResult") -> str:
    """How far heads look in the first and in the last layer."""
    first, last = (np.mean(result.distances, axis=0)[layer] for layer in (0, -1))
    return (
        f"In layer 1 one head looks {first.min():.0f} pixels far on average and another {first.max():.0f}; "
        f"in the last layer all look {last.min():.0f} to {last.max():.0f}."
    )


def sentence_of_neighbours(found: "dict[str, Found]", voters: int) -> str:
    """What the nearest photos agree on, before fine-tuning and after."""
    (before, many), (after, most) = (found[name].vote for name in ("before", "after"))
    return (
        f"Before fine-tuning {many} of the {voters} nearest photos are of one category ({readable(before)}); "
        f"after it {most} are ({readable(after)})."
    )


def sentence_of_curve(curve: "Curve", labels: tuple[str, ...]) -> str:
    """At which strength each network loses the category that is followed."""
    strengths = [point.strength for point in curve.points]
    lost = {}
    for title, name in (("the ViT", "vit"), ("the CNN", "cnn")):
        firsts = [int(getattr(point, name).probabilities.argmax()) for point in curve.points]
        lost[title] = lost_at(strengths, firsts, curve.category)
    said = [
        f"{title} {'keeps it to the end' if at is None else f'loses it at strength {at:.1f}'}"
        for title, at in lost.items()
    ]
    return f"Of {readable(labels[curve.category])}: {said[0]}, {said[1]}."


def _place(patch: int, columns: int) -> str:
    return f"row {patch // columns + 1}, column {patch % columns + 1}"
