"""Glassbox: watch deep-learning models think. `python app.py` starts it."""

import argparse
import importlib
import os
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr

from demos import DEMOS
from demos.base import Demo
from demos.server import Shell, bound_messages, launch_settings
from models import weights

HEADING = """# Glassbox
Watch five kinds of deep-learning model think: every number on these pages is computed by the model that runs, now."""


def all_demos() -> list[Demo]:
    """The tabs, in the order of `DEMOS`."""
    return [importlib.import_module(f"demos.{name}").DEMO for name in DEMOS]


def create_app() -> gr.Blocks:
    """The whole page: one tab for every demo, each built when the app starts and filled when it is first opened."""
    demos = all_demos()
    with Shell(title="Glassbox", fill_width=True) as app:
        gr.Markdown(HEADING, elem_classes="gb-head")
        with gr.Tabs(selected=demos[0].slug) as tabs:
            for demo in demos:
                with gr.Tab(demo.title, id=demo.slug, elem_id=f"tab-{demo.slug}"):
                    demo.build()
        app.load(_tab_of_address, None, tabs, api_visibility="private", queue=False)
    return app.queue(max_size=20, api_open=False)


def _tab_of_address(request: gr.Request) -> gr.Tabs:
    """Open the tab named by `?tab=`; anything else leaves the first one."""
    slug = request.query_params.get("tab")
    return gr.Tabs(selected=slug if slug in DEMOS else DEMOS[0])


def main() -> None:
    """Read the command line (or the environment variables of the same names) and serve until stopped."""
    environment = os.environ
    parser = argparse.ArgumentParser(description=__doc__)
    host = environment.get("GLASSBOX_HOST", environment.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    parser.add_argument("--host", default=host, help="address to listen on [GLASSBOX_HOST] (%(default)s)")
    port = int(environment.get("GLASSBOX_PORT", environment.get("GRADIO_SERVER_PORT", "7860")))
    parser.add_argument("--port", type=int, default=port, help="port [GLASSBOX_PORT] (%(default)s)")
    models = environment.get("GLASSBOX_MODELS", "auto")
    choices = ("embedded", "hub", "auto")
    parser.add_argument("--models", choices=choices, default=models, help="[GLASSBOX_MODELS] (%(default)s)")
    local = environment.get("GLASSBOX_LOCAL_MODELS")
    parser.add_argument(
        "--local-models",
        type=Path,
        default=Path(local) if local else None,
        metavar="FOLDER",
        help="also offer the models in transformers' format in folders of this one [GLASSBOX_LOCAL_MODELS]",
    )
    share = environment.get("GLASSBOX_SHARE") == "1"
    parser.add_argument("--share", action="store_true", default=share, help="public link [GLASSBOX_SHARE=1]")
    arguments = parser.parse_args()
    environment["GLASSBOX_MODELS"] = arguments.models
    if arguments.local_models:
        weights.add_local(arguments.local_models)
    routes = [route for demo in all_demos() for route in demo.routes]
    bound_messages()
    create_app().launch(**launch_settings(arguments.host, arguments.port, arguments.share, routes))


if __name__ == "__main__":
    main()
