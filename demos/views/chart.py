"""Lines over one axis, as `demos/ui/core/chart.js` draws them."""

from collections.abc import Sequence

from demos.wire import view


@view
class Series:
    """One line. color: a role of the theme; dash: every line has its own, so that nobody depends on hue.

    points: (x, y), in the order of x
    """

    name: str
    color: str
    dash: str
    points: Sequence[tuple[float, float]]


@view
class Chart:
    """Lines over one axis. x, y: what the axes are called; log: logarithmic y; unit: written behind values.

    low, high: fix the range, as powers of ten where `log`; values outside are drawn at its edge
    marks: vertical lines at an x, each with a word
    """

    series: Sequence[Series]
    x: str
    y: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    marks: Sequence[tuple[float, str]] = ()
    unit: str = ""
