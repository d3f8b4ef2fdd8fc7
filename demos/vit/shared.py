"""What the pages of the ViT tab share: example pictures, the embedded model, the picture input."""

from functools import partial
from pathlib import Path

import gradio as gr

from demos.base import EXAMPLES
from demos.inputs.uploaded_image import UploadedImage
from demos.tab import private

EMBEDDED = "vit-s14-caltech101"


def example_pictures() -> dict[str, Path]:
    """Photos that come with the installed Gradio package."""
    files = {"A cheetah": "cheetah1.jpg", "A lion": "lion.jpg", "A tower": "tower.jpg", "A bus": "bus.png"}
    return {name: EXAMPLES / file for name, file in files.items() if (EXAMPLES / file).exists()}


def picture_input(prefix: str, label: str = "Your picture") -> UploadedImage:
    """The visitor's picture by upload, webcam, clipboard or one of the examples. Its id is `<prefix>-image`."""
    image = UploadedImage(label=label, sources=["upload", "webcam", "clipboard"], height=240, elem_id=f"{prefix}-image")
    with gr.Row():
        for name, path in example_pictures().items():
            gr.Button(name, size="sm", min_width=90).click(partial(str, path), None, image, **private())
    return image
