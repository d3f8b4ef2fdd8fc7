"""Glassbox: watch deep-learning models think. `python app.py` starts it."""

import argparse
import gc
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from demos.door.front import Front
from demos.door.stubs import skip_stubs
from demos.door.sweep import private_folder
from models import hub, weights

if TYPE_CHECKING:
    from demos.door.shell import Shell


def create_app() -> "Shell":
    """The whole page, without a server."""
    skip_stubs()
    from demos.page import create_app

    return create_app()


def main() -> None:
    """Read the command line (or the environment variables of the same names) and serve until stopped."""
    gc.disable()  # a start makes little garbage and would look for it often; `serve` enables it again
    arguments = _read_arguments()
    os.environ["GLASSBOX_MODELS"] = arguments.models
    if arguments.local_models:
        weights.add_local(arguments.local_models)
    if arguments.models == "hub":
        hub.start_better()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("glassbox.jobs").setLevel(logging.INFO)
    if arguments.engine:
        _compute_elsewhere(arguments.engine, arguments.local_models)
    front = Front(arguments.host, arguments.port)
    front.open()
    folder = private_folder(Path(os.environ.get("GRADIO_TEMP_DIR", tempfile.gettempdir())))
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # before Gradio is imported, which remembers it

    skip_stubs()
    from demos.door.launch import serve
    from demos.page import all_demos

    own = [route for demo in all_demos() for route in demo.routes]
    serve(front, create_app(), own, share=arguments.share, root_path=arguments.root_path)


def _compute_elsewhere(named: str, local_models: Path | None) -> None:
    from models import compute
    from models.serving.cluster import engine_for

    if local_models:
        os.environ["GLASSBOX_LOCAL_MODELS"] = str(local_models.resolve())  # for replicas on this machine
    try:
        compute.choose(engine_for(named))
    except ValueError as error:
        raise SystemExit(str(error)) from None


def _read_arguments() -> argparse.Namespace:
    environment = os.environ
    parser = argparse.ArgumentParser(description=__doc__)
    host = environment.get("GLASSBOX_HOST", environment.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    parser.add_argument("--host", default=host, help="address to listen on [GLASSBOX_HOST] (%(default)s)")
    port = int(environment.get("GLASSBOX_PORT", environment.get("GRADIO_SERVER_PORT", "7860")))
    parser.add_argument("--port", type=int, default=port, help="port [GLASSBOX_PORT] (%(default)s)")
    root = environment.get("GLASSBOX_ROOT_PATH", environment.get("GRADIO_ROOT_PATH", ""))
    parser.add_argument("--root-path", default=root, help="path before every address [GLASSBOX_ROOT_PATH]")
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
    parser.add_argument(
        "--engine",
        default=environment.get("GLASSBOX_ENGINE", ""),
        metavar="ray[:HOST:PORT]",
        help="compute on Ray Serve, started here or on that cluster (requirements-scale.txt) [GLASSBOX_ENGINE]",
    )
    share = environment.get("GLASSBOX_SHARE") == "1"
    parser.add_argument("--share", action="store_true", default=share, help="public link [GLASSBOX_SHARE=1]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
