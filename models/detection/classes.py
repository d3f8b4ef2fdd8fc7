"""What the embedded detector knows: hands that sign a digit, playing cards, sprites of a game."""

DIGITS = tuple(f"digit {digit}" for digit in range(10))
RANKS = ("nine", "ten", "jack", "queen", "king", "ace")
SPRITES = ("potion", "weapon", "armour", "jewellery", "book", "statue", "tree", "food", "monster")
CLASSES = (*DIGITS, *RANKS, *SPRITES)
UNUSED = "N/A"
"""What COCO's numbers are called that stand for nothing: 11 of 91."""


def named(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that stand for something."""
    return tuple(label for label in labels if label != UNUSED)
