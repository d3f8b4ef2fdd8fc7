"""Untrusted video files to frames and frames to a video: what is read, what is refused, in which words.

The container is told by its first bytes and its reader named, never guessed: some formats are mere lists of other
files and addresses.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from models.color import HIGH_RANGE
from models.errors import InputError
from models.inputs import check_number

MAX_FILE_BYTES = 20 * 2**20
MAX_SECONDS = 180
MAX_DECODED = 10_800
MAX_PIXELS = 3840 * 2160
FRAMES_A_SECOND = 15
EARLY_SECONDS = 1 / (4 * FRAMES_A_SECOND)
MAX_SIDE = 960
CUT_SHORT_SECONDS = 1.0
ROUNDED_SECONDS = 0.05
"""By how much a segment may end after its video: lengths are told in tenths."""
SAME_SECONDS = 0.001
"""Times of frames are stored in thousandths, in some containers."""
HD_HEIGHT = 720
UNNAMED_COLORS = 2  # ITU-T H.273, matrix coefficients
CODECS = {
    "h264": "H.264",
    "hevc": "HEVC",
    "vp8": "VP8",
    "vp9": "VP9",
    "av1": "AV1",
    "libdav1d": "AV1",
    "mpeg4": "MPEG-4",
    "mjpeg": "Motion JPEG",
}
BRIGHT = "The video has a high dynamic range (HDR): its colours are read as stored, flatter than players show them."
BOXES_OF_MP4 = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


@dataclass(frozen=True)
class Frame:
    """One frame as a browser shows it: `image` (H, W, 3) uint8 RGB of at most `MAX_SIDE`, shown from `seconds` on.

    `index` counts all frames of the file from 0, also those that are not looked at; `size` (height, width) is that of
    the upright frame with square pixels, before it was shrunk.
    """

    image: np.ndarray
    seconds: float
    index: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Segment:
    """What of a video is looked at: the frames shown first at `start` or later and before `end`, in seconds since the
    video begins; `end` None: to its end.
    """

    start: float = 0.0
    end: float | None = None


WHOLE = Segment()


def check_segment(start: object, end: object) -> Segment:
    """The part from one second to another, to the end where that is 0. Raises `InputError` if it is none."""
    first = check_number(start, name="The second to begin at", low=0, high=MAX_SECONDS)
    last = check_number(end, name="The second to end at", low=0, high=MAX_SECONDS) or None
    if last is not None and first >= last:
        raise InputError(f"From second {first:g} to second {last:g} there is nothing: the end must come later.")
    return Segment(first, last)


class VideoFile:
    """A video of a visitor's: checked when it is opened, then read once from the beginning.

    `seconds` is its length as the file says (0: it does not), `length` that of the segment which is looked at; `note`:
    sentences, if its light is not that of ordinary screens and, after reading, if not all of it was read.
    """

    def __init__(self, path: str | Path, segment: Segment = WHOLE) -> None:
        """Raises `InputError` for whatever is no readable video within the limits, and for a segment beyond its end."""
        import av

        data_size = Path(path).stat().st_size
        if data_size > MAX_FILE_BYTES:
            raise InputError(f"The video has {data_size / 2**20:.0f} MB; the limit is {MAX_FILE_BYTES // 2**20} MB.")
        container = _container_of(Path(path))
        try:
            self._container = av.open(str(path), format=container, options={"protocol_whitelist": "file"})
        except (av.FFmpegError, ValueError):
            raise InputError("The video is damaged or cut short: save it again as MP4.") from None
        try:
            self._stream = self._checked_stream()
            _check_within(segment, self.seconds)
        except BaseException:
            self._container.close()
            raise
        self.segment = segment
        self.length = max(0.0, (segment.end or self.seconds) - segment.start)
        context = self._stream.codec_context
        self._bright = BRIGHT if context and context.color_trc in HIGH_RANGE else ""
        self._unread = ""

    @property
    def note(self) -> str:
        """What must be said of it."""
        return " ".join(filter(None, (self._bright, self._unread)))

    def _checked_stream(self) -> Any:
        videos = self._container.streams.video
        if not videos:
            has_sound = bool(self._container.streams.audio)
            raise InputError(f"This file has {'sound but ' if has_sound else ''}no pictures.")
        stream = videos[0]
        name = stream.codec_context.name if stream.codec_context else "unknown"
        if name not in CODECS:
            known = ", ".join(dict.fromkeys(CODECS.values()))
            raise InputError(f"The video is encoded as {name[:30]}, which is not read here; use one of: {known}.")
        _check_size(stream.codec_context.width, stream.codec_context.height)
        self.seconds = _length(self._container, stream)
        if self.seconds > MAX_SECONDS:
            minutes, seconds = divmod(round(self.seconds), 60)
            raise InputError(
                f"The video lasts {minutes}:{seconds:02} minutes; at most {MAX_SECONDS // 60} are taken: cut it first."
            )
        stream.thread_type = "AUTO"
        return stream

    def frames(self) -> Iterator[Frame]:
        """At most `FRAMES_A_SECOND` frames a second of the segment. Raises `InputError` if there is none."""
        start, end = self.segment.start - SAME_SECONDS, (self.segment.end or math.inf) - SAME_SECONDS
        any_taken, due, seconds = False, 0.0, 0.0
        for index, decoded in enumerate(self._decoded()):
            seconds = self._time_of(decoded, index)
            if seconds >= end:
                break
            if seconds > MAX_SECONDS or index >= MAX_DECODED:
                self._unread = f"Only the first {seconds:.0f} seconds were taken."
                break
            if seconds < max(start, due - EARLY_SECONDS):
                continue
            yield as_shown(decoded, self._stream.sample_aspect_ratio, seconds, index)
            any_taken, due = True, max(due, seconds) + 1 / FRAMES_A_SECOND
        else:
            if not self._unread and self.seconds - seconds > CUT_SHORT_SECONDS:
                self._unread = f"The video is cut short: it ends after {seconds:.0f} of {self.seconds:.0f} seconds."
        if not any_taken and self.segment != WHOLE:
            raise InputError("No frame of the video begins in this part of it: choose a longer one.")
        if not any_taken:
            raise InputError("The video holds no frame that can be read: save it again as MP4.")

    def _decoded(self) -> Iterator[Any]:
        """Frames up to the end or the first damage; what the decoder still holds comes then too."""
        import av

        try:
            for packet in self._container.demux(self._stream):
                yield from packet.decode()
        except av.FFmpegError:
            self._unread = "The video is damaged or cut short; what comes before was taken."
            with contextlib.suppress(av.FFmpegError):
                yield from self._stream.decode(None)

    def _time_of(self, decoded: Any, index: int) -> float:
        """Seconds since the file begins, as players count them: its first stream may begin later than 0."""
        if decoded.time is not None:
            return max(0.0, decoded.time - (self._container.start_time or 0) / 1_000_000)
        return index / float(self._stream.average_rate or FRAMES_A_SECOND)

    def passed(self, seconds: float) -> float:
        """Seconds from the beginning of the segment to a second of the video."""
        return max(0.0, seconds - self.segment.start)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()


class VideoWriter:
    """An MP4 in H.264, which every browser plays; frames come with their times."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        """`size` (height, width) of the frames; an odd row or column at the edge is left out, as H.264 wants."""
        import av

        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream: Any = self._container.add_stream("libx264", rate=FRAMES_A_SECOND, options={"preset": "veryfast"})
        self._height, self._width = (max(2, side // 2 * 2) for side in size)
        self._stream.width, self._stream.height = self._width, self._height
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, 1000)
        self._size: tuple[int, int] = size
        self._last = -1

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Append a frame, (H, W, 3) uint8 RGB, shown from `seconds` on; one of another size is fitted in."""
        import av

        if image.shape[:2] != self._size:
            image = _fitted(image, *self._size)
        frame: Any = av.VideoFrame.from_ndarray(_even(image, self._height, self._width), format="rgb24")
        self._last = max(self._last + 1, round(seconds * 1000))
        frame.pts, frame.time_base = self._last, Fraction(1, 1000)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is left and the index."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def _container_of(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise InputError("The video file is empty.")
    if start[4:8] in BOXES_OF_MP4:
        return "mov"
    if start.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if start.startswith(b"RIFF") and start[8:12] == b"AVI ":
        return "avi"
    raise InputError("This file is not a video that can be read: use MP4, MOV, WebM or AVI.")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(f"The video is {width} x {height}: larger than 4K. Shrink it first.")


def _check_within(segment: Segment, seconds: float) -> None:
    """seconds: length of the video; 0: unknown."""
    if seconds and (segment.start >= seconds or (segment.end or 0) > seconds + ROUNDED_SECONDS):
        raise InputError(f"The video lasts {seconds:.1f} seconds: choose a part within them.")


def _length(container: Any, stream: Any) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1_000_000


def as_shown(decoded: Any, pixel_shape: Fraction | None, seconds: float, index: int) -> Frame:
    """A decoded frame with square pixels, turned and mirrored as its display matrix says, at most `MAX_SIDE` a side.

    `pixel_shape`: width of a pixel by its height. The side that is too short grows, as the HTML standard asks. Colours
    without a name of their matrix are read by the height of the picture, as browsers do.
    """
    from av.video.reformatter import Colorspace, Interpolation

    _check_size(decoded.width, decoded.height)
    width, height = decoded.width, decoded.height
    if pixel_shape:
        width, height = max(width, round(width * pixel_shape)), max(height, round(height / pixel_shape))
    scale = min(1.0, MAX_SIDE / max(width, height))
    guessed = Colorspace.ITU709 if decoded.height >= HD_HEIGHT else Colorspace.ITU601
    pixels = decoded.to_ndarray(
        format="rgb24",
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
        src_colorspace=guessed if decoded.colorspace == UNNAMED_COLORS else None,
    )
    matrix = _display_matrix(decoded)
    size = (height, width) if _keeps_rows(matrix) else (width, height)
    return Frame(_turned(pixels, matrix), seconds, index, size)


def _display_matrix(decoded: Any) -> np.ndarray:
    """How pixels move: x' = a x + c y and y' = b x + d y, as ((a, b), (c, d)) (ISO/IEC 14496-12, track header)."""
    from av.sidedata.sidedata import Type

    kept = [bytes(data) for data in decoded.side_data if data.type == Type.DISPLAYMATRIX]
    return np.frombuffer(kept[0], np.int32).reshape(3, 3)[:2, :2] if kept else np.eye(2, dtype=np.int32)


def _keeps_rows(matrix: np.ndarray) -> bool:
    """Whether rows stay rows; angles between quarter turns count as the nearest one."""
    size = np.abs(matrix)
    return bool(size[0, 0] + size[1, 1] >= size[0, 1] + size[1, 0])


def _turned(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(H, W, 3) turned by quarters and mirrored."""
    if _keeps_rows(matrix):
        along_x, along_y = matrix[0, 0], matrix[1, 1]
    else:
        pixels, along_x, along_y = pixels.swapaxes(0, 1), matrix[1, 0], matrix[0, 1]
    pixels = pixels[:, ::-1] if along_x < 0 else pixels
    return np.ascontiguousarray(pixels[::-1] if along_y < 0 else pixels)


def _fitted(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The whole of it in the middle of a black frame."""
    fitted = ImageOps.pad(Image.fromarray(image), (width, height), Image.Resampling.BILINEAR)
    return np.asarray(fitted)


def _even(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Cut to the size, or repeat the edge where a side has one pixel only."""
    missing = [(0, max(0, want - have)) for want, have in zip((height, width), image.shape, strict=False)]
    return np.ascontiguousarray(np.pad(image, [*missing, (0, 0)], mode="edge")[:height, :width])
