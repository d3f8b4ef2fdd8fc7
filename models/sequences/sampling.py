"""How the next character is drawn: the four numbers a visitor sets."""

from dataclasses import dataclass

from models.inputs import check_integer, check_number
from models.text.symbols import ALPHABET

MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Sampling:
    """temperature: 0 to 2; top_k: 1 to 100 symbols; top_p: 0.05 to 1; seed: of the dice. See `trace.choose_next`."""

    temperature: float
    top_k: int
    top_p: float
    seed: int

    @classmethod
    def check(cls, temperature: object, top_k: object, top_p: object, seed: object) -> "Sampling":
        """Raises `InputError` for a bad value."""
        return cls(
            check_number(temperature, name="The temperature", low=0, high=2),
            check_integer(top_k, name="Top-k", low=1, high=len(ALPHABET)),
            check_number(top_p, name="Top-p", low=0.05, high=1),
            check_integer(seed, name="The seed", low=0, high=MAX_SEED),
        )
