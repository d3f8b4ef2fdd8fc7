"""What can be held up to the camera, as pictures: drawn hands that sign 0 to 9, and drawn cards."""

from functools import partial

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from models import weights

MEDIA = weights.EMBEDDED.parent / "media"
SHEETS = ("signs", "cards")
A_DAY = "public, max-age=86400"


def _send(name: str, _request: Request) -> FileResponse:
    return FileResponse(MEDIA / f"{name}.png", headers={"cache-control": A_DAY})


ROUTES = tuple(Route(f"/detection/{name}.png", partial(_send, name)) for name in SHEETS)
"""The two pictures: fixed names, so that no address leads to another file."""
