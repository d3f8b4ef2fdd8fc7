"""A diffusion run as an animation, and all its steps on one sheet: x_t above the x_0 that it predicts."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from demos.take.shown import Shown
from demos.views.diffusion import FilmView
from demos.wire import bytes_behind

SIDE = 96
"""A picture is enlarged to at least so many pixels."""
MAX_WIDTH = 1600
STEP_MILLISECONDS, LAST_MILLISECONDS = 120, 1500
MARGIN, LINE = 8, 16
PAPER, INK = (255, 255, 255), (51, 65, 85)


def is_film(shown: Shown) -> bool:
    """Whether a view is a run with at least one step."""
    return shown.view is FilmView and bool(shown.value["steps"])


def gif_of(shown: Shown) -> bytes:
    """An animated GIF, one frame a step, which stays on the last one for a while.

    Raises `InputError` where its pictures are no longer kept.
    """
    first, *rest = map(_frame, shown.value["steps"])
    times = [STEP_MILLISECONDS] * len(rest) + [LAST_MILLISECONDS]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=times, loop=0)
    return buffer.getvalue()


def sheet_of(shown: Shown) -> bytes:
    """A PNG with every step under its time t, row after row. Raises `InputError` as above."""
    frames = [_labelled(step) for step in shown.value["steps"]]
    width, height = frames[0].size
    across = max(1, min(len(frames), (MAX_WIDTH - MARGIN) // (width + MARGIN)))
    down = -(-len(frames) // across)
    sheet = Image.new("RGB", (MARGIN + across * (width + MARGIN), MARGIN + down * (height + MARGIN)), PAPER)
    for number, frame in enumerate(frames):
        row, column = divmod(number, across)
        sheet.paste(frame, (MARGIN + column * (width + MARGIN), MARGIN + row * (height + MARGIN)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _frame(step: dict[str, Any]) -> Image.Image:
    """x_t above x_0 of one step, each picture enlarged to whole pixels."""
    times = max(1, SIDE // step["size"])
    rows = [_on_paper(step[name]) for name in ("x_t", "x_0")]
    return Image.fromarray(np.concatenate(rows)).resize(
        (rows[0].shape[1] * times, 2 * rows[0].shape[0] * times), Image.Resampling.NEAREST
    )


def _labelled(step: dict[str, Any]) -> Image.Image:
    frame = _frame(step)
    tile = Image.new("RGB", (frame.width, frame.height + LINE), PAPER)
    ImageDraw.Draw(tile).text((0, 0), f"t = {step['t']:.4g}", INK, ImageFont.load_default(12))
    tile.paste(frame, (0, LINE))
    return tile


def _on_paper(address: str) -> np.ndarray:
    picture = Image.open(io.BytesIO(bytes_behind(address))).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", picture.size, (*PAPER, 255)), picture).convert("RGB"))
