"""A small hub on loopback that speaks the protocol of huggingface_hub's client.

Listings, LFS metadata, ranges and commits are as the client expects them.

Faults can be switched on: `hang` (accepts and never answers), `cut` (closes in the middle of a weight file),
`cut once` (the same, for the first request), `flip` (one byte of the weights differs from the announced SHA-256),
`long` and `short` (more or less of the weights than was announced), `whole` (no ranges: always from the beginning),
`gated`, and a number (that status for everything).
`rate` is the line's bytes a second, shared by all; each file is announced as one of Xet's too, though nobody serves Xet
here: whoever asks for it gets nothing. While `gate` is cleared, weights wait: what is seen during a download can be
looked at in peace.
"""

import functools
import hashlib
import json
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

LFS_SUFFIXES = (".safetensors", ".bin")
SLICE = 32_768


class StandInHub(ThreadingHTTPServer):
    """Serves `repositories: {"owner/name": (commit, folder)}`; `requests` and `ranges` list what was asked.

    requests: (method, path) in order; ranges: (file, first byte); tokens: what was shown as such.
    """

    daemon_threads = True

    def __init__(self, repositories):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.fault = None
        self.rate = 0
        self._line, self._free_at = threading.Lock(), 0.0
        self.requests = []
        self.ranges = []
        self.tokens = []
        self.gate = threading.Event()
        self.gate.set()

    def pass_line(self, count):
        """Wait as long as `count` bytes take on the line that all requests share."""
        with self._line:
            self._free_at = max(self._free_at, time.monotonic()) + count / self.rate
            wait = self._free_at - time.monotonic()
        time.sleep(max(0, wait))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, body):
        path = unquote(urlparse(self.path).path)
        self.server.requests.append((self.command, path))
        self.server.tokens.append(self.headers.get("Authorization"))
        if self.server.fault == "hang":
            time.sleep(60)
            return
        if isinstance(self.server.fault, int):
            self._send(self.server.fault, b"{}")
            return
        if self.server.fault == "gated":
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
            return
        if listing := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
            self._listing(*listing.groups())
        elif file := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(*file.groups(), body)
        else:
            self._send(404, b'{"error": "Not Found"}')

    def _repository(self, name, revision):
        commit, folder = self.server.repositories.get(name, (None, None))
        if commit is None:
            self._send(401, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif revision not in (commit, "main", "refs/pr/4"):
            self._send(404, b'{"error": "Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
            return None, None
        return commit, folder

    def _listing(self, name, revision):
        commit, folder = self._repository(name, revision)
        if not commit:
            return
        siblings = [_sibling(folder, path) for path in sorted(folder.rglob("*")) if path.is_file()]
        content = {"_id": "0" * 24, "id": name, "modelId": name, "sha": commit, "private": False, "siblings": siblings}
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _file(self, name, revision, file, body):
        commit, folder = self._repository(name, revision)
        if not commit:
            return
        path = folder / file
        if not path.is_file():
            self._send(404, b"Entry not found", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        if body and path.suffix in LFS_SUFFIXES:
            self.server.gate.wait(120)
        data, weights = path.read_bytes(), path.suffix in LFS_SUFFIXES
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_etag(path)}"', "Accept-Ranges": "bytes"}
        if weights:
            headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(data))}
            headers |= {"X-Xet-Hash": _etag(path), "X-Xet-Refresh-Route": f"{self.server.url}/no-xet-here"}
            data = self._faulty(data)
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-")).group(1))
        if body:
            self.server.ranges.append((path.name, start))
        if self.server.fault == "whole":
            start = 0
        if body and weights and self.server.fault in ("cut", "cut once"):
            self._send(
                206 if start else 200, data[start : len(data) // 2], headers | {"Content-Length": str(len(data))}
            )
            self.close_connection = True
            self.server.fault = None if self.server.fault == "cut once" else "cut"
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206 if start else 200, data[start:], headers, body=body)

    def _faulty(self, data):
        match self.server.fault:
            case "flip":
                return data[:-1] + bytes([data[-1] ^ 1])
            case "long":
                return data + b"more"
            case "short":
                return data[: len(data) // 2]
        return data

    def _send(self, status, data, headers=None, body=True):
        self.send_response(status)
        headers = {"Content-Length": str(len(data)), "X-Request-Id": "stand-in", **(headers or {})}
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if not body or self.command != "GET":
            return
        if not self.server.rate:
            self.wfile.write(data)
            return
        for start in range(0, len(data), SLICE):
            self.server.pass_line(len(data[start : start + SLICE]))
            self.wfile.write(data[start : start + SLICE])


def _sibling(folder: Path, path: Path):
    entry = {"rfilename": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "blobId": _git_blob(path)}
    if path.suffix in LFS_SUFFIXES:
        entry["lfs"] = {"sha256": _sha256(path), "size": entry["size"], "pointerSize": 134}
    return entry


def _etag(path):
    return _sha256(path) if path.suffix in LFS_SUFFIXES else _git_blob(path)


@functools.cache
def _sha256_of(path, stamp):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sha256(path):
    return _sha256_of(path, path.stat().st_mtime_ns)


def _git_blob(path):
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def serving(repositories):
    """Run a stand-in hub until the block ends."""
    hub = StandInHub(repositories)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
