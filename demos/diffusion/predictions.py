"""Questions about diffusion on the settings of this tab, answered by denoising."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.diffusion import predictions_beyond
from demos.diffusion.networks import EMBEDDED
from demos.diffusion.plans import check_plan
from demos.predict import Answered, Question, answered, in_order, yes_or_no
from demos.sentences import percent
from models.diffusion.data import ANY_CLASS
from models.errors import InputError
from models.inputs import check_choice

if TYPE_CHECKING:
    from models.diffusion.trace import DenoisingStep, Plan

NEAR = 0.1
SETTLED = 0.03
FEW = 4
EARLY, LATE = 0.2, 0.8
OTHER = {True: "tree", False: "potion"}
ALIKE = ("the same, to the last bit", "alike, within 10 % of the range", "another picture")


def _plan(given: Mapping[str, Any], **changed: object) -> "Plan":
    """One sprite by the embedded network, as the page “Reverse” asks for it, with some settings changed."""
    if given["network"] != EMBEDDED:
        raise InputError("These questions are about the embedded network: choose it on the page “Reverse”.")
    values = {**given, **changed}
    names = ("sprite_class", "steps", "seed", "guidance", "sampler")
    sprite_class, steps, seed, guidance, sampler = (values[name] for name in names)
    return check_plan(sprite_class, 1, steps, seed, guidance, sampler)


def _run(plan: "Plan") -> "list[DenoisingStep]":
    from models.diffusion.edits import begin
    from models.diffusion.sprites import denoise_entry

    return [made.step for made in denoise_entry(begin(plan))]


def _apart(first: np.ndarray, second: np.ndarray) -> float:
    """Root mean square difference as a share of the range -1 to 1."""
    return float(np.sqrt(np.square(first - second).mean()) / 2)


def _quarters(count: int) -> list[int]:
    return [-(-count * part // 4) for part in (1, 2, 3, 4)]


def _in_quarter(question: str, first: int, steps: int, explanation: str) -> Answered:
    """A question for a step number from 1: which quarter of the steps it lies in."""
    bounds = sorted(set(_quarters(steps)))
    lows = [1, *(bound + 1 for bound in bounds[:-1])]
    names = [
        f"step {low} to {bound}" if low < bound else f"step {low}" for low, bound in zip(lows, bounds, strict=True)
    ]
    if len(names) < 2:
        raise InputError("Take more steps on the page “Reverse”: with one there is nothing to ask.")
    return in_order(question, names, next(index for index, bound in enumerate(bounds) if first <= bound), explanation)


def _since(true: np.ndarray) -> int:
    """Number, from 1, of the first step from which on all are true; one past the last where the last is not."""
    wrong = np.flatnonzero(~true)
    return int(wrong[-1]) + 2 if len(wrong) else 1


def ask_settled(given: Mapping[str, Any]) -> Answered:
    """At which step the predicted picture is nearly the final one."""
    plan = _plan(given)
    steps = _run(plan)
    apart = np.array([_apart(step.x_0, steps[-1].x_0) for step in steps])
    first = _since(apart < SETTLED)
    return _in_quarter(
        f"A {plan.sprite_class} is made in {plan.steps} steps. From which step on is the predicted clean picture "
        f"within {percent(SETTLED)} of the final one?",
        first,
        plan.steps,
        f"From step {first} on. The first prediction is {percent(apart[0])} of the range away from the final picture "
        "(root "
        f"mean square), the one half way {percent(apart[len(apart) // 2], 1)}.",
    )


def ask_class(given: Mapping[str, Any]) -> Answered:
    """At which step the class becomes visible to a vision model."""
    from models.diffusion.data import CLASSES
    from models.diffusion.novelty import nearest_training
    from models.diffusion.trace import finished_sprites

    plan = _plan(given)
    if plan.sprite_class == ANY_CLASS:
        raise InputError("Choose a class on the page “Reverse” first: the question is when it becomes visible.")
    steps = _run(plan)
    seen = nearest_training(np.concatenate([finished_sprites(step.x_0) for step in steps])).labels
    names = [CLASSES[int(label)] for label in seen]
    right = np.array([name == plan.sprite_class for name in names])
    if not right[-1]:
        raise InputError(
            f"With this seed the finished sprite looks to the vision model like “{names[-1]}”, not like "
            f"“{plan.sprite_class}”: take another seed."
        )
    first = _since(right)
    before = f" One step earlier it was nearest to “{names[first - 2]}”." if first > 1 else ""
    return _in_quarter(
        f"A vision model compares every predicted picture with the training sprites. From which of the {plan.steps} "
        f"steps on is the nearest one always of the class “{plan.sprite_class}”?",
        first,
        plan.steps,
        f"From step {first} on." + before,
    )


def ask_balance(given: Mapping[str, Any]) -> Answered:
    """When picture and noise have equal parts."""
    from models.diffusion.forward import SCHEDULES, schedule_called
    from models.diffusion.schedule import TRAINING_STEPS

    name = check_choice(given["schedule"], list(SCHEDULES), name="The schedule")
    schedule = schedule_called(name)
    half = next(t for t in range(TRAINING_STEPS) if schedule.alpha_bar(t) < 0.5)
    bounds = _quarters(TRAINING_STEPS)
    level = next(index for index, bound in enumerate(bounds) if half < bound)
    lows = [0, *bounds[:-1]]
    return in_order(
        f"By the {name} schedule, in which part of the {TRAINING_STEPS} times does noise begin to have more of the "
        "variance than the picture?",
        [f"t = {low} to {bound - 1}" for low, bound in zip(lows, bounds, strict=True)],
        level,
        f"At t = {half}, where the squared factor of the picture falls below one half. Nothing is learned here: it is "
        "a table made in advance.",
    )


def _alike(apart: float) -> int:
    return 0 if apart == 0 else 1 if apart < NEAR else 2


def ask_fresh(given: Mapping[str, Any]) -> Answered:
    """What noise added on the way does to a run with the same seed."""
    plan = _plan(given, sampler="ddim")
    first, second = (_run(_plan(given, sampler=name))[-1].x_0 for name in ("ddim", "ddpm"))
    apart = _apart(first, second)
    return in_order(
        f"The same seed, class and {plan.steps} steps: once with DDIM, once with DDPM, which adds fresh noise on the "
        "way. What do you get?",
        ALIKE,
        _alike(apart),
        f"The two pictures are {percent(apart, 1)} of the range apart (root mean square). Both begin with the same "
        "noise; DDPM "
        "then walks its own way.",
    )


def ask_few(given: Mapping[str, Any]) -> Answered:
    """What very few steps give."""
    plan = _plan(given, steps=25)
    many, few = (_run(_plan(given, steps=count))[-1].x_0 for count in (25, FEW))
    apart = _apart(many, few)
    return in_order(
        f"A {plan.sprite_class} is made in {FEW} steps instead of 25, from the same noise. What do you get?",
        ALIKE,
        _alike(apart),
        f"The two are {percent(apart, 1)} of the range apart (root mean square). What is large is settled in the "
        "first steps; "
        "what is left for the others is detail.",
    )


def _forked(given: Mapping[str, Any], share: float) -> tuple["Plan", "Plan", int, float]:
    from models.diffusion.edits import fork
    from models.diffusion.sprites import denoise_entry

    plan = _plan(given)
    if plan.steps < FEW:
        raise InputError(f"Take at least {FEW} steps on the page “Reverse”.")
    other = _plan(given, sprite_class=OTHER[plan.sprite_class == "potion"])
    steps, place = _run(plan), round(share * (plan.steps - 1))
    *_, last = (made.step for made in denoise_entry(fork(plan, steps, place, other)))
    return plan, other, place, _apart(last.x_0, steps[-1].x_0)


def ask_fork(given: Mapping[str, Any]) -> Answered:
    """What another class can still change late in a run."""
    plan, other, place, late = _forked(given, LATE)
    _, _, early_place, early = _forked(given, EARLY)
    return in_order(
        f"A {plan.sprite_class} is under way. From step {place + 1} of {plan.steps} on the network is told "
        f"“{other.sprite_class}” instead. What comes out?",
        ALIKE,
        _alike(late),
        f"{percent(late, 1)} of the range away from the {plan.sprite_class} that was under way. Forked at step "
        f"{early_place + 1} it would be {percent(early, 1)}: what is large is decided early.",
    )


def ask_guidance(given: Mapping[str, Any]) -> Answered:
    """Whether stronger guidance gives more contrast."""
    plan = _plan(given, guidance=1)
    plain, strong = (_run(_plan(given, guidance=value))[-1].x_0 for value in (1, 4))
    before, after = float(plain.std()), float(strong.std())
    return yes_or_no(
        f"The {plan.sprite_class} is made without guidance (1) and with 4. Does the guided one have more contrast (a "
        "larger spread of its pixel values)?",
        yes=after > before,
        explanation=f"Spread (standard deviation) {before:.3f} without and {after:.3f} with guidance; the pictures are "
        f"{percent(_apart(plain, strong), 1)} of the range apart. Guidance goes further in the direction of the class.",
    )


def ask_samplers(given: Mapping[str, Any]) -> Answered:
    """Whether Euler and DDIM end at the same picture."""
    first, second = (_run(_plan(given, sampler=name))[-1].x_0 for name in ("ddim", "euler"))
    apart = _apart(first, second)
    return answered(
        "The same noise is denoised by DDIM and by Euler. How far apart are the two pictures?",
        "less than 1 % of the range" if apart < 0.01 else "1 % to 10 %" if apart < NEAR else "more than 10 %",
        ("less than 1 % of the range", "1 % to 10 %", "more than 10 %"),
        f"{percent(apart, 2)} (root mean square). Euler takes the same step in other coordinates.",
    )


QUESTIONS = (
    Question("balance", "half noise", "forward", ask_balance),
    Question("settled", "when it is settled", "reverse", ask_settled),
    Question("class", "when the class shows", "reverse", ask_class),
    Question("fresh", "fresh noise", "reverse", ask_fresh),
    Question("samplers", "two samplers", "reverse", ask_samplers),
    Question("few", "four steps", "reverse", ask_few),
    Question("guidance", "guidance", "reverse", ask_guidance),
    Question("fork", "another class, late", "reverse", ask_fork),
    *predictions_beyond.QUESTIONS,
)
