"""What is seen in a film, in one sentence from its pictures."""

from typing import TYPE_CHECKING

from models.diffusion.found import distance, halfway, largest_change

if TYPE_CHECKING:
    import numpy as np

    from models.diffusion.runs import SpriteRun


def find_halfway(run: "SpriteRun") -> tuple[int, str]:
    """The step by which half of the way is done, and the sentence that says it."""
    place, left, whole = halfway([step.x_0 for step in run.steps])
    t = run.steps[place].t
    return place, (
        f"By step {place + 1} of {len(run.steps)}, at t = {t}, the prediction has come half of its way: {left:.2f} "
        f"from the finished sprites, where the first step was {whole:.2f} away (root mean square). The rest is detail."
    )


def find_change(run: "SpriteRun") -> tuple[int, str]:
    """The last step of a walk, and between which of its sprites most changes."""
    first, change = largest_change(run.steps[-1].x_0)
    return len(run.steps) - 1, (
        f"Most changes between sprites {first + 1} and {first + 2}: they differ by {change:.2f} (root mean square)."
    )


def find_departure(run: "SpriteRun", given: "np.ndarray") -> tuple[int, str]:
    """The last step of an image to image run, and how far it went from the picture `[4, size, size]` it began with."""
    last = run.steps[-1].x_0
    apart = distance(last[0], last[-1])
    others = f"; the first and the last differ by {apart:.2f}" if len(last) > 1 else ""
    return len(run.steps) - 1, (
        f"{len(run.steps)} of {run.plan.steps} steps were run: the sprites are {distance(last, given):.2f} from your "
        f"picture on average{others} (root mean square)."
    )
