"""Several files as an input, handed over as paths: the model layer alone judges what is in them."""

import gradio as gr
from gradio.data_classes import FileData, ListFiles
from gradio.utils import is_in_or_equal

from models.errors import InputError


class UploadedFiles(gr.File):
    """A file input whose files lie in Gradio's upload cache, unopened."""

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
