"""A question about the live model, with the answer that the model gave when it was run."""

import hashlib
from collections.abc import Iterable

from demos.wire import view


@view
class PredictionView:
    """A question, its options, which is right, and why (`question_card`).

    name: of the question. about: the page whose input it is about, in words. right: index of `options`.
    explanation: computed from the run. fault: a sentence where it cannot be asked now; then there are no options.
    """

    name: str
    about: str
    question: str
    options: tuple[str, ...]
    right: int
    explanation: str
    fault: str = ""


@view
class TopicView:
    """A question that may be asked: its name, what it is about in a few words, and the page it belongs to."""

    name: str
    topic: str
    page: str
    page_title: str


@view
class TopicsView:
    """What a tab's panel offers, and the question asked last, if any (`predict`).

    turn: another one each time, so that the same answer to the same question is news too.
    """

    tab: str
    topics: tuple[TopicView, ...]
    asked: PredictionView | None = None
    turn: str = ""


def options_with(right: str, wrong: Iterable[str], *, most: int = 4) -> tuple[tuple[str, ...], int]:
    """At most `most` different options in an order that does not give the right one away, and where that stands.

    The same options come in the same order, so that a class sees what its teacher sees.
    """
    others = [option for option in dict.fromkeys(wrong) if option != right][: most - 1]
    options = sorted([right, *others], key=lambda option: hashlib.sha256(option.encode()).digest())
    return tuple(options), options.index(right)
