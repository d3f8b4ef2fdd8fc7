"""What the pages of the ViT tab share: example pictures, the embedded model, options of their events."""

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from demos.base import EXAMPLES
from demos.inputs.uploaded_image import UploadedImage
from models import runtime

EMBEDDED = "vit-s14-caltech101"
LATEX = [{"left": "$$", "right": "$$", "display": True}, {"left": "$", "right": "$", "display": False}]
NETWORK = {"concurrency_id": "vit", "concurrency_limit": 2}

private = partial(dict, api_visibility="private", show_progress="hidden")


def example_pictures() -> dict[str, Path]:
    """Photos that come with the installed Gradio package."""
    files = {"A cheetah": "cheetah1.jpg", "A lion": "lion.jpg", "A tower": "tower.jpg", "A bus": "bus.png"}
    return {name: EXAMPLES / file for name, file in files.items() if (EXAMPLES / file).exists()}


def load_vit(name: str) -> runtime.Loaded:
    """The Vision Transformer of that name, loaded once."""
    from models.vision import library

    return runtime.load(name, library.load)


def picture_input(prefix: str, label: str = "Your picture") -> UploadedImage:
    """The visitor's picture by upload, webcam, clipboard or one of the examples. Its id is `<prefix>-image`."""
    image = UploadedImage(label=label, sources=["upload", "webcam", "clipboard"], height=240, elem_id=f"{prefix}-image")
    with gr.Row():
        for name, path in example_pictures().items():
            gr.Button(name, size="sm", min_width=90).click(partial(str, path), None, image, **private())
    return image


def sent(event: gr.EventData, name: str) -> Any:
    """What a component sent along with an event under that name, unchecked; None if nothing."""
    data = event._data
    return data.get(name) if isinstance(data, dict) else None
