"""A picture with a grid of patches on it, as every view of patches holds it."""

from demos.wire import view


@view
class Picture:
    """A picture, by its address, and the grid of patches on it."""

    image: str
    rows: int
    columns: int
