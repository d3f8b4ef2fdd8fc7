"""The networks that read characters, by name: those of the catalogue, and those that visitors have trained here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import runtime
from models.sequences.units import TrackedUnit, tracked_units
from models.store import Store
from models.weights import Weights, find

if TYPE_CHECKING:
    from models.text.recurrent import CharacterNetwork

TRANSFORMER = "char-transformer"
OWN_BUDGET_BYTES = 64 * 2**20
OWN_MAX_AGE_SECONDS = 3600


@dataclass(frozen=True)
class OwnNetwork:
    """A network that a visitor has trained, and what it is called on the pages."""

    network: "CharacterNetwork"
    title: str


def _bytes(network: "CharacterNetwork") -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())


OWN: Store[OwnNetwork] = Store(
    "networks that visitors have trained",
    OWN_BUDGET_BYTES,
    size=lambda own: _bytes(own.network),
    gone="Your network is no longer kept here: train one again on the last page of this tab.",
    max_age=OWN_MAX_AGE_SECONDS,
    travels=True,
)


def load_cell(name: str) -> runtime.Loaded:
    """A recurrent network in memory: of the catalogue, or kept in `OWN` under this name.

    Raises `InputError` for any other name, `WeightsError` for weights that cannot be used.
    """
    if name not in OWN:
        from models.text.recurrent import load

        return runtime.load(find(name, "sequences").name, load)
    own = OWN.find(name)
    entry = Weights(name, "sequences", own.title, "session", "trained in this tab", "yours")
    parameters = list(own.network.parameters())
    count = sum(parameter.numel() for parameter in parameters)
    return runtime.Loaded(name, own.network, entry, count, _bytes(own.network), str(parameters[0].device))


def load_reader(name: str) -> runtime.Loaded:
    """The same, or the character Transformer."""
    if name != TRANSFORMER:
        return load_cell(name)
    from models.text.causal import load

    return runtime.load(TRANSFORMER, load)


def tracked_by(name: str) -> tuple[TrackedUnit, ...]:
    """Units known to track something; none for a visitor's own network."""
    return () if name in OWN else tracked_units(name)
