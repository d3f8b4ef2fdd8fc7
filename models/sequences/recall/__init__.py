"""How long does a network remember? A name, a stretch of other text, and the name must be written again."""
