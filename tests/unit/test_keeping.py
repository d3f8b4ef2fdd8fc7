"""Beside everything that takes a visitor's pictures stands how long they are kept."""

import re

import gradio as gr
import pytest

from demos.door.sweep import KEPT_MINUTES
from demos.inputs.keeping import UPLOADED
from demos.page import create_app
from demos.ui import View, files
from demos.wire import ARRAYS_MAX_AGE_SECONDS
from models import store

KEEPING = 'class="gb-keeping"'
TAKES_PICTURES = re.compile(r'accept(="|: ")(image|video)/|/webcam\.js"')
MOUNTED = re.compile(r'mount\("(\w+)"')


@pytest.fixture(scope="module")
def app():
    return create_app()


def takes_pictures(block):
    if isinstance(block, View):
        name = MOUNTED.search(block.js_on_load or "")[1]
        return bool(TAKES_PICTURES.search(files()[f"components/{name}.js"].decode()))
    if not isinstance(block, gr.Image | gr.File | gr.Video | gr.Audio | gr.UploadButton | gr.ImageEditor | gr.Gallery):
        return isinstance(block, gr.MultimodalTextbox | gr.Chatbot)
    return block.interactive is not False


def is_shown(block):
    while block is not None:
        if not block.visible and not isinstance(block, gr.Column):  # columns are what pages open for their visitors
            return False
        block = block.parent
    return True


def test_each_has_the_sentence_right_after_it(app):
    fields = [block for block in app.blocks.values() if takes_pictures(block) and is_shown(block)]
    assert {type(field).__name__ for field in fields} >= {"UploadedImage", "UploadedFiles", "View"}
    without = []
    for field in fields:
        around = field.parent.children
        after = around[around.index(field) + 1 :][:1]
        if getattr(field, "props", {}).get("keeping") == UPLOADED:  # it says so where it is opened
            continue
        if not (after and isinstance(after[0], gr.HTML) and KEEPING in str(after[0].value)):
            without.append((type(field).__name__, field.elem_id))
    assert without == []


def test_what_is_kept_of_pictures_goes_as_soon_as_the_sentence_says(app):
    ages = {one.title: one._max_age for one in store.STORES}
    assert ages["arrays for the browser"] == ARRAYS_MAX_AGE_SECONDS
    for title in ("arrays for the browser", "attention of pictures", "damage curves", "traced detections"):
        assert ages[title] <= 60 * KEPT_MINUTES, title
    for title in ("sprite runs", "trained sprite networks", "tasks done"):
        assert ages.get(title, 0) <= 60 * KEPT_MINUTES, title
