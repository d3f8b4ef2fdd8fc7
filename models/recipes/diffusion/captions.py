"""Captions for sprites: what their names say, and the colour that their pixels have."""

import re

import numpy as np

from models.diffusion.colours import COLOURS
from models.diffusion.data import CLASSES

KINDS = {"armour": ("armour", "armor"), "person": ("person", "adventurer"), "jewellery": ("jewel", "jewellery")}
"""What a class is called in captions, where it is not its own name."""
SCROLL = re.compile(r"scroll|parchment")
NOT_WORDS = re.compile(
    r"\b(urand|spwpn|dngn|art|multi|single|base|unknown|old|new|xmas|artefact|[a-z]|level|tloc|conj|summ|necro|alch)\b"
)
NAME_COLOURS = re.compile(
    rf"\b({'|'.join(COLOURS)}|gray|magenta|violet|golden|gold|silver|bronze|emerald|ruby|sky|dark|light|brilliant|pale"
    r"|aqua|crimson|teal|lightgreen|lightgrey|lightred|darkbrown|celtic|clear)\b"
)
NAMED_BY_ITSELF = {"monster", "person", "weapon", "armour", "tree", "food", "statue"}
"""Classes whose sprites' names say what they are; other names say how it looks, and the kind follows."""

UNSEEN = {
    "potion": ("orange", "black"),
    "wand": ("blue", "purple", "cyan"),
    "statue": ("purple", "pink"),
    "tree": ("white",),
    "food": ("blue", "pink"),
    "altar": ("pink",),
    "jewellery": ("black",),
}
"""Colours that a kind never has in training, to see whether the network can put together what it learned apart."""


def kind_of(label: int, name: str) -> str:
    """What a sprite is called: its class, but that books are not scrolls."""
    if CLASSES[label] == "scroll":
        return "scroll" if SCROLL.search(name.lower()) else "book"
    return CLASSES[label]


def words_of_name(name: str, *, colours: bool) -> str:
    """The words in a sprite's name, without numbers and marks of the game; also without colours, if not `colours`."""
    words = re.sub(r"[\W\d_]+", " ", name.lower())
    words = NOT_WORDS.sub(" ", words if colours else NAME_COLOURS.sub(" ", words))
    return " ".join(words.split())


def caption(label: int, name: str, colour: str | None, own_colour: bool, random: np.random.Generator) -> str:
    """One of the ways to say what a sprite is.

    colour: the one measured, None where none dominates. own_colour: whether it is the sprite's own, so that the colour
    in its name is true.
    """
    kind = kind_of(label, name)
    kind = random.choice(KINDS.get(kind, (kind,)))
    draw = random.random()
    if draw < 0.6:
        words = [kind]
    else:
        said = words_of_name(name, colours=own_colour and draw > 0.85)
        named = CLASSES[label] in NAMED_BY_ITSELF and said and random.random() < 0.7
        words = [said] if named or said.endswith(kind) else [said, kind]
        if said and colour and colour in said.split():
            colour = None
    if colour and random.random() < 0.85:
        words.insert(0, colour)
    if random.random() < 0.15:
        words.insert(0, "a")
    return " ".join(word for word in words if word)
