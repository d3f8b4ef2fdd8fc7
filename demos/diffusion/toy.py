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


WAYS = r"""### Three ways, few steps
All three networks are of one size and saw the same spiral. *Score matching* (Song et al. 2021) asks for the noise,
along an arc, $x_t = \cos\varphi\,x_0 + \sin\varphi\,\varepsilon$ with $\varphi = \pi t / 2$; the score is
$-\varepsilon / \sin\varphi$. *Flow matching* asks for the direction along a straight line. Each line is straight, yet
lines cross, and where they cross the network can only say their mean: so the ways of the points bend. *Rectified flow*
(Liu et al. 2023) lets the network carry noise to its ends, and trains another one on these pairs: their lines hardly
cross, and few steps are enough."""

GUIDED = r"""### Guidance between two classes
Where the two bars cross, a point could be of either class. Guidance goes beyond what the class says, away from what is
said without one: fewer points are left in between, and they crowd at the ends.

$$\hat v = \hat v_\theta(x_t) + w\,(\hat v_\theta(x_t, \text{class}) - \hat v_\theta(x_t))$$"""

KEPT = """The four networks of these two figures were trained beforehand, by this page's own code
(`node tests/ui/flow_ways.js`)."""


def build() -> None:
    """The page: the plane and its controls, then two comparisons, all of it in the browser."""
    gr.Markdown(TOY, elem_classes="gb-lead")
    component("vector_field", elem_id="diffusion-toy")
    gr.Markdown(FORMULAS, elem_classes="gb-note", latex_delimiters=LATEX)
    gr.Markdown(WAYS, elem_classes="gb-note", latex_delimiters=LATEX)
    component("flow_ways", elem_id="diffusion-ways")
    gr.Markdown(GUIDED, elem_classes="gb-note", latex_delimiters=LATEX)
    component("flow_guidance", elem_id="diffusion-toy-guidance")
    gr.Markdown(KEPT, elem_classes="gb-note")
    keeps(looks=("toy", "ways", "guidance"))
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
