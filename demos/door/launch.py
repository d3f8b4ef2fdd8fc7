"""The door as settings of `Blocks.launch`, and the few places of Gradio that have no setting."""

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from fastapi.exceptions import RequestValidationError
from gradio import http_server, processing_utils, route_utils, routes
from gradio.utils import get_upload_folder
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from demos.base import EXAMPLES
from demos.door import operations
from demos.door.connections import trusted_proxies
from demos.door.content import paths_in
from demos.door.front import Front
from demos.door.gate import Gate
from demos.door.sessions import CAPACITY, FairSessions, Iterators, bytes_of_sessions
from demos.door.shell import Shell
from demos.door.sweep import KeptFiles
from demos.opening import open_early
from demos.take.files import take_routes
from demos.theme import CSS, THEME
from demos.ui import head, ui_route
from demos.wire import array_route
from demos.words import translations
from models import runtime
from models.compute import COMPUTING
from models.errors import InputError
from models.store import STORES, sweep_all

MAX_UPLOAD = "20mb"
EARLY_SECONDS = 1.0
"""After the app is there: its first page is given out before models are loaded ahead."""


def launch_settings(*, share: bool = False, root_path: str = "", routes: Sequence[BaseRoute] = ()) -> dict[str, Any]:
    """Everything `Blocks.launch` needs: the look, the limits, the tabs' own routes."""
    return {
        "share": share,
        "root_path": root_path,
        "theme": THEME,
        "css": CSS,
        "head": head(),
        "i18n": translations(),
        "ssr_mode": False,
        "show_error": False,
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "max_file_size": MAX_UPLOAD,
        "allowed_paths": [str(EXAMPLES)],
        "state_session_capacity": CAPACITY,
        "footer_links": ["api"],
        "app_kwargs": {"routes": list(routes), "exception_handlers": {RequestValidationError: _say_misfit}},
    }


async def _say_misfit(_: Request, error: RequestValidationError) -> JSONResponse:
    """What does not fit, without what was sent: that may be long, or a number that JSON does not have."""
    return JSONResponse({"detail": [{"loc": one["loc"], "msg": one["msg"]} for one in error.errors()]}, 422)


def serve(front: Front, blocks: Shell, own: Sequence[BaseRoute], *, share: bool = False, root_path: str = "") -> None:
    """Launch `blocks` behind the door, on a socket that is open already; returns when the app is stopped."""
    refuse_fetching()
    own = [
        Route("/healthz", operations.healthz),
        Route("/readyz", operations.readyz),
        Route("/metrics", operations.metrics),
        ui_route(),
        array_route(),
        *take_routes(),
        *own,
    ]

    def start_server(app: routes.App, **_: Any) -> tuple[str, int, str, Front]:
        kept = KeptFiles(Path(get_upload_folder()).resolve(), lambda: _paths_of_events(blocks))
        gate = Gate(app, blocks, own, root_path=root_path, proxies=trusted_proxies(), kept=kept)
        REGISTRY.register(_figures(blocks, gate, kept))
        front.hand_over(gate, lambda served: _living(served, blocks, gate, kept), app)
        return front.host, front.port, front.address, front

    http_server.start_server = start_server  # type: ignore[assignment]  # one socket, opened before Gradio was there
    blocks.launch(**launch_settings(share=share, root_path=root_path, routes=own))


@contextlib.asynccontextmanager
async def _living(app: routes.App, blocks: Shell, gate: Gate, kept: KeptFiles) -> AsyncIterator[None]:
    """What goes on beside the answers, as long as the app is served."""
    app.iterators = Iterators()
    app.state_holder = FairSessions()
    app.state_holder.set_blocks(blocks)
    async with app.router.lifespan_context(app):
        early = threading.Timer(EARLY_SECONDS, _settle, [blocks])
        early.daemon = True
        early.start()
        tasks = [asyncio.create_task(one) for one in (blocks._queue.keep_in_order(), kept.keep_swept(), _forget(gate))]
        try:
            yield
        finally:
            early.cancel()
            for task in tasks:
                task.cancel()


def _settle(blocks: Shell) -> None:
    """What can wait until the first page is out: garbage, then what the tabs open with.

    What the start has made stays, so that later searches for garbage need not look at it again.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    open_early(blocks.first_openings)


async def _forget(gate: Gate) -> None:
    while True:
        await asyncio.sleep(60)
        gate.ledger.forget()
        await asyncio.to_thread(sweep_all)
        await asyncio.to_thread(runtime.keep_within_budget)


def _paths_of_events(blocks: Shell) -> Iterator[str]:
    """Files that waiting and running events were given."""
    for event in list(blocks._queue.event_ids_to_events.values()):
        if event.data is not None:
            yield from paths_in({"data": event.data.data})


def _figures(blocks: Shell, gate: Gate, kept: KeptFiles) -> operations.Figures:
    queue = blocks._queue

    def lanes(state: str) -> dict[str, float]:
        return {
            name: float(len(lane.queue) if state == "waiting" else lane.current_concurrency)
            for name, lane in list(queue.event_queue_per_concurrency_id.items())
        }

    return operations.Figures(
        ("waiting", "Events waiting, by lane.", "lane", lambda: lanes("waiting")),
        ("running", "Events running, by lane.", "lane", lambda: lanes("running")),
        ("computing", "Computed functions at work, by name.", "function", lambda: dict(COMPUTING)),
        ("open", "Things open at this moment.", "kind", gate.ledger.held),
        ("kept_bytes", "Files of visitors on disk.", "folder", lambda: {"uploads and results": kept.bytes}),
        (
            "store_bytes",
            "Memory of what visitors may come back to.",
            "store",
            lambda: {s.title: s.bytes for s in STORES},
        ),
        ("sessions", "Sessions kept.", "kind", lambda: {"all": len(blocks.state_holder.session_data)}),
        ("session_bytes", "Memory of session values.", "kind", lambda: bytes_of_sessions(blocks.state_holder)),
        ("model_bytes", "Memory of loaded models.", "model", runtime.bytes_in_memory),
    )


def refuse_fetching() -> None:
    """Replace every function with which Gradio would fetch an address that a visitor gives it."""

    async def refuse_later(*_: Any, **__: Any) -> Any:
        raise InputError("Files cannot be given as web addresses: upload them.")

    def refuse(*_: Any, **__: Any) -> Any:
        raise InputError("Files cannot be given as web addresses: upload them.")

    for name in ("async_ssrf_protected_get", "async_ssrf_protected_download"):
        setattr(processing_utils, name, refuse_later)
    for name in ("ssrf_protected_download", "unsafe_download", "save_url_to_cache"):
        setattr(processing_utils, name, refuse)
    for module in (route_utils, routes):
        vars(module)["secure_url_stream_response"] = refuse_later
