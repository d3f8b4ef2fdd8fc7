"""What a TIFF says of itself, read before anything of it is decoded (TIFF 6.0, section 2).

Readers keep every field in memory, and fields may lie on top of each other: 20 MB can name a terabyte.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Of one value, by its type."""
RAW_TYPES = (1, 2, 6, 7)
MAX_VALUES = 100_000
"""Of one field that is no mere bytes: one strip for each row of the largest pictures."""
INNER = (34665, 34853, 40965)
"""Fields that name another directory: Exif, GPS, interoperability."""
PHOTOMETRIC, TILE_WIDTH, TILE_HEIGHT = 262, 322, 323
WHITE_IS_ZERO = 0


@dataclass(frozen=True)
class TiffHead:
    """tile_pixels: of one tile, 0 without tiles; inverted: whether white is stored as 0."""

    tile_pixels: int
    inverted: bool


def is_tiff(data: bytes) -> bool:
    """Whether the file `data` begins as a TIFF; those of more than 4 GB, which begin in another way, are none here."""
    return data[:4] in ORDERS


def head_of(data: bytes) -> TiffHead:
    """The head of the file `data`. Raises `ValueError` or `struct.error` where it is damaged or its fields overlap."""
    order = ORDERS[data[:4]]
    known: dict[int, int] = {}
    left, places = len(data), [struct.unpack_from(order + "I", data, 4)[0]]
    for place in places:
        for tag, kind, count, value in _fields(data, order, place):
            if count > MAX_VALUES and kind not in RAW_TYPES:
                raise ValueError("a field has very many values")
            left -= BYTES.get(kind, 8) * count
            if tag in INNER and len(places) <= len(INNER):
                places.append(value)
            if place == places[0]:
                known[tag] = value
    if left < 0:
        raise ValueError("fields lie on top of each other")
    inverted = known.get(PHOTOMETRIC) == WHITE_IS_ZERO
    return TiffHead(known.get(TILE_WIDTH, 0) * known.get(TILE_HEIGHT, 0), inverted)


def _fields(data: bytes, order: str, place: int) -> Iterator[tuple[int, int, int, int]]:
    """(tag, type, count, value or its place) of each field of a directory."""
    (count,) = struct.unpack_from(order + "H", data, place)
    for entry in range(place + 2, place + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack_from(order + "HHI", data, entry)
        yield tag, kind, values, struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)[0]
