"""The reverse process as a film: x_t, predicted noise and predicted x_0 of every step; play, step, jump, fork, save.

Value: None, or a whole film, or a fork of the film that is shown:

    {"run": key, "count", "total", "steps": [draw_step(...), ...]}
    {"forkOf": key, "run": key, "from": place, "changed": words, "count", "total", "steps": [...]}

`draw_step` is that of `demos.views.diffusion`. A fork keeps the film before it on the browser's side: only its own
steps travel. While a film grows, `"first": n` says that its first n steps have been sent before and are left out.
Events: `fork` (run, place): go on differently from a step; `pixel` (run, place, sprite, row, column);
`step` (run, place): another step is shown.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demos.components import from_folder

EMPTY = "Choose a class and press Generate: every step appears here as it is computed."


def filmstrip(
    value: dict[str, Any] | None = None, *, forkable: bool = False, empty: str = EMPTY, **options: Any
) -> gr.HTML:
    """The component. `forkable` shows the button for forks, `empty` what is said before there is a film."""
    return from_folder(Path(__file__).parent, value, forkable=forkable, empty=empty, **options)
