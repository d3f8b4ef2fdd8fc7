"""What travels to the browser: view dataclasses as small JSON, their arrays as binary files fetched when needed.

A view is a class of `demos.views` marked `@view`, a frozen dataclass. `to_wire` turns it into plain JSON with the same
field names; an array field says by its annotation how it travels, and becomes a handle `{"array": name, "dtype",
"shape", ...}` whose bytes the browser fetches once from `/arrays/NAME` (`demos/ui/core/arrays.js`). Tiny arrays travel
inside the handle.
"""

import base64
import dataclasses
import hashlib
import io
import secrets
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demos.compression import compress, encoding_for
from models.errors import InputError
from models.store import Store

ARRAYS_BUDGET_BYTES = 256 * 2**20
ARRAYS_MAX_AGE_SECONDS = 1800
INLINE_BYTES = 1500

Form = Literal["float32", "float16", "uint8", "uint16", "int8", "int32", "steps8", "png", "jpeg"]


@dataclasses.dataclass(frozen=True)
class Travels:
    """How an array field travels.

    float32, float16, uint8, int8, int32: as numbers of that type (float16 is read back within 0.05 %).
    uint16: the low bytes of all numbers, then the high bytes, which takes a fifth less once compressed.
    steps8: floats as 256 equal steps between their least and largest value.
    png, jpeg: pixels `[height, width, 3 or 4]` uint8 as a picture; the field becomes its address.
    """

    form: Form


Float32 = Annotated[np.ndarray, Travels("float32")]
Float16 = Annotated[np.ndarray, Travels("float16")]
Int32 = Annotated[np.ndarray, Travels("int32")]
Int8 = Annotated[np.ndarray, Travels("int8")]
Uint8 = Annotated[np.ndarray, Travels("uint8")]
Uint16 = Annotated[np.ndarray, Travels("uint16")]
Steps8 = Annotated[np.ndarray, Travels("steps8")]
Png = Annotated[np.ndarray, Travels("png")]
Jpeg = Annotated[np.ndarray, Travels("jpeg")]


VIEWS: list[type] = []
"""Every view dataclass imported so far."""

Class = TypeVar("Class", bound=type)


@dataclass_transform(frozen_default=True)
def view(cls: Class) -> Class:
    """Make a class a frozen dataclass that travels to the browser; `types.d.ts` declares it to the scripts."""
    made = dataclasses.dataclass(frozen=True)(cls)
    VIEWS.append(made)
    return made


@dataclasses.dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str


_SECRET = secrets.token_bytes(32)


ARRAYS: Store[_File] = Store(
    "arrays for the browser",
    ARRAYS_BUDGET_BYTES,
    size=lambda file: len(file.content),
    gone="What this view shows is no longer kept here: run it again.",
    max_age=ARRAYS_MAX_AGE_SECONDS,
)


def to_wire(view: Any) -> Any:
    """A view as JSON: dataclasses become objects, arrays handles, pictures addresses. None stays None.

    Raises `TypeError` for an array in a field that does not say how it travels.
    """
    if dataclasses.is_dataclass(view) and not isinstance(view, type):
        hints = _hints(type(view))
        return {field.name: _field(getattr(view, field.name), hints[field.name]) for field in dataclasses.fields(view)}
    if isinstance(view, Mapping):
        return {str(key): to_wire(value) for key, value in view.items()}
    if isinstance(view, np.generic):
        return view.item()
    if isinstance(view, np.ndarray):
        raise TypeError("an array travels only in a field that says how")
    if isinstance(view, Sequence) and not isinstance(view, str):
        return [to_wire(item) for item in view]
    return view


@cache
def _hints(view: type) -> dict[str, Any]:
    return get_type_hints(view, include_extras=True)


def _field(value: Any, hint: Any) -> Any:
    form = _form_of(hint)
    if form is None:
        return to_wire(value)
    if isinstance(value, Sequence):
        return [_packed(item, form) for item in value]
    return None if value is None else _packed(value, form)


def _form_of(hint: Any) -> Form | None:
    """The form named by an annotation: of the array itself, of one that may be None, or of a sequence of them."""
    if get_origin(hint) is Annotated:
        return next((extra.form for extra in get_args(hint)[1:] if isinstance(extra, Travels)), None)
    if get_origin(hint) in (typing.Union, types.UnionType, list, tuple, Sequence):
        return next((form for form in map(_form_of, get_args(hint)) if form), None)
    return None


def _packed(array: np.ndarray, form: Form) -> dict[str, Any] | str:
    if form in ("png", "jpeg"):
        return picture(array, form)
    handle: dict[str, Any] = {"dtype": form, "shape": list(array.shape)}
    if form == "steps8":
        low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
        step = (high - low) / 255 or 1.0
        array, handle["low"], handle["step"] = np.rint((array - low) / step).astype(np.uint8), low, step
    content = _bytes_apart(array) if form == "uint16" else np.ascontiguousarray(array, _dtype(form)).tobytes()
    if len(content) <= INLINE_BYTES:
        return {**handle, "data": base64.b64encode(content).decode()}
    return {**handle, "array": _keep(content, "application/octet-stream")}


def _keep(content: bytes, media_type: str) -> str:
    """Keep a file under a name that only this process can tell; equal contents have one name and are fetched once."""
    name = hashlib.blake2b(content, digest_size=16, key=_SECRET, person=media_type.encode()[:16]).hexdigest()
    return ARRAYS.put(_File(content, media_type), name)


def _bytes_apart(array: np.ndarray) -> bytes:
    return (array & 255).astype(np.uint8).tobytes() + (array >> 8).astype(np.uint8).tobytes()


def content_of(handle: object) -> bytes:
    """The bytes of an array whose handle came back from a browser. Raises `InputError` where they are not kept."""
    if not isinstance(handle, dict):
        raise InputError("What was sent is not what this view shows: run it again.")
    if "data" not in handle:
        return ARRAYS.find(handle.get("array")).content
    try:
        return base64.b64decode(handle["data"], validate=True)
    except (TypeError, ValueError):
        raise InputError("What was sent is not what this view shows: run it again.") from None


def is_handle(value: object) -> bool:
    """Whether a part of a view that travelled stands for an array."""
    return isinstance(value, dict) and "dtype" in value and "shape" in value


def array_behind(handle: dict[str, Any]) -> np.ndarray:
    """The array of a handle that `to_wire` made, as the browser reads it; float16 stays what it is.

    Raises `InputError` where it is no longer kept.
    """
    content, form = content_of(handle), handle["dtype"]
    if form == "uint16":
        low, high = np.frombuffer(content, np.uint8).reshape(2, -1).astype(np.uint16)
        return (low + 256 * high).reshape(handle["shape"])
    array = np.frombuffer(content, _dtype(form)).reshape(handle["shape"])
    if form == "steps8":
        return (handle["low"] + handle["step"] * array).astype(np.float32)
    return array.astype(form)


def is_picture(value: object) -> bool:
    """Whether a part of a view that travelled is the address of a picture that `picture` gave."""
    return isinstance(value, str) and value.startswith(("arrays/", "data:image/"))


def bytes_behind(address: str) -> bytes:
    """The file of a picture. Raises `InputError` where it is no longer kept."""
    if address.startswith("data:"):
        return base64.b64decode(address.partition(",")[2])
    return ARRAYS.find(address.removeprefix("arrays/")).content


def _dtype(form: str) -> np.dtype:
    return np.dtype("uint8" if form == "steps8" else form).newbyteorder("<")


def picture(pixels: np.ndarray, form: Literal["png", "jpeg"] = "png") -> str:
    """Address of a picture `[height, width, 3 or 4]` uint8: the picture itself where it is tiny, else `arrays/NAME`."""
    buffer = io.BytesIO()
    if form == "png":
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    content = buffer.getvalue()
    if len(content) <= INLINE_BYTES:
        return f"data:image/{form};base64,{base64.b64encode(content).decode()}"
    return f"arrays/{_keep(content, f'image/{form}')}"


def array_route() -> Route:
    """Where the browser fetches arrays. An unknown name, or one no longer kept, is answered 404 with a sentence."""
    return Route("/arrays/{name}", _send_array)


def _send_array(request: Request) -> Response:
    try:
        file = ARRAYS.find(request.path_params["name"])
    except InputError as error:
        return JSONResponse({"error": str(error), "detail": str(error)}, 404)
    headers = {"cache-control": f"private, max-age={ARRAYS_MAX_AGE_SECONDS}, immutable", "vary": "accept-encoding"}
    packed = file.media_type.startswith("image/")
    encoding = "" if packed else encoding_for(request.headers.get("accept-encoding", ""))
    if encoding:
        headers["content-encoding"] = encoding
    return Response(compress(file.content, encoding, once=True), media_type=file.media_type, headers=headers)
