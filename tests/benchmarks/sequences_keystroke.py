"""Server time of one keystroke at 256 characters: the trace of one cell and its drawing (run this file).

Beside it, in the same run, the same text read anew for every keystroke.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demos.sequences.reading import compute_reading
from demos.wire import to_wire

LENGTH, KEYSTROKES = 256, 40
TEXT = ("It was late when the old captain came home, and nobody had waited for him but the dog. " * 4)[:LENGTH]


def keystroke(text, model, name):
    """Milliseconds from the text to what is sent, and the name it is kept under."""
    start = time.perf_counter()
    name, reader, cell, _ = compute_reading(text, model, "hidden state", 8, name, None)
    to_wire(reader), to_wire(cell)
    return 1000 * (time.perf_counter() - start), name


def measure(model):
    """Median milliseconds of a keystroke, and of reading the same text anew."""
    times = {"kept": [], "anew": []}
    _, name = keystroke(TEXT[: LENGTH - KEYSTROKES], model, None)
    for length in range(LENGTH - KEYSTROKES + 1, LENGTH + 1):
        took, name = keystroke(TEXT[:length], model, name)
        times["kept"].append(took)
        times["anew"].append(keystroke(TEXT[:length], model, None)[0])
    return {way: statistics.median(values) for way, values in times.items()}


if __name__ == "__main__":
    for name in ("char-rnn", "char-gru", "char-lstm"):
        medians = measure(name)
        ratio = medians["anew"] / medians["kept"]
        print(f"{name}: {medians['kept']:.1f} ms a keystroke, {medians['anew']:.1f} ms read anew ({ratio:.1f} times)")
