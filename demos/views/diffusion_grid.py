"""Runs side by side, for the browser: one sheet of all cells for every moment."""

from typing import TYPE_CHECKING

import numpy as np

from demos.views.diffusion import sheet
from demos.wire import view

if TYPE_CHECKING:
    from models.diffusion.grid import GridMoment

ENLARGED = 4


@view
class GridView:
    """Cells by rows and columns (`sprite_grid`); every cell is one sprite.

    row_axis, column_axis: what differs; rows, columns: its values. total: moments of the whole run. steps: of each
    cell. sheets: address of the predicted sprites of all cells, row by row, at each moment so far; times: the time t
    of each cell's prediction at each moment. finding: once it is over, what is seen in it.
    """

    row_axis: str
    column_axis: str
    rows: list[str]
    columns: list[str]
    total: int
    steps: list[int]
    sheets: list[str]
    times: list[list[int]]
    finding: str


def sheet_of_moment(moment: "GridMoment") -> str:
    """Address of all cells side by side."""
    from models.diffusion.trace import finished_sprites

    return sheet(finished_sprites(moment.x_0))


def find_changes(x_0: np.ndarray, rows: int, row_axis: str, column_axis: str) -> str:
    """How much neighbours differ down and across, of finished cells `[rows * columns, 4, size, size]`, in words."""
    cells = x_0.reshape(rows, -1, *x_0.shape[1:])
    said = []
    for axis, way, name in ((0, "row to row", row_axis), (1, "column to column", column_axis)):
        if cells.shape[axis] > 1:
            change = float(np.sqrt(np.square(np.diff(cells, axis=axis)).mean()))
            said.append(f"by {change:.2f} from {way} ({name})")
    return f"Neighbours differ {' and '.join(said)}; root mean square, in −1 to 1." if said else ""


def contact_sheet(moment: "GridMoment", columns: int) -> np.ndarray:
    """The grid as one picture, `[height, width, 4] uint8`, every pixel `ENLARGED` wide."""
    from models.diffusion.trace import finished_sprites

    sprites = finished_sprites(moment.x_0)
    size = sprites.shape[1]
    grid = sprites.reshape(-1, columns, size, size, 4).transpose(0, 2, 1, 3, 4).reshape(-1, columns * size, 4)
    return grid.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
