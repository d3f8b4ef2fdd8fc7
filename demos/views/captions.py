"""A picture described word by word (`caption_words`): what else might stand there, and which cells each word read."""

from typing import TYPE_CHECKING

import numpy as np

from demos.sentences import percent
from demos.views.picture import Picture
from demos.wire import Float16, picture, view

if TYPE_CHECKING:
    from models.sequences.caption.photo_trace import PhotoCaption
    from models.sequences.captions import DescribedPhoto
    from models.sequences.tasks import TaskRun

SAYS_NOTHING = (
    "This picture is unlike the photos it learned from (its features lie {times:.1f} times as far from theirs as those "
    "of 99 in 100 other photos): what it says is a guess from habit."
)


@view
class LikelyWord:
    """What might stand in a place, and its probability, 0 to 1."""

    word: str
    probability: float


@view
class CaptionWord:
    """A word as it was written; chosen: by the visitor; likely: what else might stand there, the likeliest first."""

    word: str
    probability: float
    chosen: bool
    likely: list[LikelyWord]


@view
class FoundSentence:
    """A sentence that a beam search has found, and its log-probability (nats)."""

    sentence: str
    log_probability: float


@view
class CaptionView:
    """A picture described.

    picture: as the network sees it, with the grid of cells that can be read (0 x 0 where a network has none)
    words: with the end mark; read: `[words, layers, heads, cells]` 0 to 1, None for a network that cannot look back
    found: the sentences of a beam search, best first; warning: a sentence where the picture is unlike all it knows
    """

    model: str
    picture: Picture
    words: list[CaptionWord]
    read: Float16 | None
    found: list[FoundSentence]
    warning: str


def view_of_photo(done: "DescribedPhoto") -> CaptionView:
    """What the page shows of a described photo."""
    caption = done.caption
    words = [CaptionWord(w.word, round(w.probability, 4), w.chosen, _likely(w.likely)) for w in caption.words]
    found = [FoundSentence(one.sentence, round(one.log_probability, 2)) for one in caption.candidates]
    read = np.stack([word.read for word in caption.words])
    side = round(read.shape[-1] ** 0.5)
    return CaptionView(
        done.run.model, Picture(picture(done.seen, "jpeg"), side, side), words, read, found, strange_of(done)
    )


def sentence_of_photo(caption: "PhotoCaption") -> str:
    """What is seen of a caption: the whole of it, and the word for which one cell was read most."""
    said = f"It says “{caption.sentence}”."
    shares = np.stack([word.read.mean((0, 1)) for word in caption.words[:-1] or caption.words])
    place, cell = np.unravel_index(int(shares.argmax()), shares.shape)
    row, column = divmod(int(cell), round(shares.shape[1] ** 0.5))
    said += f" For “{caption.words[place].word}” it read most of one place: {percent(shares[place, cell])}"
    return f"{said} from the cell in row {row + 1}, column {column + 1}."


def sentence_of_scene(task: "TaskRun") -> str:
    """What is seen of a toy scene's caption: the whole of it, and the word it was least sure of."""
    word, share = min((step.output[0] for step in task.trace.steps), key=lambda one: one[1])
    return f"It says “{task.trace.answer}”. It was least sure of “{word}”: {percent(share)}."


def strange_of(done: "DescribedPhoto") -> str:
    """A sentence where the picture is unlike the photos that were learned from, else nothing."""
    return SAYS_NOTHING.format(times=done.strange) if done.strange > 1 else ""


def view_of_scene(task: "TaskRun", pixels: np.ndarray) -> CaptionView:
    """What the page shows of a toy scene (height, width, 3) uint8: no cells, as its writer sees one vector only."""
    words = [
        CaptionWord(step.output[0][0], round(step.output[0][1], 4), False, _likely(step.output))
        for step in task.trace.steps
    ]
    return CaptionView(task.run.model, Picture(picture(pixels), 0, 0), words, None, [], "")


def _likely(words: tuple[tuple[str, float], ...]) -> list[LikelyWord]:
    return [LikelyWord(word, round(probability, 6)) for word, probability in words]
