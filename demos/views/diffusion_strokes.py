"""Drawings in one stroke, step by step, for the browser."""

from typing import TYPE_CHECKING

from demos.wire import Float16, view
from models.diffusion.found import halfway

if TYPE_CHECKING:
    from models.diffusion.strokes import Drawn


@view
class StrokesView:
    """Strokes that come out of noise (`stroke_film`).

    x_t: `[steps + 1, drawings, points, 2]`, the last without noise; x_0: what was predicted, `[steps, drawings, points,
    2]`; x to the right, y down, drawings within about -1.1 to 1.1. times: of each step, 999 is noise alone.
    first: the step to begin with, from 0, which `said` is about.
    """

    name: str
    x_t: Float16
    x_0: Float16
    times: list[int]
    first: int
    said: str


def view_of_strokes(drawn: "Drawn", name: str) -> StrokesView:
    """What `stroke_film` shows."""
    place, left, whole = halfway(list(drawn.x_0))
    said = (
        f"By step {place + 1} of {len(drawn.times)}, at t = {drawn.times[place]}, the predicted strokes have come half "
        f"of their way: {left:.2f} from the finished ones; the first step was {whole:.2f} away (root mean square)."
    )
    return StrokesView(name, drawn.x_t, drawn.x_0, drawn.times, place, said)
