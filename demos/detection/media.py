"""What can be held up to the camera, as pictures, and the example clip, for who has no camera."""

from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from models import weights

MEDIA = weights.EMBEDDED.parent / "media"
SHEETS = ("signs", "cards")
CLIP = MEDIA / "detection-video.mp4"
CLIP_ADDRESS = "detection/clip.mp4"
A_DAY = "public, max-age=86400"


def _send(path: Path, _request: Request) -> FileResponse:
    return FileResponse(path, headers={"cache-control": A_DAY})


_FILES = {f"/detection/{name}.png": MEDIA / f"{name}.png" for name in SHEETS} | {f"/{CLIP_ADDRESS}": CLIP}
ROUTES = tuple(Route(address, partial(_send, path)) for address, path in _FILES.items())
"""Fixed names, so that no address leads to another file."""
