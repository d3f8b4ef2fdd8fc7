"""Networks trained on few and on many sprites, for the browser."""

from typing import TYPE_CHECKING

from demos.views.diffusion import sheet
from demos.wire import view

if TYPE_CHECKING:
    from models.diffusion.copying import Copying, TrainedOn


@view
class CopyingRowView:
    """What a network draws that was trained on `count` sprites.

    sheet, nearest: addresses of `shown` pictures.
    distances: of each sample to the nearest sprite it was trained on, root mean square, 0 to 255. copies: how many are
    below `copy_distance`. held_out: the median distance of sprites that were kept out.
    """

    count: int
    sheet: str
    nearest: str
    shown: int
    distances: list[float]
    copies: int
    copy_distance: float
    held_out: float


@view
class CopyingView:
    """All of them, each trained for `steps` steps (`copying_view`); said: what is seen in them."""

    size: int
    steps: int
    rows: list[CopyingRowView]
    said: str


def view_of_copying(found: "Copying") -> CopyingView:
    """What `copying_view` shows."""
    rows = [_row(network) for network in found.networks]
    return CopyingView(found.size, found.steps, rows, _sentence(rows))


def _row(network: "TrainedOn") -> CopyingRowView:
    return CopyingRowView(
        network.count,
        sheet(network.rgba),
        sheet(network.nearest),
        len(network.rgba),
        [float(distance) for distance in network.distances],
        network.copies,
        network.copy_distance,
        network.held_out,
    )


def _sentence(rows: list[CopyingRowView]) -> str:
    parts = [f"{row.copies} of {row.shown} on {row.count:,}" for row in rows[1:]]
    first, last = rows[0], rows[-1]
    median = sorted(last.distances)[last.shown // 2]
    return (
        f"Trained on {first.count:,} sprite, {first.copies} of {first.shown} samples are copies; {', '.join(parts)}. "
        f"With {last.count:,} the median sample is {median:.0f} of 255 from the nearest sprite it was trained on; of "
        f"real ones that were kept out it is {last.held_out:.0f}."
    )
