"""DETR beside RF-DETR: an object made smaller step by step, and accuracy against time as published and as measured."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.sentences import percent
from demos.views.detection import FoundBox, answers, rounded, shrunk
from demos.views.tasks import draw_table
from demos.wire import Float32, Jpeg, view
from models import weights

if TYPE_CHECKING:
    from models.detection.latency import Latency
    from models.detection.shrinking import Answer, Shrunk, Step

LOOKS = ({"color": "query", "dash": ""}, {"color": "key", "dash": "7 4"})
SHOWN_SIDE = 420
FAMILY = (
    ("nano", 48.4, 2.3, 30.5, 384),
    ("small", 53.0, 3.5, 32.1, 512),
    ("medium", 54.7, 4.4, 33.7, 576),
    ("large", 56.5, 6.8, 33.9, 704),
    ("XL", 58.6, 11.5, 126.4, 700),
    ("2XL", 60.1, 17.2, 126.9, 880),
)
"""Published: AP on COCO val, ms on a T4 with TensorRT in 16 bits, millions of parameters, pixels a side
(rfdetr.roboflow.com, "Benchmarks")."""
OWN_DATA = "AP on its own held-out mixed scenes, not COCO (88.5 since its class scores were fitted again)"
DETR_AP = 42.0
"""Published (Carion et al. 2020, table 1)."""


@view
class ShrunkAnswer:
    """What a network says at one size. box: None where no box of its class lies on the object.

    points: `[n, 3]` x, y and weight of where its query read; dense: `[rows, columns]` how much it took from each cell.
    """

    network: str
    name: str
    score: float
    box: list[float] | None
    patches: float
    points: Float32 | None
    dense: Float32 | None


@view
class ShrunkStep:
    """One size: the picture, where the object is (corners as shares), and the answers."""

    scale: float
    picture: Jpeg
    box: list[float]
    answers: list[ShrunkAnswer]


@view
class ShrinkView:
    """An object of a picture at several sizes (`shrink_view`); found: all that can be chosen, best first."""

    found: list[FoundBox]
    chosen: int
    steps: list[ShrunkStep]


def view_of_shrunk(shrunk_: "Shrunk") -> ShrinkView:
    """What `shrink_view` shows."""
    found = [FoundBox(*one) for one in answers(shrunk_.found)]
    return ShrinkView(found, shrunk_.chosen, [_step(step, shrunk_) for step in shrunk_.steps])


def _step(step: "Step", whole: "Shrunk") -> ShrunkStep:
    said = [_answer(title_of(name), whole.names[name], answer) for name, answer in step.answers.items()]
    return ShrunkStep(step.scale, shrunk(step.picture, SHOWN_SIDE), rounded(step.box), said)


def _answer(title: str, name: str, answer: "Answer") -> ShrunkAnswer:
    looked = answer.looked
    return ShrunkAnswer(
        title,
        name,
        round(answer.score, 4),
        None if answer.box is None else rounded(answer.box),
        round(answer.patches, 2),
        looked.points if looked else None,
        looked.dense if looked else None,
    )


def title_of(model: str) -> str:
    """A network in few words."""
    return weights.find(model).title.split(",")[0]


def chart_of_shrunk(shrunk_: "Shrunk") -> dict[str, Any]:
    """The value of the `chart` component: score by how many patches a side the object covers."""
    series = []
    for look, (model, name) in zip(LOOKS, shrunk_.names.items(), strict=False):
        points = [[step.answers[model].patches, round(step.answers[model].score, 3)] for step in shrunk_.steps]
        said = f"{title_of(model)}: {name}" if name else f"{title_of(model)}: does not find it"
        series.append({"name": said, **look, "points": points[::-1]})
    return {
        "series": series,
        "x": "patches that a side of the object covers",
        "y": "score",
        "logx": True,
        "dots": True,
        "low": 0,
        "high": 1,
    }


def sentence_of_shrunk(shrunk_: "Shrunk", threshold: float) -> str:
    """From which size on each network is no longer sure."""
    parts = []
    for model, name in shrunk_.names.items():
        title, first = title_of(model), shrunk_.steps[0].answers[model]
        if not name:
            parts.append(f"{title} knows nothing like it")
            continue
        lost = next((step for step in shrunk_.steps if step.answers[model].score <= threshold), None)
        start = f"{title} is {first.score:.2f} sure of {name} at {first.patches:.1f} patches a side"
        if lost is None:
            last = shrunk_.steps[-1]
            parts.append(f"{start} and still {last.answers[model].score:.2f} at {last.answers[model].patches:.1f}")
        else:
            small = lost.answers[model]
            parts.append(f"{start} and {small.score:.2f} at {small.patches:.1f}, {percent(lost.scale)} of its size")
    return f"{'; '.join(parts)}."


def chart_of_family(measured: "list[Latency]", aps: Mapping[str, float | None]) -> dict[str, Any]:
    """Accuracy by time: the family as published, and where this machine's own measurements lie."""
    published = {
        "name": "RF-DETR, published: COCO, T4 with TensorRT",
        **LOOKS[0],
        "points": [[ms, ap] for _, ap, ms, *_ in FAMILY],
    }
    here = [
        {
            "name": f"{title_of(one.model)}, this machine" + ("" if _is_coco(one.model) else ", its own 25 things"),
            "color": "prediction",
            "dash": "2 3",
            "points": [[round(one.milliseconds, 1), ap]],
        }
        for one in measured
        if (ap := aps.get(one.model)) is not None
    ]
    return {
        "series": [published, *here],
        "x": "ms a picture",
        "y": "average precision",
        "logx": True,
        "dots": True,
    }


def table_of_family(measured: "list[Latency]", aps: Mapping[str, float | None]) -> str:
    """The same numbers, row by row."""
    head = ("", "AP", "ms a picture", "where")
    rows = [
        (f"RF-DETR {name}", f"{ap:.1f}", f"{ms:.1f}", f"published: COCO val; T4, TensorRT, 16 bits; {side} pixels")
        for name, ap, ms, _, side in FAMILY
    ]
    for one in measured:
        ap = aps.get(one.model)
        data = "AP published, COCO val" if _is_coco(one.model) else OWN_DATA
        rows.append(
            (
                f"{title_of(one.model)}, here",
                "" if ap is None else f"{ap:.1f}",
                f"{one.milliseconds:.0f}",
                f"{data}; time measured now: {one.means}, median of {one.runs}",
            )
        )
    return draw_table(head, rows)


def _is_coco(model: str) -> bool:
    return weights.find(model).kind == "hub"


def precision_of(model: str, measured: Mapping[str, Any]) -> float | None:
    """AP of a detector in percent: as published for those of the hub, as measured for the embedded one."""
    if model == measured["model"]:
        return float(np.round(100 * measured["kinds"]["mixed"]["ap"], 1))
    if model == "detr-resnet-50":
        return DETR_AP
    return {f"rf-detr-{name.lower()}": ap for name, ap, *_ in FAMILY}.get(model)
