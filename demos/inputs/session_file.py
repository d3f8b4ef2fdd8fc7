"""What a visitor has trained, kept as a file and given back: the same two controls on every page that trains."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from demos.inputs.uploaded_files import UploadedFiles
from models.errors import InputError

ABOUT = """One safetensors file, with what it is in its metadata; {more}. Given back here, on any day, it is checked
strictly: only what this page saves is read."""


@dataclass(frozen=True)
class SessionFile:
    """keep: makes the file. file: where it is fetched. given: where it is given back."""

    keep: gr.Button
    file: gr.File
    given: UploadedFiles


def session_file(elem_id: str, more: str) -> SessionFile:
    """The controls. `more`: what else of the visitor's is in the file, in a few words."""
    with gr.Accordion("Keep it, or load one that you kept", open=False, elem_id=elem_id):
        gr.Markdown(ABOUT.format(more=more))
        keep = gr.Button("Keep it as a file", size="sm", elem_id=f"{elem_id}-keep")
        file = gr.File(label="safetensors", visible=False, interactive=False, height=80, elem_id=f"{elem_id}-file")
        given = UploadedFiles(
            label="Load one that you kept",
            file_types=[".safetensors"],
            height=120,
            elem_id=f"{elem_id}-load",
        )
    return SessionFile(keep, file, given)


def fresh_folder() -> Path:
    """A new folder in Gradio's cache, from where visitors may fetch files."""
    cache = Path(get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=cache))


def the_file(paths: list[str]) -> str:
    """The only file that was given. Raises `InputError` for several."""
    if len(paths) != 1:
        raise InputError("Give one file that was kept here.")
    return paths[0]
