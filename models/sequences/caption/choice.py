"""How the words of a caption are chosen."""

from dataclasses import dataclass

MAX_WORDS = 20
MAX_BEAM = 5


@dataclass(frozen=True)
class Choice:
    """beginning: words that stand first; temperature: 0 takes the likeliest word, or the likeliest sentence of a search
    with `beam` beginnings; above it words are drawn by chance, the same for the same `seed`.
    """

    beginning: tuple[str, ...] = ()
    temperature: float = 0.0
    beam: int = 1
    seed: int = 0
