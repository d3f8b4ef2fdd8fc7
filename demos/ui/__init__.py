"""The browser side: ES modules served as they are, one component a file, and the Gradio component that mounts one.

    core/              what components share: DOM, arrays, canvas, keys, formats, colours, charts
    page/              icon and picture of the page, for browsers and for whoever shows a link to it
    components/NAME.js, .css   one component: `template` and a default function (see `core/mount.js`)

All files are served under one hash of their content, so that browsers keep them for good and relative imports work.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demos.compression import compress, encoding_for
from demos.take.shown import named
from demos.wire import to_wire

HERE = Path(__file__).parent
MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}
FOREVER = "public, max-age=31536000, immutable"

_SCRIPT = """\
const emit = {%(emit)s};
import(new URL("ui/%(hash)s/core/mount.js", document.baseURI).href)
  .then(({ mount }) => mount("%(name)s", { element, props, emit, watch, upload, server }))
  .catch((error) => {
    console.warn(error);
    element.textContent = "The view “%(name)s” could not be loaded. Reload the page to try again; all else works.";
  });
"""


@functools.cache
def files() -> dict[str, bytes]:
    """Every served file by its path below this folder."""
    return {
        path.relative_to(HERE).as_posix(): path.read_bytes()
        for path in sorted(HERE.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }


@functools.cache
def version() -> str:
    """Hash of all files, part of their addresses."""
    digest = hashlib.sha256()
    for name, content in files().items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


class View(gr.HTML):
    """A component whose value is a view dataclass (or plain JSON), drawn by a module of `components/`.

    taken: whether what it shows can be taken along (`demos/take`).
    """

    taken = True

    def postprocess(self, value: Any) -> Any:
        """The view as it travels."""
        if not is_dataclass(value) or isinstance(value, type):
            return value
        return named(type(value), to_wire(value), self._id) if self.taken else to_wire(value)

    def get_block_name(self) -> str:
        """The browser draws it as Gradio's own HTML component."""
        return "html"


def component(
    name: str,
    value: Any = None,
    *,
    events: Sequence[str] = (),
    server_functions: Sequence[Callable[..., Any]] = (),
    taken: bool = True,
    **options: Any,
) -> View:
    """The component drawn by `components/<name>.js`.

    events: names of what it may tell (`view.fork(...)`, and `emit.fork(data)` in the module).
    server_functions: what the module may call as `server.<name>(request)`, past Gradio's events.
    taken: whether what it shows can be taken along; not for what is no figure.
    options: those of `gr.HTML` (elem_id, visible ...); any other is given to the module as `props.<name>`.
    """
    if f"components/{name}.js" not in files():
        raise ValueError(f"there is no component {name}")
    emit = ", ".join(f"{json.dumps(event)}: (data) => trigger({json.dumps(event)}, data)" for event in events)
    script = _SCRIPT % {"emit": emit, "hash": version(), "name": name}
    view = View(
        value,
        html_template='<div class="gb-mount"></div>',
        js_on_load=script,
        apply_default_css=False,
        server_functions=list(server_functions),
        **({"taken": True} if taken else {}),
        **options,
    )
    view.taken = taken
    return view


def sharing(name: str) -> str:
    """What an event's `js` is so that its input becomes a value that views share (`core/shared.js`)."""
    return f"(value) => {{ {module('core/shared.js')}.then(({{ share }}) => share({json.dumps(name)}, value)); }}"


def with_shared(names: Sequence[str | None]) -> str:
    """What an event's `js` is so that inputs are what views share: a name, or None, for each of them.

    So a click is answered for what is on the screen, also where the server has not been told of it yet.
    """
    return (
        f"async (...given) => {{ const {{ shared }} = await {module('core/shared.js')}; "
        f"const names = {json.dumps(names)}; "
        "return given.map((value, place) => (names[place] && shared(names[place])) ?? value); }"
    )


def carrying(page: str | int | None, example: str, first: str = "") -> str:
    """What the `js` of a page's `select` is so that (text of the first page, text here) becomes the text here.

    page: what names it in the browser, its tab's id. example, first: what this page and the first page begin with.
    """
    begins, ends = f"{json.dumps(page)}, {json.dumps(example)}", json.dumps(first)
    return f"async (...texts) => (await {module('core/carried.js')}).carried({begins}, ...texts, {ends})"


def module(path: str) -> str:
    """A script that imports the module of that path, for the `js` of an event: a promise of it."""
    return f'import(new URL("ui/{version()}/{path}", document.baseURI).href)'


def ui_route() -> Route:
    """Where the browser fetches the files. Those of another version are gone: 404 with a sentence."""
    return Route("/ui/{version}/{path:path}", _send_file)


def _send_file(request: Request) -> Response:
    name = request.path_params["path"]
    if request.path_params["version"] != version() or name not in files():
        sentence = "This page is older than the app that serves it: reload it."
        return JSONResponse({"error": sentence, "detail": sentence}, 404)
    encoding = encoding_for(request.headers.get("accept-encoding", ""))
    headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
    if encoding:
        headers["content-encoding"] = encoding
    return Response(_compressed(name, encoding), media_type=MEDIA_TYPES[Path(name).suffix], headers=headers)


@functools.cache
def _compressed(name: str, encoding: str) -> bytes:
    return compress(files()[name], encoding)


def head() -> str:
    """What the page's head names: the style of the primitives, and the modules nearly every component imports."""
    base = f"ui/{version()}"
    modules = [name for name in files() if name.startswith("core/") and name.endswith(".js")]
    links = [f'<link rel="stylesheet" href="{base}/core/{name}.css">' for name in ("primitives", "page")]
    links += [f'<link rel="modulepreload" href="{base}/{name}">' for name in modules]
    return "".join([*links, f'<script type="module" src="{base}/core/page.js"></script>'])
