"""Other data: a line of text out of blanks (masked diffusion), and a drawing in one stroke out of noise."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.diffusion.plans import MAX_SEED, MAX_STEPS, check_seed
from demos.opening import opens
from demos.tab import LATEX, RUN, answering, fold, private
from demos.ui import component
from demos.views.diffusion_blanks import BlanksView, SidesView, blanks_in, view_of_blanks, view_of_sides
from demos.views.diffusion_strokes import StrokesView, view_of_strokes
from models.diffusion.lines import BLANK, HOLE, LENGTH, ORDERS, symbols_of
from models.diffusion.stroke_classes import STROKES
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_text
from models.text.symbols import unknown_note

TITLE = "Other data"
DRAWINGS, FIRST_DRAWING, ANY = 6, "star", "any"
ORDER = {
    "At random, as it was trained": "random",
    "Where it is surest first (no longer its own distribution)": "surest",
}
FIRST = "the " + HOLE * 6 + " of the " + HOLE * 46
EXAMPLES = {
    "A line": HOLE * LENGTH,
    "A beginning": FIRST,
    "A middle": HOLE * 24 + " said the little " + HOLE * 23,
    "An end": HOLE * 52 + "never again.",
    "One word": "She looked at the " + HOLE * 6 + " and began to laugh.",
}

BLANKS = r"""**Noise can be a blank.** Diffusion needs a way to destroy and a network that undoes it. Characters have no
small amounts of noise between them, so here each one is there, or it is not. At time $t$ each is a blank with
probability $t$. Going back from $t$ to $s$, a blank is left with probability $s/t$; else a character is drawn from what
the network says of it, and stays:

$$q(z_s \mid z_t, x) = \frac{s}{t}\,[\text{blank}] + \frac{t - s}{t}\, p_\theta(x \mid z_t)$$

The loss is the cross-entropy over the blanks, weighted by $1/t$: a bound on the probability of the text, as in the
diffusion of pictures (Austin et al. 2021; Sahoo et al. 2024).

**Both sides.** Each blank is read from what stands left and right of it. A network that writes from left to right
cannot keep to an end that is already there.

**Steps.** Blanks filled in the same step are drawn without knowing each other. In one step each letter is likely by
itself, and few make words; the fewer blanks a step fills, the better they fit. Filled where it is surest first, words
fit better still, but the common ones come too often: such a line is no sample of what was learned."""

STROKE = r"""**A drawing can be a signal.** The same Gaussian diffusion as for sprites, on 64 points along the way of a
pen: two numbers each, in one dimension. Noise moves every point by itself and makes a scribble of the drawing:

$$x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon$$

A small Transformer, in which every point looks at all others, says where the pen went. Schedule, $v$ and sampler (DDIM)
are those of the other pages. It learned from digits and shapes that a program draws, no two alike."""

TRY = """- Choose a blank in an early step and in a late one: how far does its entropy fall as its neighbours come?
- “One word”: what of it follows from the left alone, what from the right alone?
- Type your own line, an underscore for each blank. Whatever you type is never changed.
- One step, then 64, with the same seed.
- A star in one step: what is the mean of all stars? Then in 3 steps, and in 25.
- “any”: nobody says what it is to be. Does a stroke that begins as one thing go on as the same?"""


def compute_blanks(text: object, steps: object, order: object, seed: object) -> Iterator[tuple[BlanksView, str]]:
    """Fill the blanks of a line, then the same in other numbers of steps. Yields (view, strip)."""
    template = check_template(text)
    if not blanks_in(template):
        raise InputError(f"The line has no blank: type an underscore ({HOLE}) for each character to be filled.")
    steps = check_integer(steps, name="The number of steps", low=1, high=LENGTH)
    order, seed = check_choice(order, ORDERS, name="The order"), check_seed(seed)
    from models.diffusion.masked import fill_beside, fill_blanks

    symbols, beside = symbols_of(template), []
    filled = fill_blanks(symbols, steps, order, seed)
    strip = strip_of(filled.run, more=[("blanks", str(int((symbols == BLANK).sum())))], note=unknown_note(template))
    yield view_of_blanks(filled, beside), strip
    for one in fill_beside(symbols, order, seed):
        beside.append(one)
        yield view_of_blanks(filled, beside), strip


def check_template(text: object) -> str:
    """A line of at most `LENGTH` characters. Raises `InputError`."""
    return check_text(text, name="The line", max_chars=LENGTH).replace("\n", " ")


@answering
def view_sides(request: dict[str, Any]) -> SidesView:
    """What is said of one blank of a line from both sides, and from each alone."""
    from models.diffusion.masked import look_from_sides

    symbols = symbols_of(check_template(request.get("line")))
    place = check_integer(request.get("place"), name="The place", low=0, high=len(symbols) - 1)
    if symbols[place] != BLANK:
        raise InputError("This place is no blank.")
    return view_of_sides(look_from_sides(symbols, place))


def compute_strokes(name: object, steps: object, seed: object) -> tuple[StrokesView, str]:
    """Draw some strokes. Returns (view, strip)."""
    name = check_choice(name, [*STROKES, ANY], name="What to draw")
    steps = check_integer(steps, name="The number of steps", low=1, high=MAX_STEPS)
    from models.diffusion.strokes import draw_strokes

    drawn = draw_strokes(name, DRAWINGS, steps, check_seed(seed))
    return view_of_strokes(drawn, name), strip_of(drawn.run)


def open_page(*values: object) -> Iterator[tuple[Any, ...]]:
    """Both examples. Yields (line, its strip, strokes, their strip)."""
    line, strokes = values[:4], values[4:]
    text = compute_blanks(*line)  # pyright: ignore[reportArgumentType]  # the controls' values, in order
    yield *next(text), gr.skip(), gr.skip()
    yield gr.skip(), gr.skip(), *compute_strokes(*strokes)  # pyright: ignore[reportArgumentType]
    for shown in text:
        yield *shown, gr.skip(), gr.skip()


def build() -> None:
    """The page: a line and how its blanks are filled, then what is drawn and how."""
    line, line_shown = _text()
    strokes, strokes_shown = _strokes()
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(looks=("step", "place", "drawing"), **line, **strokes)
    opens(open_page, [*line.values(), *strokes.values()], [*line_shown, *strokes_shown], queue=RUN)


def _text() -> tuple[dict[str, Component], list[Component]]:
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            text = gr.Textbox(
                FIRST, label="A line, _ for each blank", max_length=LENGTH, elem_id="diffusion-blanks-text"
            )
            with gr.Row(elem_classes="gb-examples"):
                examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
            run = gr.Button("Fill the blanks", variant="primary", elem_id="diffusion-blanks-run")
            with fold("Steps and seed"):
                steps = gr.Slider(1, LENGTH, 32, step=1, label="Steps", elem_id="diffusion-blanks-steps")
                order = gr.Radio(list(ORDER.items()), value="random", label="Which blanks", elem_id="diffusion-order")
                seed = gr.Number(
                    0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", elem_id="diffusion-blanks-seed"
                )
        with gr.Column(scale=5, min_width=300):
            view = component("blank_lines", server_functions=[view_sides], elem_id="diffusion-blanks-view")
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            gr.Markdown(BLANKS, elem_classes="gb-note", latex_delimiters=LATEX)
    given, shown = [text, steps, order, seed], [view, strip]
    for event in (run.click, text.submit, steps.release, order.input):
        event(compute_blanks, given, shown, **RUN, **private())
    for button, line in zip(examples, EXAMPLES.values(), strict=True):
        filled = button.click(partial(str, line), None, text, queue=False, **private())
        filled.success(compute_blanks, given, shown, **RUN, **private())
    return {"text": text, "steps": steps, "order": order, "seed": seed}, shown


def _strokes() -> tuple[dict[str, Component], list[Component]]:
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            run = gr.Button("Draw", variant="primary", elem_id="diffusion-strokes-run")
            with fold("What to draw"):
                names = [*STROKES, ANY]
                name = gr.Dropdown(names, value=FIRST_DRAWING, label="Drawing", elem_id="diffusion-strokes-name")
                steps = gr.Slider(1, MAX_STEPS, 25, step=1, label="Steps", elem_id="diffusion-strokes-steps")
                seed = gr.Number(
                    0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", elem_id="diffusion-strokes-seed"
                )
        with gr.Column(scale=5, min_width=300):
            film = component("stroke_film", elem_id="diffusion-strokes-film")
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            gr.Markdown(STROKE, elem_classes="gb-note", latex_delimiters=LATEX)
    given, shown = [name, steps, seed], [film, strip]
    for event in (run.click, name.input, steps.release):
        event(compute_strokes, given, shown, **RUN, **private())
    return {"drawing_of": name, "drawing_steps": steps, "drawing_seed": seed}, shown
