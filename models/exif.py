"""What a camera writes into a picture of how it is to be shown: how it was held, the shape of its pixels.

Only what is stored as the standard asks counts, as for browsers (Exif 2.3, sections 4.6.4 and 4.6.5).
"""

import struct
from math import floor

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x112, 0x11A, 0x11B, 0x128
EXIF_DIRECTORY, PIXEL_X, PIXEL_Y = 0x8769, 0xA002, 0xA003
SHORT, LONG, RATIONAL = 3, 4, 5
FORMS = {SHORT: "H", LONG: "I"}
INCH = 2
DOTS_AN_INCH = 72
START = b"Exif\0\0"


class Exif:
    """The single numbers of `data`, an Exif block with or without its `START`; what is damaged is missing."""

    def __init__(self, data: bytes) -> None:
        self._tiff = data.removeprefix(START)
        self._order = {b"II*\0": "<", b"MM\0*": ">"}.get(self._tiff[:4], "")
        self._numbers: dict[tuple[int, int], float] = {}
        if self._order:
            self._read(self._whole("I", 4))
            if (EXIF_DIRECTORY, LONG) in self._numbers:
                self._read(int(self._numbers[EXIF_DIRECTORY, LONG]))

    @property
    def orientation(self) -> int:
        """1 to 8: where the first row and column of the picture lie; 1 if nothing is said."""
        orientation = int(self._numbers.get((ORIENTATION, SHORT), 1))
        return orientation if 1 <= orientation <= 8 else 1

    def shape(self, width: int, height: int) -> tuple[float, float]:
        """Shares of width and height, the larger one 1, to which a stored picture shrinks so that pixels are square.

        By the HTML standard's density-corrected size: resolution counts where it explains the size that is named.
        """
        across, down = (self._numbers.get((tag, RATIONAL), 0) for tag in (X_RESOLUTION, Y_RESOLUTION))
        if self._numbers.get((RESOLUTION_UNIT, SHORT)) != INCH or across <= 0 or down <= 0:
            return 1, 1
        named = [self._numbers.get((tag, SHORT)) or self._numbers.get((tag, LONG)) for tag in (PIXEL_X, PIXEL_Y)]
        explained = [floor(width * DOTS_AN_INCH / across + 0.5), floor(height * DOTS_AN_INCH / down + 0.5)]
        if named != explained:
            return 1, 1
        shares = explained[0] / width, explained[1] / height
        return shares[0] / max(shares), shares[1] / max(shares)

    def _read(self, place: int | None) -> None:
        """Add the numbers of the directory at `place`, if there is one."""
        count = None if place is None else self._whole("H", place)
        if place is None or count is None:
            return
        for entry in range(place + 2, min(place + 2 + 12 * count, len(self._tiff) - 11), 12):
            tag, kind, values = struct.unpack_from(f"{self._order}HHI", self._tiff, entry)
            number = self._number(kind, entry + 8) if values == 1 else None
            if number is not None:
                self._numbers.setdefault((tag, kind), number)

    def _number(self, kind: int, place: int) -> float | None:
        if kind != RATIONAL:
            return self._whole(FORMS[kind], place) if kind in FORMS else None
        behind = self._whole("I", place)
        if behind is None:
            return None
        above, below = self._whole("I", behind), self._whole("I", behind + 4)
        return above / below if above is not None and below else None

    def _whole(self, form: str, place: int) -> int | None:
        try:
            return struct.unpack_from(self._order + form, self._tiff, place)[0]
        except struct.error:
            return None
