"""A line filled out of blanks, for the browser: each step with what the network said of every blank."""

from typing import TYPE_CHECKING

import numpy as np

from demos.sentences import percent
from demos.wire import Float16, Uint8, view
from models.diffusion.lines import BLANK, HOLE, LIKELIEST, text_of
from models.text.symbols import ALPHABET

if TYPE_CHECKING:
    from models.diffusion.lines import Beside, Filled, Sides, Words


@view
class LikelyView:
    """The likeliest characters of one blank, their probabilities (0 to 1), and the entropy of all of them in bits."""

    characters: str
    chances: list[float]
    entropy: float


@view
class SidesView:
    """What is said of one blank of a line by all that is there, and by what is left or right of it alone."""

    both: LikelyView
    left: LikelyView
    right: LikelyView


@view
class BesideView:
    """The same template in another number of steps: one line; words known and in all, counted over `lines` lines."""

    steps: int
    line: str
    lines: int
    known: int
    total: int


@view
class BlanksView:
    """A line filled step by step (`blank_lines`).

    lines: before the first step and after each, `_` for a blank. given: which characters were there from the start.
    drawn_at: the step in which each place was filled, from 1; 0 for what was given. drawn_chance: the probability that
    what was drawn had, 0 to 1.
    likely, chances: the likeliest characters of each blank as places in `alphabet`, and their probabilities 0 to 1,
    `[steps, places, 5]`; entropy: of each blank, in bits, `[steps, places]`; zero where nothing is blank.
    beside: the same in other numbers of steps, as far as they have come.
    """

    alphabet: str
    lines: list[str]
    given: list[bool]
    drawn_at: list[int]
    drawn_chance: list[float]
    likely: Uint8
    chances: Float16
    entropy: Float16
    said: str
    beside: list[BesideView]


def entropy_of(chances: np.ndarray) -> np.ndarray:
    """Entropy in bits of distributions `[..., K]`; zero of one that is zero everywhere."""
    logs = np.log2(chances, out=np.zeros_like(chances), where=chances > 0)
    return -(chances * logs).sum(-1)


def likeliest(chances: np.ndarray) -> np.ndarray:
    """Places of the `LIKELIEST` largest of `[..., K]`, the largest first."""
    return np.argsort(-chances, axis=-1, kind="stable")[..., :LIKELIEST]


def view_of_blanks(filled: "Filled", beside: "list[Beside]") -> BlanksView:
    """What `blank_lines` shows."""
    steps = filled.steps
    chances = np.stack([step.chances for step in steps])
    best = likeliest(chances)
    blank = np.stack([step.seen == BLANK for step in steps])
    drawn_at, last = blank.sum(0), steps[-1].after
    drawn = [
        float(chances[at - 1, place, last[place]]) if at else 1.0 for place, at in enumerate(drawn_at)
    ]  # what is filled stays, so that a place is blank until the step that fills it
    return BlanksView(
        alphabet=ALPHABET,
        lines=[text_of(steps[0].seen), *(text_of(step.after) for step in steps)],
        given=(drawn_at == 0).tolist(),
        drawn_at=drawn_at.tolist(),
        drawn_chance=[round(one, 4) for one in drawn],
        likely=best.astype(np.uint8),
        chances=np.take_along_axis(chances, best, axis=-1),
        entropy=entropy_of(chances),
        said=sentence_of(filled, beside),
        beside=[BesideView(b.steps, b.line, b.lines, b.words.known, b.words.total) for b in beside],
    )


def sentence_of(filled: "Filled", beside: "list[Beside]") -> str:
    """How many words of the line are words of the books; and how many where every blank is drawn without the others."""
    count = len(filled.steps)
    steps = "one step" if count == 1 else f"{count} steps"
    found = f"In {steps}, {_counted(filled.words)} the books that it learned from."
    shares = {one.steps: one.words for one in beside if one.words.total}
    if len(shares) < 2:
        return found
    least, most = min(shares), max(shares)
    few, many = (percent(shares[one].known / shares[one].total) for one in (least, most))
    each = "in one step, each blank drawn without knowing the others" if least == 1 else f"in {least} steps"
    return f"{found} Of {beside[0].lines} lines: {many} of the words in {most} steps, {few} {each}."


def _counted(words: "Words") -> str:
    if not words.total:
        return "no whole word was drawn to be looked up in"
    if words.total == 1:
        return f"the one word with drawn letters is {'a' if words.known else 'no'} word of"
    return f"{words.known} of {words.total} words with drawn letters are words of"


def view_of_sides(sides: "Sides") -> SidesView:
    """What is said of one blank from both sides, and from one."""
    return SidesView(*(_likely(one) for one in (sides.both, sides.left, sides.right)))


def _likely(chances: np.ndarray) -> LikelyView:
    best = likeliest(chances)
    characters = "".join(ALPHABET[one] for one in best)
    return LikelyView(characters, [round(float(chances[one]), 6) for one in best], float(entropy_of(chances)))


def blanks_in(template: str) -> int:
    """How many blanks a template has."""
    return template.count(HOLE)
