"""Server time of one keystroke at 256 characters: the trace of one cell and its drawing (run this file).

Beside it, in the same run, the same text read anew for every keystroke.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demos.sequences.next_token import Look, _draw, _read
from models import runtime
from models.text import recurrent as network

LENGTH, KEYSTROKES = 256, 40
TEXT = ("It was late when the old captain came home, and nobody had waited for him but the dog. " * 4)[:LENGTH]


def milliseconds(action):
    start = time.perf_counter()
    result = action()
    return 1000 * (time.perf_counter() - start), result


def keystroke(loaded, text, before, look):
    reading = _read(text, loaded, before)
    return reading, _draw(reading, look)


def measure(name):
    loaded, look = runtime.load(name, network.load), Look("hidden state", 8)
    reading = _read(TEXT, loaded, None)
    times = {"kept": [], "anew": []}
    for number in range(KEYSTROKES):
        text = TEXT[: LENGTH - KEYSTROKES + number]
        before = _read(text[:-1], loaded, reading)
        for way, known in (("kept", before), ("anew", None)):
            took, _ = milliseconds(lambda known=known, text=text: keystroke(loaded, text, known, look))
            times[way].append(took)
    return {way: statistics.median(values) for way, values in times.items()}


if __name__ == "__main__":
    for name in ("char-rnn", "char-gru", "char-lstm"):
        medians = measure(name)
        ratio = medians["anew"] / medians["kept"]
        print(f"{name}: {medians['kept']:.1f} ms a keystroke, {medians['anew']:.1f} ms read anew ({ratio:.1f} times)")
