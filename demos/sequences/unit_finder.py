"""Find it for me: the units that follow something in the visitor's text, and what the network says without them."""

from typing import Any

from demos.sequences.reading import kept_reading
from demos.tab import answering
from demos.views.units import FoundUnitsView, WithoutUnitsView, view_of_found, view_of_without
from models.errors import InputError
from models.inputs import check_integer

RANKED = 24
MOST_OFF = 20


@answering
def units_found(request: dict[str, Any]) -> FoundUnitsView:
    """The units of the layer shown that follow a feature best in a kept reading: `{"reading", "feature"}`."""
    from models.sequences.found_units import rank_units

    reading = kept_reading(str(request.get("reading")))
    ranked = rank_units(reading.trace, request.get("feature"), reading.layer, RANKED)
    return view_of_found(ranked, str(request.get("feature")), reading.facts.tracked)


@answering
def units_off(request: dict[str, Any]) -> WithoutUnitsView:
    """What is predicted with some units set to zero at one place: `{"reading", "position", "units"}`."""
    from models.sequences.found_units import without_units

    reading, given = kept_reading(str(request.get("reading"))), request.get("units")
    if not isinstance(given, list) or not 0 < len(given) <= MOST_OFF:
        raise InputError(f"Name 1 to {MOST_OFF} units.")
    last = reading.facts.units - 1
    units = tuple(dict.fromkeys(check_integer(unit, name="The unit", low=0, high=last) for unit in given))
    length = len(reading.trace.text)
    position = check_integer(request.get("position"), name="The position", low=0, high=length - 1)
    found = without_units(reading.facts.name, reading.trace, position, units)
    return view_of_without(found, units, reading.trace.text[position] if position else "")
