"""Several files as an input, handed over as paths: the model layer alone judges what is in them."""

import functools
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles
from gradio.utils import is_in_or_equal

from demos.inputs.keeping import say_how_long
from models.errors import InputError


class UploadedFiles(gr.File):
    """A file input whose files lie in Gradio's upload cache, unopened."""

    def __init__(self, value: Any = None, **options: Any) -> None:
        super().__init__(value, **options)
        if options.get("visible", True) and options.get("render", True):
            say_how_long()

    def preprocess(self, payload: ListFiles | FileData | None) -> list[str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Paths of the uploaded files; none is an empty list."""
        if payload is None:
            return []
        files = payload.root if isinstance(payload, ListFiles) else [payload]
        if not all(file.path and is_in_or_equal(file.path, self.GRADIO_CACHE) for file in files):
            raise InputError("Send the pictures as uploaded files.")
        return [file.path for file in files]

    def get_block_name(self) -> str:
        """The browser draws it as Gradio's own file input."""
        return "file"


functools.update_wrapper(UploadedFiles.__init__, gr.File.__init__)  # Gradio sends to the page what the signature names
