"""The whole page: one tab for every demo."""

import importlib

import gradio as gr

from demos import DEMOS
from demos.address import wire_address
from demos.base import Demo
from demos.course import page as course
from demos.door.building import inspected_once
from demos.door.shell import Shell
from demos.door.sweep import KEPT_MINUTES
from demos.inputs.keeping import UPLOADED
from demos.opening import Openings, first_openings
from demos.ui import component
from demos.words import in_every_language

HEADING = """# Glassbox
Watch five kinds of deep-learning model think: every number on these pages is computed by the model that runs, now."""

KEEPING = (
    f"Files you upload and files made for you are removed {KEPT_MINUTES} minutes after they were last used. "
    "Frames of the live camera are never stored."
)


def all_demos() -> list[Demo]:
    """The tabs, in the order of `DEMOS`."""
    return [importlib.import_module(f"demos.{name}").DEMO for name in DEMOS]


def create_app() -> Shell:
    """The whole page, each tab built when the app starts and filled when it is first opened."""
    demos = all_demos()
    with inspected_once():
        return _build(demos)


def _build(demos: list[Demo]) -> Shell:
    with Shell(title="Glassbox", fill_width=True) as app:
        component("display", taken=False, elem_classes="gb-display-place")
        gr.Markdown(HEADING, elem_classes="gb-head")
        link = component("page_link", taken=False, events=("go",), keeping=UPLOADED, elem_id="page-link")
        with gr.Tabs(selected=demos[0].slug, overflow_behavior="wrap") as tabs:
            for demo in demos:
                with gr.Tab(demo.title, id=demo.slug, elem_id=f"tab-{demo.slug}"):
                    demo.build()
        gr.Markdown(KEEPING, elem_classes="gb-note")
        course.build()
        first_pages = wire_address(link, tabs, app)
    app.openings = Openings(app)
    app.first_openings = first_openings(app, first_pages)
    in_every_language(app)
    return app.queue(api_open=False)
