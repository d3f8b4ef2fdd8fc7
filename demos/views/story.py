"""A question about a story: the answer, and how much of every sentence was read at each hop (`story_answer`)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from demos.sentences import percent
from demos.views.tables import scrolls
from demos.views.tasks import draw_table
from demos.wire import Float32, view

if TYPE_CHECKING:
    from models.sequences.answer.trace import HopTrace, StoryAnswer

MOST_WORDS = 16


@view
class HopView:
    """One going back through the story.

    sentence: what it does, in words; best: the sentence it reads, from 0, or None; nothing: 0 to 1
    words: of the best sentence, how much of each is taken, 0 to 1
    """

    sentence: str
    best: int | None
    nothing: float
    words: list[float]


@view
class AnswerShare:
    """What may be answered, and its probability, 0 to 1."""

    word: str
    probability: float


@view
class StoryView:
    """A question answered. sentences: of the story; weights, match: `[hops, sentences]`, 0 to 1.

    said: which sentences were read for it, in a sentence
    without: what is answered without each sentence that was read, in words
    """

    reply: str
    said: str
    alternatives: list[AnswerShare]
    sentences: list[str]
    hops: list[HopView]
    weights: Float32
    match: Float32
    without: list[str]
    note: str


def view_of_answer(found: "StoryAnswer") -> StoryView:
    """What the page shows of an answer."""
    import numpy as np

    return StoryView(
        reply=found.reply,
        said=_said(found),
        alternatives=[AnswerShare(word, round(share, 4)) for word, share in found.alternatives],
        sentences=list(found.sentences),
        hops=[_hop(number, hop, found.hops[number - 1] if number else None) for number, hop in enumerate(found.hops)],
        weights=np.stack([hop.weights for hop in found.hops]),
        match=np.stack([hop.match for hop in found.hops]),
        without=[_without(place, word, share, found.answer) for place, word, share in found.without],
        note=found.note,
    )


def _said(found: "StoryAnswer") -> str:
    if not found.read:
        return "No sentence of the story was read for it."
    way = ", then to ".join(str(place + 1) for place in found.read)
    last = found.sentences[found.read[-1]].rstrip(".")
    return f"To answer, it went back to sentence {way}: “{last}”."


def _hop(number: int, hop: "HopTrace", before: "HopTrace | None") -> HopView:
    from_there = before is not None and before.best is not None and hop.from_end < 0.5
    start = f"from sentence {before.best + 1}" if before and from_there and before.best is not None else "from the end"
    if hop.best is None:
        said = f"{start}, and finds nothing that matches" if number == 0 else "and seeks nothing more"
        said = said if number == 0 or hop.match.max(initial=0) < 0.5 else f"{start}, and finds nothing that matches"
    else:
        said = f"{start} to sentence {hop.best + 1} ({percent(hop.weights[hop.best])} of its reading)"
    words = [round(float(share), 3) for share in hop.words[:MOST_WORDS]]
    return HopView(f"{number + 1}: {said}.", hop.best, round(hop.nothing, 4), words)


def _without(place: int, word: str, share: float, answer: str) -> str:
    same = "still " if word == answer else ""
    return f"Without sentence {place + 1} it {same}answers: {word} ({percent(share)})."


def accuracy_html(lines: Sequence[Mapping[str, Any]]) -> str:
    """The stored figures of `models.recipes.sequences.answer.evaluate`, a column for each length of story."""
    head = ["kind", *(f"{line['sentences'][0]} to {line['sentences'][1]} sentences" for line in lines)]
    head += ["always the commonest answer"]
    rows = [
        [
            kind,
            *(
                f"{percent(line['accuracy'][kind], 1)} (read rightly: {percent(line['read'][kind], 1)})"
                for line in lines
            ),
            percent(lines[0]["commonest_answer"][kind], 1),
        ]
        for kind in lines[0]["accuracy"]
    ]
    note = (
        "Measured beforehand by <code>python -m models.recipes.sequences.answer.evaluate --store</code>: stories that "
        "were not trained on, and answers that training never gave about this person or thing. "
        f"{lines[0]['count']:,} questions a column."
    )
    return f'<div {scrolls("Accuracy by kind of question")}>{draw_table(head, rows)}</div><p class="gb-note">{note}</p>'
