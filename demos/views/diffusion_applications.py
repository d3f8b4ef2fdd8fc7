"""What the page "Applications" says of what was made, from its pixels."""

import html
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from demos.views.diffusion import sheet
from models.diffusion.colours import dominant_colours
from models.diffusion.data import to_signal
from models.diffusion.found import distance

if TYPE_CHECKING:
    from models.diffusion.runs import SpriteRun

Found = tuple[int, str]


def html_of_given(original: np.ndarray, given: np.ndarray | None, link: str, page: str) -> str:
    """HTML: what the network is given, the original beside it where that is hidden, and the way to the page on it."""
    shown = [("what is given", original if given is None else given)]
    shown += [] if given is None else [("the original, which it does not see", original)]
    figures = "".join(
        f'<figure><img src="{sheet(rgba[None])}" alt="{words}"><figcaption>{words}</figcaption></figure>'
        for words, rgba in shown
    )
    way = f'<a href="{html.escape(link)}">More of this on the page “{html.escape(page)}”</a>'
    return f'<div class="gb-given">{figures}<p>{way}</p></div>'


def _finished(run: "SpriteRun") -> np.ndarray:
    from models.diffusion.trace import finished_sprites

    last = run.steps[-1]
    return finished_sprites(last.x_0, last.given)


def _colours(rgba: np.ndarray) -> str:
    """The colours that sprites have, measured: "2 red, 1 blue"; how many have no one colour is said as well."""
    counted = Counter(colour or "of no one colour" for colour in dominant_colours(rgba))
    return ", ".join(f"{count} {colour}" for colour, count in counted.most_common())


def find_filled(run: "SpriteRun", original: np.ndarray, hole: np.ndarray) -> Found:
    """How far the fillings are from what had been in the hole, and that nothing else has changed."""
    made, was = to_signal(_finished(run)), to_signal(original[None])
    inside, outside = (distance(made[..., where], was[..., where]) for where in (hole, ~hole))
    return len(run.steps) - 1, (
        f"{int(hole.sum())} of {hole.size} pixels were made anew: there the sprites are {inside:.2f} from the original "
        f"on average, all around {outside:.2f} (root mean square, -1 to 1)."
    )


def find_coloured(run: "SpriteRun", original: np.ndarray) -> Found:
    """How well the brightness was kept, and which colours came."""
    from models.diffusion.restoring import MEASUREMENTS

    made = _finished(run)
    grey = MEASUREMENTS["grey"].of
    kept = distance(grey(to_signal(made)), grey(to_signal(original[None])))
    return len(run.steps) - 1, (
        f"Brightness and outline of the sprites are the given ones to within {kept:.3f} (root mean square, -1 to 1). "
        f"Colours, measured: {_colours(made)}; the original: {_colours(original[None])}."
    )


def find_enlarged(run: "SpriteRun", original: np.ndarray) -> Found:
    """How well the averages were kept, and how far the sprites are from the original, beside plain enlarging."""
    from models.diffusion.restoring import MEASUREMENTS

    small, true = MEASUREMENTS["small"].of, to_signal(original[None])
    made = to_signal(_finished(run))
    kept = distance(small(made), small(true))
    smooth = enlarged_smoothly(small(true)[0])
    apart = [distance(one, true[0]) for one in made]
    return len(run.steps) - 1, (
        f"Averaged over 2 x 2 pixels the sprites are the given one to within {kept:.3f}; from the original, which was "
        f"hidden, they are {min(apart):.2f} to {max(apart):.2f}, plain enlarging (bicubic) is "
        f"{distance(smooth, true[0]):.2f} (root mean square, -1 to 1)."
    )


def enlarged_smoothly(small: np.ndarray) -> np.ndarray:
    """`[4, size, size]` in -1..1 at twice the size, by bicubic interpolation, without any network."""
    side = 2 * small.shape[-1]
    channels = [Image.fromarray(channel.astype(np.float32)) for channel in small]
    return np.stack([np.asarray(one.resize((side, side), Image.Resampling.BICUBIC)) for one in channels]).clip(-1, 1)


def find_said(run: "SpriteRun", original: np.ndarray) -> Found:
    """Which colours came of the words, and how far the sprites went from the picture."""
    made = _finished(run)
    gone = distance(to_signal(made), to_signal(original[None]))
    return len(run.steps) - 1, (
        f"Told “{run.plan.prompt}”: {_colours(made)}, measured; the original: {_colours(original[None])}. "
        f"{len(run.steps)} of {run.plan.steps} steps were run; the sprites went {gone:.2f} from the picture on average."
    )
