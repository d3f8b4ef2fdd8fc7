"""What the JSON of a request may hold: one reading, and nothing in it that Gradio would fetch or fail to check."""

import json
import re
from collections.abc import Iterator
from typing import Any

from demos.door.answers import Refused

MAX_JSON_BYTES = 5 * 2**18
MAX_JSON_VALUES = 100_000
MAX_JSON_DEPTH = 50
PICTURES = re.compile(rb'"(?:data:[a-z]+/[a-z0-9.+-]+;base64,)?[A-Za-z0-9+/=_-]{1000,}"')
STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
HALF_CHARACTERS = re.compile(r"[\ud800-\udfff]")
NOT_A_FILE = "A file must be uploaded first and sent as a file object with its mark."


def read_json(body: bytes) -> tuple[dict[str, Any], bytes]:
    """A JSON object and the bytes to pass on: the same, but without half characters.

    At most `MAX_JSON_BYTES` beside pictures in base64, `MAX_JSON_VALUES` values and `MAX_JSON_DEPTH` levels.
    Raises `Refused` (413, 422).
    """
    if len(body) > MAX_JSON_BYTES and len(PICTURES.sub(b"", body)) > MAX_JSON_BYTES:
        raise Refused(413, f"The request has more than {MAX_JSON_BYTES / 2**20} MB of JSON beside its pictures.")
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_JSON_VALUES and _values(body) > MAX_JSON_VALUES:
        raise Refused(413, f"The request has more than {MAX_JSON_VALUES:,} values.")
    try:
        content = json.loads(body.decode("utf-8"))  # text: of bytes, json also reads UTF-16 and UTF-32
    except (ValueError, RecursionError):
        raise Refused(422, "The request is not valid JSON.") from None
    if not isinstance(content, dict):
        raise Refused(422, "The request must be a JSON object.")
    for item in _objects(content):
        _check_file(item)
    if b"\\ud" in body.lower():
        body = HALF_CHARACTERS.sub("", json.dumps(content, ensure_ascii=False)).encode()
        content = json.loads(body)
    return content, body


def _values(body: bytes) -> int:
    """How many values the JSON may have: separators and brackets outside of its strings."""
    bare = STRINGS.sub(b"", body)
    return sum(map(bare.count, (b",", b"[", b"{")))


def _objects(content: Any) -> Iterator[dict[str, Any]]:
    """Every object in `content`, itself included. Raises `Refused` (422) past `MAX_JSON_DEPTH`."""
    level: list[Any] = [content]
    for _ in range(MAX_JSON_DEPTH + 1):
        yield from (item for item in level if isinstance(item, dict))
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise Refused(422, f"The request is nested more than {MAX_JSON_DEPTH} levels deep.")


def _check_file(item: dict[str, Any]) -> None:
    """Refuse a file object that is a web address, or whose path Gradio would not check for want of its mark."""
    if not isinstance(path := item.get("path"), str):
        return
    address = path.strip().lower()
    if "://" in address[:20] or address.startswith(("http:", "https:", "ftp:", "data:", "//", "\\\\")):
        raise Refused(422, "Files cannot be given as web addresses: upload them.")
    if not isinstance(item.get("meta"), dict) or item["meta"].get("_type") != "gradio.FileData":
        raise Refused(422, NOT_A_FILE)


def paths_in(content: Any) -> Iterator[str]:
    """The path of every file object in a request that `read_json` has let pass."""
    return (item["path"] for item in _objects(content) if isinstance(item.get("path"), str))
