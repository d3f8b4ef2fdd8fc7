"""A picture input whose bytes nobody opens before `models.images` has judged them."""

import functools
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from gradio.utils import is_in_or_equal

from demos.inputs.keeping import say_how_long
from models.errors import InputError


class UploadedImage(gr.Image):
    """A picture input that hands over the file's path unopened: `models.images` alone judges untrusted bytes.

    Its webcam takes what the camera sees: Gradio would mirror the photo itself, not only the view of it.
    """

    def __init__(self, value: Any = None, **options: Any) -> None:
        super().__init__(value, webcam_options=gr.WebcamOptions(mirror=False), **options)
        if options.get("visible", True) and options.get("render", True):
            say_how_long()

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
