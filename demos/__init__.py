"""What the visitor sees: one module a tab. `DEMOS` is the order of the tabs."""

DEMOS: tuple[str, ...] = ("sequences", "attention", "vit", "detection", "diffusion")
