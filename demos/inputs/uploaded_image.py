"""A picture input whose bytes nobody opens before `models.images` has judged them."""

import functools
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import ImageData
from gradio.utils import is_in_or_equal
from PIL import Image

from demos.inputs.keeping import say_how_long
from demos.tab import private
from models.errors import InputError
from models.images import few_browsers_show, read_rgba

MAX_SHOWN_SIDE = 2048


def shown_everywhere(path: str | None) -> str | None:
    """A copy as PNG of a picture that few browsers show (HEIC, TIFF); of any other file its own path."""
    if not path or not few_browsers_show(Path(path)):
        return path
    copy = Path(path).with_name("picture.png")
    if not copy.exists():
        try:
            image = Image.fromarray(read_rgba(path))
        except InputError:  # whoever runs a model on it will say so
            return path
        image.thumbnail((MAX_SHOWN_SIDE, MAX_SHOWN_SIDE))
        opaque = np.asarray(image)[..., 3].min() == 255
        (image.convert("RGB") if opaque else image).save(copy)
    return str(copy)


def _view_uploaded(path: str | None) -> Any:
    shown = shown_everywhere(path)
    return gr.skip() if shown == path else shown


class UploadedImage(gr.Image):
    """A picture input that hands over the file's path unopened: `models.images` alone judges untrusted bytes.

    Its webcam takes what the camera sees: Gradio would mirror the photo itself, not only the view of it.
    """

    def __init__(self, value: Any = None, **options: Any) -> None:
        super().__init__(value, webcam_options=gr.WebcamOptions(mirror=False), **options)
        if options.get("visible", True) and options.get("render", True):
            say_how_long()
            self.upload(_view_uploaded, self, self, queue=False, **private())

    def preprocess(self, payload: ImageData | None) -> str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Path of the uploaded file in Gradio's cache, or None."""
        if payload is None:
            return None
        if not payload.path or not is_in_or_equal(payload.path, self.GRADIO_CACHE):
            raise InputError("Send the picture as an uploaded file.")
        return payload.path

    def get_block_name(self) -> str:
        """The browser draws it as Gradio's own image."""
        return "image"


functools.update_wrapper(UploadedImage.__init__, gr.Image.__init__)  # Gradio sends to the page what the signature names
