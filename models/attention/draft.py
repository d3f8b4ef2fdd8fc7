"""A translation under way, as a page keeps it between two clicks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Draft:
    """The model, the sentence, and the tokens written so far, the start mark first; none before anything was run."""

    model: str
    text: str
    written: tuple[int, ...] = ()
