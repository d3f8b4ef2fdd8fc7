"""Pictures under the pen."""

from demos.wire import Uint8, view


@view
class CanvasView:
    """Pictures to paint over (`pixel_canvas`); with several, the visitor chooses one.

    token: new for every time that pictures are put there.
    pixels: `[count, side, side, 4]`, straight alpha.
    """

    token: str
    count: int
    side: int
    pixels: Uint8
