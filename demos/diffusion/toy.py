"""A toy in two dimensions: points instead of pictures, so that the whole field can be seen while it is learned."""

import gradio as gr

from demos.address import keeps
from demos.tab import LATEX
from demos.ui import component

TITLE = "A toy in 2-D"

TOY = r"""A picture of 32 x 32 is a point among thousands of dimensions; here it is a point of the plane, and one can
look at everything. The network sees a noisy point and the time, and says in which direction its noise lies. Following
that direction backwards, in small steps, carries noise to where the data are. It is trained and run in your browser."""

FORMULAS = r"""$$x_t = (1-t)\,x_0 + t\,\varepsilon \qquad v = \varepsilon - x_0$$

$$x_{t'} = x_t + (t'-t)\,\hat v_\theta(x_t, t)$$"""

TRY = """- Train, and watch the field at the end of the flow bend into the shape. Pause, and pull the slider from noise
  to picture: at t = 1 the arrows point to the middle of everything, for nothing else is known yet.
- Show the paths, then take fewer steps: with one, every point lands near the middle of what it could have become.
- Draw two far blobs. Some points end between them: the network is smooth, and the data are not.
- This is flow matching (Lipman et al. 2023), as in the latest large models; the sprites' network learns the same
  kind of direction along another path between picture and noise."""


def build() -> None:
    """The page: the plane and its controls, all of it in the browser."""
    gr.Markdown(TOY, elem_classes="gb-lead")
    component("vector_field", elem_id="diffusion-toy")
    gr.Markdown(FORMULAS, elem_classes="gb-note", latex_delimiters=LATEX)
    keeps(looks=("toy",))
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
