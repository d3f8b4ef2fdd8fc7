"""Units found for the visitor, by how well they follow something in the text, and what becomes of it without them."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from demos.sentences import percent
from demos.wire import view

if TYPE_CHECKING:
    from models.sequences.found_units import RankedUnits, Without
    from models.sequences.units import TrackedUnit

NAMES = {" ": "space", "\n": "line break", "\ufffd": "unknown"}


@view
class FoundUnit:
    """A unit and its correlation with something, -1 to 1: here, in this text; known, on unread pages, if measured."""

    unit: int
    here: float
    known: float | None


@view
class FoundUnitsView:
    """The units of `layer` that follow `feature`, the strongest in this text first.

    off: those worth switching off, where any are known to follow it; chance: what the best unit reaches by chance here
    """

    feature: str
    layer: str
    units: list[FoundUnit]
    off: list[int]
    chance: float


@view
class WithoutUnitsView:
    """What becomes of a prediction without some units, in words."""

    sentence: str


def view_of_found(ranked: "RankedUnits", feature: str, tracked: "Sequence[TrackedUnit]") -> FoundUnitsView:
    """The ranking, with what is known of its units from text that no network was trained on."""
    known = {t.unit: t.correlation for t in tracked if (t.feature, t.layer) == (feature, ranked.layer)}
    units = [FoundUnit(unit, round(here, 3), known.get(unit)) for unit, here in ranked.units]
    return FoundUnitsView(feature, ranked.layer, units, list(known), round(ranked.chance, 3))


def view_of_without(found: "Without", units: Sequence[int], character: str) -> WithoutUnitsView:
    """The sentence under the map."""
    after = f"after \u201c{NAMES.get(character, character)}\u201d" if character else "before the first character"
    names = ", ".join(map(str, units))
    said = (
        f"Without unit{'s' if len(units) > 1 else ''} {names}, set to zero {after}, the probability of "
        f"\u201c{NAMES.get(found.symbol, found.symbol)}\u201d goes from {percent(found.before, 1)} to "
        f"{percent(found.after, 1)}; all "
        f"predictions from there on change by {found.bits:.3f} bits."
    )
    if math.isnan(found.others):
        return WithoutUnitsView(said)
    return WithoutUnitsView(
        f"{said} Without as many other units, drawn five times: {percent(found.others, 1)}, {found.others_bits:.3f} "
        "bits."
    )
