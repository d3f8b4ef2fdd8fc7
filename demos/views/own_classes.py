"""A training of the visitor's own classes as plain values for the browser."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from demos import wire
from demos.sentences import percent
from demos.wire import view

if TYPE_CHECKING:
    from models.vit.own_training import Examples, Report, Verdicts

MAX_VERDICTS = 18
MAX_PAIRS = 3
THUMBNAIL = 64  # pixels
COUNTS = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}

PROTOCOL = """{parts} heads learn side by side, each without one part of the pictures, which it is then asked about: so
every picture counts once, by a head that has not seen it. Another head learns from all pictures; that one is used
afterwards, and the loss and the accuracy on what it has learned from are its own. Frames of one burst look alike:
then even held-out pictures are easier than what the camera shows later."""
BLOCKS_PROTOCOL = """Training blocks several times over would take too long: now one part of the pictures, one in
{parts} of each class, is held out, and the network that is used has not learned from it."""


@view
class ClassReport:
    """One report of a training: loss in nats, accuracies 0 to 1, `confusion[what it is][what it was taken for]`."""

    phase: Literal["head", "blocks"]
    step: int
    loss: float
    accuracy: float
    held_out: float
    confusion: list[list[int]]


@view
class ClassVerdict:
    """What was said of a held-out picture: class and probability by each; None where there was none."""

    picture: str
    truth: str
    before: tuple[str, float] | None
    head: tuple[str, float]
    blocks: tuple[str, float] | None


@view
class ClassBoardView:
    """A training of one's own classes (`class_board`).

    unfrozen: the step from which on blocks learn too. shared: of pictures that are in two classes, a sentence or
    nothing. verdicts: at the end; the least sure come first.
    """

    run: str
    labels: list[str]
    reports: list[ClassReport]
    unfrozen: int | None
    protocol: str
    blocks_protocol: str
    shared: str
    verdicts: list[ClassVerdict] | None
    more: str


@view
class ClassTrialView:
    """A classifier to try: the name it is kept under, and its classes (`class_trial`)."""

    name: str
    labels: list[str]


def view_of_training(
    run: str,
    examples: "Examples",
    reports: "Sequence[Report]",
    parts: int,
    verdicts: "Verdicts | None" = None,
) -> ClassBoardView:
    """What `class_board` shows: `reports` so far and, at the end, what was said of the held-out pictures."""
    return ClassBoardView(
        run=run,
        labels=list(examples.labels),
        reports=[_report(report) for report in reports],
        unfrozen=next((report.step for report in reports if report.phase == "blocks"), None),
        protocol=" ".join(PROTOCOL.format(parts=COUNTS[parts]).split()),
        blocks_protocol=" ".join(BLOCKS_PROTOCOL.format(parts=COUNTS[parts].lower()).split()),
        shared=said_of_shared(examples.shared),
        verdicts=_verdicts(examples, verdicts) if verdicts else None,
        more=_more(verdicts) if verdicts else "",
    )


def said_of_shared(pairs: "Sequence[tuple[str, str, int]]") -> str:
    """What a visitor should know of pictures that two classes share; nothing where none do."""
    if not pairs:
        return ""
    named = [f"{count} in “{one}” and “{other}”" for one, other, count in pairs[:MAX_PAIRS]]
    more = len(pairs) - MAX_PAIRS
    named += [f"and {more} more {'pair' if more == 1 else 'pairs'}"] if more > 0 else []
    return (
        f"Pictures that look the same, or nearly, are in two classes: {', '.join(named)}. "
        "If they show one thing, take them out of one class: the network is told two names for it."
    )


def sentence_of_board(examples: "Examples", reports: "Sequence[Report]", verdicts: "Verdicts") -> str:
    """What the heads learned of the example, and the picture they are most wrongly sure about."""
    first, last = reports[0], reports[-1]
    said, count = verdicts.head.argmax(1), len(examples.images)
    wrong = np.flatnonzero(said != examples.classes[verdicts.pictures])
    sentence = (
        f"The example: {count} sprites in {len(examples.labels)} classes. Held-out pictures named rightly: "
        f"{first.held_out_accuracy * count:.0f} of {count} before the first step, "
        f"{last.held_out_accuracy * count:.0f} after {last.step} steps"
    )
    if not len(wrong):
        return f"{sentence}."
    worst = max(wrong.tolist(), key=lambda place: verdicts.head[place, said[place]])
    taken, sure = examples.labels[said[worst]], float(verdicts.head[worst, said[worst]])
    truth = examples.labels[examples.classes[verdicts.pictures[worst]]]
    return f"{sentence}; the surest mistake takes a picture of {truth} for {taken} ({percent(sure)})."


def _report(report: "Report") -> ClassReport:
    return ClassReport(
        phase=report.phase,
        step=report.step,
        loss=round(report.loss, 5),
        accuracy=report.accuracy,
        held_out=report.held_out_accuracy,
        confusion=report.confusion.tolist(),
    )


def _verdicts(examples: "Examples", verdicts: "Verdicts") -> list[ClassVerdict]:
    """One entry a held-out picture that is shown; the least sure of the true class come first."""
    last = verdicts.head if verdicts.blocks is None else verdicts.blocks
    truth = examples.classes[verdicts.pictures]
    order = np.argsort(last[np.arange(len(truth)), truth], kind="stable")
    return [
        ClassVerdict(
            picture=_thumbnail(examples.images[verdicts.pictures[i]]),
            truth=examples.labels[truth[i]],
            before=verdicts.before[i] if verdicts.before else None,
            head=_best(examples.labels, verdicts.head[i]),
            blocks=None if verdicts.blocks is None else _best(examples.labels, verdicts.blocks[i]),
        )
        for i in order[:MAX_VERDICTS].tolist()
    ]


def _best(labels: tuple[str, ...], probabilities: np.ndarray) -> tuple[str, float]:
    place = int(probabilities.argmax())
    return labels[place], round(float(probabilities[place]), 4)


def _thumbnail(image: np.ndarray) -> str:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(image[top : top + side, left : left + side])
    return wire.picture(np.asarray(square.resize((THUMBNAIL, THUMBNAIL))), "jpeg")


def _more(verdicts: "Verdicts") -> str:
    order = "The least sure come first"
    left_out = len(verdicts.pictures) - MAX_VERDICTS
    shown = f"{order}; {left_out} more are not shown." if left_out > 0 else f"{order}."
    if verdicts.before:
        return f"{shown} “Before” is what the network said with its own head: it had to choose one of its categories."
    return f"{shown} This backbone had no head before: it could not name anything."
