"""Where the browser fetches files of a view: `take/NAME` lists them, `take/NAME/ENDING` is one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demos.take.film import gif_of, is_film, sheet_of
from demos.take.numbers import npz_of
from demos.take.shown import SHOWN, Shown
from demos.take.source import program_of
from models.errors import InputError

PLACES = 2
WAIT_SECONDS = 20
BUSY = "Many files are being made at this moment: try again in a few seconds."
NOT_HERE = "This view has no such file."
_places = anyio.CapacityLimiter(PLACES)


@dataclass(frozen=True)
class File:
    """A file of a view: what it is called to visitors, its ending, how it is made."""

    label: str
    ending: str
    media_type: str
    make: Callable[[Shown], bytes]


def _program(shown: Shown) -> bytes:
    program = program_of(shown)
    if program is None:
        raise InputError(NOT_HERE)
    return program.text.encode()


NPZ = File("Arrays (.npz)", "npz", "application/zip", npz_of)
PYTHON = File("Python", "py", "text/x-python", _program)
GIF = File("Animation (.gif)", "gif", "image/gif", gif_of)
SHEET = File("Contact sheet", "sheet.png", "image/png", sheet_of)


def files_of(shown: Shown) -> Iterator[File]:
    """The files that a view has."""
    yield NPZ
    if program_of(shown):
        yield PYTHON
    if is_film(shown):
        yield from (GIF, SHEET)


def take_routes() -> list[Route]:
    """The list and the files. An unknown name, or one no longer kept, is answered 404 with a sentence."""
    return [Route("/take/{name}", _list), Route("/take/{name}/{ending}", _send)]


def _list(request: Request) -> Response:
    try:
        shown = SHOWN.find(request.path_params["name"])
    except InputError as error:
        return _refused(404, str(error))
    return JSONResponse(
        {"stem": shown.stem, "files": [{"label": file.label, "ending": file.ending} for file in files_of(shown)]},
        headers={"cache-control": "no-store"},
    )


async def _send(request: Request) -> Response:
    with anyio.move_on_after(WAIT_SECONDS) as waiting:
        await _places.acquire()
    if waiting.cancelled_caught:
        return _refused(503, BUSY)
    try:
        return await anyio.to_thread.run_sync(_made, request.path_params["name"], request.path_params["ending"])
    except InputError as error:
        return _refused(404, str(error))
    finally:
        _places.release()


def _made(name: str, ending: str) -> Response:
    shown = SHOWN.find(name)
    file = next((one for one in files_of(shown) if one.ending == ending), None)
    if file is None:
        raise InputError(NOT_HERE)
    headers = {
        "content-disposition": f'attachment; filename="{shown.stem}.{file.ending}"',
        "cache-control": "no-store",
    }
    return Response(file.make(shown), media_type=file.media_type, headers=headers)


def _refused(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence, "detail": sentence}, status)
