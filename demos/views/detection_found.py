"""What is seen in a traced detection, in one sentence from its numbers."""

from typing import TYPE_CHECKING

from demos.sentences import percent

if TYPE_CHECKING:
    from models.detection.boxes import Boxes
    from models.detection.found import Way

NOTHING = "Nothing is found above {:g}: lower the threshold to see what the network was less sure of."
NUMBERS = ("", "One thing is", "Two things are", "Three things are", "Four things are", "Five things are")


def sentence_of_boxes(found: "Boxes", way: "Way | None", threshold: float) -> str:
    """How many things are found above `threshold`, and of the box that came from farthest how it became what it is."""
    if way is None:
        return NOTHING.format(threshold)
    count = len(found)
    things = NUMBERS[count] if count < len(NUMBERS) else f"{count} things are"
    first, after = way.overlap[0], way.overlap[1]
    return (
        f"{things} found above {threshold:g}. The box of {found.names[way.place]} came the longest way: query "
        f"{way.query} began from a proposal that shares {percent(first)} with it, and shares {percent(after)} "
        f"after the first of {len(way.overlap) - 1} layers."
    )


def sentence_of_frame(names: "list[str]", scores: "list[float]", threshold: float, milliseconds: str) -> str:
    """What is found above `threshold` in one frame of a video, and how long it took."""
    if not names:
        return NOTHING.format(threshold)
    count = len(names)
    things = NUMBERS[count] if count < len(NUMBERS) else f"{count} things are"
    least = min(range(count), key=scores.__getitem__)
    return (
        f"{things} found in this frame of the example clip in {milliseconds}: {', '.join(names)}. "
        f"It is least sure of {names[least]} ({percent(scores[least])})."
    )
