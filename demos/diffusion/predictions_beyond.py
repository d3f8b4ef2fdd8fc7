"""Questions about the last pages of the tab: what copies, what a measurement and a lone step leave open, other data."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from demos.diffusion.applications import COUNT, STEPS
from demos.diffusion.other_data import ANY, DRAWINGS, check_template
from demos.diffusion.plans import MAX_STEPS, check_plan, check_seed, example_sprites
from demos.predict import Answered, Question, in_order, yes_or_no
from demos.sentences import percent
from demos.views.diffusion_applications import enlarged_smoothly
from demos.views.diffusion_blanks import entropy_of
from models.diffusion.lines import BLANK, ORDERS, symbols_of
from models.diffusion.schedule import GUIDANCE
from models.diffusion.stroke_classes import STROKES
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_choice, check_integer

AS_MANY = ("less than half as many", "half as many or more, but fewer", "as many or more")
AS_FAR = ("a tenth as far, or less", "a tenth to a half as far", "more than half as far")


def ask_copies(given: Mapping[str, Any]) -> Answered:
    """From how many training sprites on fewer than half of the samples are copies."""
    from models.diffusion.copying import copying

    networks = copying().networks
    shares = [one.copies / len(one.rgba) for one in networks]
    names = [f"{one.count:,}" for one in networks]
    first = next((place for place, share in enumerate(shares) if share < 0.5), None)
    if first is None:
        raise InputError("All of these networks copy: there is nothing to ask.")
    counted = "; ".join(f"{one.copies} of {len(one.rgba)} on {one.count:,}" for one in networks)
    return in_order(
        f"The same small network is trained on {', '.join(names[:-1])} or {names[-1]} sprites, equally long. From how "
        "many on are fewer than half of its samples copies?",
        names,
        first,
        f"Copies: {counted}. What it cannot keep it must describe by what many sprites have in common.",
    )


def ask_loss(given: Mapping[str, Any]) -> Answered:
    """Which of the networks has the lowest training loss."""
    from models.diffusion.copying import copying

    networks = copying().networks
    losses = [one.loss for one in networks]
    best = int(np.argmin(losses))
    told = "; ".join(f"{one.loss:.3f} on {one.count:,} ({one.copies} of {len(one.rgba)} copied)" for one in networks)
    return in_order(
        "The four networks were trained equally long, on few sprites or on many. Which has the lowest loss at the end, "
        "measured on its own training sprites?",
        [f"the one with {one.count:,}" for one in networks],
        best,
        f"Loss: {told}. A low loss is cheap where there is little to learn by heart: what is wanted, new pictures, it "
        "does not measure.",
    )


def ask_enlarged(given: Mapping[str, Any]) -> Answered:
    """Whether what the network invents is nearer to the hidden original than plain enlarging."""
    from models.diffusion.data import to_signal
    from models.diffusion.found import distance
    from models.diffusion.restoring import MEASUREMENTS
    from models.diffusion.sprites import restore_sprite
    from models.diffusion.trace import finished_sprites

    name = check_choice(given["application_picture"], list(example_sprites()), name="The picture")
    plan = check_plan(name, COUNT, STEPS, given["application_seed"], GUIDANCE, "ddpm")
    rgba = read_rgba(example_sprites()[name])
    true = to_signal(rgba[None])
    plain = distance(enlarged_smoothly(MEASUREMENTS["small"].of(true)[0]), true[0])
    *_, last = restore_sprite(plan, rgba, "small")
    made = to_signal(finished_sprites(last.step.x_0))
    apart = [distance(one, true[0]) for one in made]
    return yes_or_no(
        f"The {name} is made half as large. The network makes {COUNT} of full size of it and invents the detail. Are "
        "they, on average, nearer to the hidden original than plain enlarging (bicubic), which invents nothing?",
        yes=float(np.mean(apart)) < plain,
        explanation=f"They are {np.mean(apart):.3f} from it on average ({min(apart):.3f} to {max(apart):.3f}), plain "
        f"enlarging {plain:.3f} (root mean square, -1 to 1). Made small, all are the same picture.",
    )


def ask_at_once(given: Mapping[str, Any]) -> Answered:
    """How many words fit where all blanks are drawn at once."""
    symbols = symbols_of(check_template(given["line"]))
    order, seed = check_choice(given["line_order"], ORDERS, name="The order"), check_seed(given["line_seed"])
    if not (symbols == BLANK).any():
        raise InputError("The line on the page “Other data” has no blank.")
    from models.diffusion.masked import fill_beside

    beside = list(fill_beside(symbols, order, seed))
    few, many = beside[0], beside[-1]
    if min(few.words.total, many.words.total) < few.lines or not many.words.known:
        raise InputError("Too few whole words can be drawn in this line: give it more blanks.")
    shares = [one.words.known / one.words.total for one in (few, many)]
    return in_order(
        f"The blanks of the line are filled in {many.steps} steps, and all at once, {few.lines} times each. Of the "
        f"drawn words, how many are words of the books when all come at once, beside those of {many.steps} steps?",
        AS_MANY,
        0 if shares[0] < shares[1] / 2 else 1 if shares[0] < shares[1] else 2,
        f"{percent(shares[0])} of {few.words.total} words at once, {percent(shares[1])} of {many.words.total} in "
        f"{many.steps} steps. Letters that are drawn at once do not know each other: each is likely by itself.",
    )


def ask_side(given: Mapping[str, Any]) -> Answered:
    """From which side the first blank is more decided."""
    symbols = symbols_of(check_template(given["line"]))
    blank = symbols == BLANK
    if not blank.any() or blank.all():
        raise InputError(
            "Give the line on the page “Other data” letters as well as blanks: there is nothing to read them from."
        )
    place = int(blank.argmax())
    from models.diffusion.masked import look_from_sides

    sides = look_from_sides(symbols, place)
    both, left, right = (float(entropy_of(one)) for one in (sides.both, sides.left, sides.right))
    return in_order(
        f"Before any blank is filled, the network is asked for the first one, character {place + 1}: once it sees only "
        "what stands left of it, once only what stands right of it. From where is it more decided?",
        ("from the left", "from the right"),
        0 if left <= right else 1,
        f"Entropy {left:.2f} bits from the left alone, {right:.2f} from the right alone, {both:.2f} from both.",
    )


def ask_mean(given: Mapping[str, Any]) -> Answered:
    """How different drawings are that were made in a single step."""
    name = check_choice(given["drawing"], [*STROKES, ANY], name="What to draw")
    steps = check_integer(given["drawing_steps"], name="The number of steps", low=1, high=MAX_STEPS)
    seed = check_seed(given["drawing_seed"])
    if steps == 1:
        raise InputError("Take more than one step for the drawings on the page “Other data”.")
    from models.diffusion.strokes import draw_strokes

    once, often = (draw_strokes(name, DRAWINGS, count, seed).x_0[-1] for count in (1, steps))
    few, many = (float(made.std(axis=0).mean()) for made in (once, often))
    ratio = few / many
    what = "a drawing of any kind" if name == ANY else f"the drawing “{name}”"
    return in_order(
        f"{DRAWINGS} times {what} comes out of different noise: in {steps} steps, and in one. How far are the drawings "
        f"of one step from each other, beside those of {steps} steps?",
        AS_FAR,
        0 if ratio <= 0.1 else 1 if ratio <= 0.5 else 2,
        f"Points vary by {few:.3f} from drawing to drawing in one step, by {many:.3f} in {steps} (standard deviation). "
        "Out of noise alone the best guess is the mean of all that it could become, and that is one drawing.",
    )


QUESTIONS = (
    Question("copies", "when it stops copying", "copying", ask_copies),
    Question("loss", "the lowest loss", "copying", ask_loss),
    Question("enlarged", "invented detail", "applications", ask_enlarged),
    Question("at-once", "all blanks at once", "other_data", ask_at_once),
    Question("side", "left or right", "other_data", ask_side),
    Question("mean", "a drawing in one step", "other_data", ask_mean),
)
READ = {
    "application_picture": "diffusion-do-picture",
    "application_seed": "diffusion-do-seed",
    "line": "diffusion-blanks-text",
    "line_order": "diffusion-order",
    "line_seed": "diffusion-blanks-seed",
    "drawing": "diffusion-strokes-name",
    "drawing_steps": "diffusion-strokes-steps",
    "drawing_seed": "diffusion-strokes-seed",
}
"""What they read, by the name they know it by: the element id of the control."""
