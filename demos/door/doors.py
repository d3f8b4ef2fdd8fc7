"""Which addresses exist, who may write to them, and in which media type. Whatever is not in the table is closed.

Gradio has more: a relay for web addresses, ffmpeg for screen recordings, states written to disk, a dashboard, streams
of its development mode. None of it is used here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from demos.door.answers import NOT_HERE, Refused

API = "/gradio_api"


class Kind(Enum):
    """What a door leads to."""

    PAGE = "the same answer for everybody"
    SMALL = "a short answer"
    STREAM = "events, as long as the client listens"
    FILE = "a file of the page or of a visitor"
    JSON = "an event or a call, in JSON"
    UPLOAD = "files, as a form"
    OWN = "a route of the app"


@dataclass(frozen=True)
class Door:
    """One address: its pattern (of the whole path) and what it leads to."""

    pattern: re.Pattern[str]
    kind: Kind


def _door(kind: Kind, *patterns: str) -> list[Door]:
    return [Door(re.compile(pattern), kind) for pattern in patterns]


READ = (
    _door(Kind.PAGE, r"/", r"/config/?", rf"{API}/info/?", rf"{API}/openapi\.json", rf"(?:{API})?/theme\.css")
    + _door(Kind.PAGE, r"/manifest\.json", r"/favicon\.ico", r"/robots\.txt", r"/pwa_icon(?:/[0-9]+)?")
    + _door(Kind.PAGE, r"/(?:assets|static)/[A-Za-z0-9_./ -]+")
    + _door(Kind.SMALL, rf"{API}/(?:user|login_check|token|app_id)/?", rf"{API}/queue/status", rf"{API}/startup-events")
    + _door(Kind.STREAM, rf"{API}/queue/data", rf"{API}/call/(?:v2/)?[^/]+/(?P<event>[^/]+)")
    + _door(Kind.STREAM, rf"{API}/heartbeat/[^/]+", rf"{API}/upload_progress")
    + _door(Kind.FILE, rf"{API}/file=(?P<path>.*)")
)
WRITE = (
    _door(Kind.JSON, rf"{API}/(?:call|call/v2|run|api)/(?P<name>[^/]+)/?", rf"{API}/queue/join")
    + _door(Kind.JSON, rf"{API}/(?:cancel|reset|component_server)/?")
    + _door(Kind.UPLOAD, rf"{API}/upload")
)
HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
MEDIA = {Kind.JSON: "application/json", Kind.UPLOAD: "multipart/form-data"}


def find_door(scope: Scope, path: str, own: Sequence[BaseRoute]) -> tuple[Kind, dict[str, str]]:
    """What the address leads to, and the named parts of it. Raises `Refused` (404, 405)."""
    method = scope["method"]
    if any(route.matches(scope)[0] is Match.FULL for route in own):
        return (Kind.JSON if method == "POST" else Kind.OWN), {}
    reading = method in ("GET", "HEAD")
    for doors, fits in ((READ, reading), (WRITE, method == "POST")):
        for door in doors:
            if match := door.pattern.fullmatch(path):
                if not fits:
                    raise Refused(405, "This address takes no such request.")
                return door.kind, match.groupdict()
    raise Refused(404, NOT_HERE)


def check_media_type(kind: Kind, types: Sequence[str]) -> None:
    """Refuse (415) any spelling of a media type but the one that is read at that door."""
    wanted = MEDIA[kind]
    if len(types) != 1 or types[0].partition(";")[0].strip(" \t").lower() != wanted:
        raise Refused(415, f"This address takes {wanted} only.")
    charsets = re.findall(r"charset\s*=\s*\"?([^\s;\"]*)", types[0], re.IGNORECASE)
    if any(charset.lower() not in ("utf-8", "utf8") for charset in charsets):
        raise Refused(415, "Requests must be written in UTF-8.")


def check_host(headers: Headers) -> None:
    """Refuse (400) a request to a host of no such name: what is kept is kept by the host's name."""
    for name in ("host", "x-forwarded-host"):
        if any(not HOST.fullmatch(value) for value in headers.getlist(name)):
            raise Refused(400, "The request names a host that cannot be one.")


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse (403) what a page of another host sends; programs send no `Origin`."""
    if not is_same_host(headers) or headers.get("sec-fetch-site") == "cross-site":
        raise Refused(403, "Only pages of this host may send this.")


def is_same_host(headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of this host, or from no page at all (programs send no `Origin`)."""
    origin = headers.get("origin")
    hosts = {headers.get("host"), headers.get("x-forwarded-host")} - {None, ""}
    return origin is None or origin.partition("://")[2] in hosts
