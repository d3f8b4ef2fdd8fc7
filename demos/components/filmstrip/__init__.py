"""The reverse process as a film: x_t, predicted noise and predicted x_0 of every step; play, step, go back, jump."""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder


def filmstrip(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component; None, or `{"run": id, "count", "total", "steps": [draw_step(...), ...]}`.

    `draw_step` is that of `demos.figures.diffusion`; `run` tells a new film from a longer one.
    """
    return from_folder(Path(__file__).parent, value, **options)
