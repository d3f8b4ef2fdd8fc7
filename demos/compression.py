"""Content made smaller for a browser: brotli where it is understood, else gzip."""

import gzip

import brotli

COMPRESSIBLE = ("text/", "application/json", "application/javascript", "application/octet-stream", "image/svg+xml")


def encoding_for(accepted: str) -> str:
    """The better of the encodings that an `accept-encoding` header names: "br", "gzip" or "" for none."""
    names = {part.split(";")[0].strip() for part in accepted.lower().split(",")}
    return next((name for name in ("br", "gzip") if name in names), "")


def compress(content: bytes, encoding: str, *, once: bool = False) -> bytes:
    """`content` in that encoding. `once`: it will be sent once only, so that speed counts more than size."""
    if encoding == "br":
        return brotli.compress(content, quality=4 if once else 9)
    if encoding == "gzip":
        return gzip.compress(content, 5 if once else 9, mtime=0)
    return content
