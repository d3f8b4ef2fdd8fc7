"""What the network of one-stroke drawings can draw."""

DIGITS = tuple("0123456789")
SHAPES = ("triangle", "square", "fish", "star", "heart", "spiral", "flower")
STROKES = (*DIGITS, *SHAPES)
