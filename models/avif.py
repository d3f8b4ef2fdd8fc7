"""What an AVIF says of itself, read before anything of it is decoded: sizes of its AV1 pictures, and its colours.

Its own size is no bound: a decoder makes the pictures inside as large as they say and shrinks them afterwards. Boxes
are those of ISO/IEC 14496-12 and 23008-12 (HEIF), sequence headers those of AV1, section 5.5.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAX_ITEMS, MAX_UNITS = 1000, 1000
"""Pictures and descriptions of a file, and pieces of one picture."""
SEQUENCE_HEADER = 1
BRANDS = (b"avif", b"avis")


@dataclass(frozen=True)
class AvifHead:
    """most_pixels: what all AV1 pictures of the file, tiles and transparency, can have together; moving: whether it
    holds a film; primaries, curve: of its colours by their numbers (ITU-T H.273, 2: not said).
    """

    most_pixels: int
    moving: bool
    primaries: int
    curve: int


def is_avif(data: bytes) -> bool:
    """Whether the file `data` may be read as AVIF, by the brands it names."""
    return data[4:8] == b"ftyp" and any(brand in data[8 : int.from_bytes(data[:4])] for brand in BRANDS)


def head_of(data: bytes) -> AvifHead:
    """The head of the file `data`. Raises some `Exception` where it is damaged."""
    outer = {kind: (start, end) for kind, start, end in boxes(data, 0, len(data))}
    start, end = outer.get(b"meta", (4, 4))
    meta = {kind: (first, last) for kind, first, last in boxes(data, start + 4, end)} if end > 4 else {}
    pictures = [number for number, kind in _items(data, *meta.get(b"iinf", (0, 0))) if kind == b"av01"]
    places = dict(_places(data, meta))
    most = sum(_most_pixels(b"".join(data[a:b] for a, b in places.get(number, ()))) for number in pictures)
    return AvifHead(most, b"moov" in outer, *_colors(data, *meta.get(b"iprp", (0, 0))))


def boxes(data: bytes, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, first byte of its content, first byte behind it) of each box from `place` to `end`."""
    while place + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        behind = end if size == 0 else place + size
        if behind > end or behind < place + head:
            raise ValueError("a box does not fit into its file")
        yield kind, place + head, behind
        place = behind


def _items(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """(number, kind) of each item that a box `iinf` names."""
    if end <= start:
        return
    place = start + 4 + (2 if data[start] == 0 else 4)
    for count, (kind, first, _) in enumerate(boxes(data, place, end)):
        if count == MAX_ITEMS:
            raise ValueError("there are very many items")
        if kind == b"infe" and data[first] >= 2:
            wide = 2 if data[first] == 2 else 4
            kept = first + 4 + wide + 2
            yield _whole(data, first + 4, wide), data[kept : kept + 4]


def _places(data: bytes, meta: dict[bytes, tuple[int, int]]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """(number, parts of `data` that hold it) of each item, by the box `iloc`."""
    start, end = meta.get(b"iloc", (0, 0))
    if end <= start:
        return
    version, sizes, bases = data[start], data[start + 4], data[start + 5]
    wide, place = (4 if version == 2 else 2), start + 6
    count, place = _whole(data, place, wide), place + wide
    if count > MAX_ITEMS:
        raise ValueError("there are very many items")
    inside = meta.get(b"idat", (0, 0))[0]
    for _ in range(count):
        number, place = _whole(data, place, wide), place + wide
        local = version > 0 and data[place + 1] & 15 == 1
        place += 2 * (version > 0) + 2
        base, place = _whole(data, place, bases >> 4), place + (bases >> 4)
        base += inside if local else 0
        extents, place = _whole(data, place, 2), place + 2
        parts = []
        for _ in range(extents):
            place += bases & 15 if version > 0 else 0
            offset, place = _whole(data, place, sizes >> 4), place + (sizes >> 4)
            length, place = _whole(data, place, sizes & 15), place + (sizes & 15)
            parts.append((base + offset, base + offset + length if length else len(data)))
        if sum(behind - first for first, behind in parts) > len(data):
            raise ValueError("an item is larger than its file")
        yield number, parts


def _whole(data: bytes, place: int, size: int) -> int:
    if place + size > len(data):
        raise ValueError("the file ends early")
    return int.from_bytes(data[place : place + size])


def _most_pixels(picture: bytes) -> int:
    """What a frame of an AV1 picture can have at most: by how many bits its width and height are written with."""
    most, place = 0, 0
    for _ in range(MAX_UNITS):
        if place >= len(picture):
            return most
        kind, extended, sized = picture[place] >> 3 & 15, picture[place] >> 2 & 1, picture[place] >> 1 & 1
        place += 1 + extended
        length = len(picture) - place
        if sized:
            length, place = _leb128(picture, place)
        if kind == SEQUENCE_HEADER:
            most = max(most, 1 << _side_bits(picture[place : place + length]))
        place += length
    raise ValueError("a picture has very many pieces")


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    """(number, first byte behind it)."""
    number = 0
    for byte in range(8):
        number |= (data[place + byte] & 127) << 7 * byte
        if data[place + byte] < 128:
            return number, place + byte + 1
    raise ValueError("a number is too long")


def _side_bits(header: bytes) -> int:
    """Bits of a frame's width and height together."""
    bits = _bits(header)
    _number(bits, 4)  # profile, still picture
    if next(bits):  # the short header of still pictures
        _number(bits, 5)
    else:
        if next(bits):
            raise ValueError("a picture with times is part of a film")
        delayed = next(bits)
        for _ in range(_number(bits, 5) + 1):
            _number(bits, 12)
            if _number(bits, 5) > 7:
                next(bits)
            if delayed and next(bits):
                _number(bits, 4)
    return _number(bits, 4) + 1 + _number(bits, 4) + 1


def _bits(data: bytes) -> Iterator[int]:
    return (byte >> shift & 1 for byte in data for shift in range(7, -1, -1))


def _number(bits: Iterator[int], size: int) -> int:
    number = 0
    for _ in range(size):
        number = 2 * number + next(bits)
    return number


def _colors(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Primaries and curve that the first box `colr` names by numbers."""
    for kind, first, last in boxes(data, start, end):
        for inner, place, _ in boxes(data, first, last) if kind == b"ipco" else ():
            if inner == b"colr" and data[place : place + 4] == b"nclx":
                return struct.unpack_from(">HH", data, place + 4)
    return 2, 2
