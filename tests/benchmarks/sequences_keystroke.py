"""Server time of one keystroke at 256 characters: the trace of one cell and its drawing, beside reading all anew."""

import itertools
from collections.abc import Iterator

from demos.sequences.reading import compute_reading
from demos.wire import to_wire
from tests.benchmarks.rows import Row, compare

LENGTH, KEYSTROKES = 256, 40
TEXT = ("It was late when the old captain came home, and nobody had waited for him but the dog. " * 4)[:LENGTH]


def keystroke(text, model, name):
    """From the text to what is sent; returns the name that the reading is kept under."""
    name, reader, cell, _ = compute_reading(text, model, "hidden state", 8, name, None)
    to_wire(reader), to_wire(cell)
    return name


def rows() -> Iterator[Row]:
    """The rows of this file."""
    for model in ("char-rnn", "char-gru", "char-lstm"):
        kept = keystroke(TEXT[: LENGTH - KEYSTROKES - 2], model, None)
        lengths, again = itertools.count(LENGTH - KEYSTROKES - 1), itertools.count(LENGTH - KEYSTROKES - 1)

        def typed(model=model, lengths=lengths, names=[kept]):  # noqa: B006 the name goes from key to key
            names[0] = keystroke(TEXT[: next(lengths)], model, names[0])

        def anew(model=model, lengths=again):
            keystroke(TEXT[: next(lengths)], model, None)

        yield compare(f"{model}, a key at 256 characters, drawn", KEYSTROKES, typed, "the text read anew", anew)
