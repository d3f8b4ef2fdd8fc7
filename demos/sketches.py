"""What pages would show whose model is not here: a sketch, said to be one, in words for who does not see it."""

from collections.abc import Iterator

GRID, CELL = 8, 16
DISC, DOT = 7, 12
BARS = (("an elephant", 0.86), ("an umbrella", 0.08), ("a stop sign", 0.06))


def sketch_of_names() -> str:
    """A picture, three names and how well each fits (CLIP)."""
    bars = "".join(
        f'<text x="150" y="{30 + 30 * row}">{name}</text>'
        f'<rect x="240" y="{19 + 30 * row}" width="{120 * share:.0f}" height="14" fill="var(--gb-prediction)"/>'
        for row, (name, share) in enumerate(BARS)
    )
    picture = "".join(_patches((2, 3, 10, 11), 4, 26))
    arrow = '<path d="M118 60 h22 m-7 -5 l7 5 l-7 5" fill="none" stroke="var(--gb-subtle)"/>'
    return _figure(
        f"{picture}{arrow}{bars}", 380, 112, "A picture beside three names, and a bar for how well each fits."
    )


def sketch_of_windows() -> str:
    """Windows of patches, moved by half a window in the next block (Swin)."""
    plain = "".join(_patches(range(18, 22), GRID, CELL)) + _windows(0)
    moved = f'<g transform="translate(160 0)">{"".join(_patches(range(18, 22), GRID, CELL))}{_windows(2)}</g>'
    names = '<text x="0" y="146">one block</text><text x="160" y="146">the next: windows moved</text>'
    said = "Eight by eight patches in four windows; in the next block the windows have moved by half of their side."
    return _figure(plain + moved + names, 330, 152, said)


def sketch_of_steps() -> str:
    """Noise that becomes a picture, step by step, with a word that looks at a part of it (large diffusion models)."""
    frames = "".join(
        f'<g transform="translate({96 * step} 0)">{"".join(_noisy(step / 3))}<text x="0" y="98">{name}</text></g>'
        for step, name in enumerate(("noise", "step 10", "step 20", "picture"))
    )
    return _figure(frames, 372, 104, "Four squares: noise on the left becomes a disc on the right, step by step.")


def _figure(drawn: str, width: int, height: int, said: str) -> str:
    return (
        f'<figure class="gb-sketch"><svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{said}">'
        f'{drawn}</svg><figcaption class="gb-caption">A sketch of what this page shows; nothing is computed here yet.'
        "</figcaption></figure>"
    )


def _patches(marked: "range | tuple[int, ...]", side: int, cell: int) -> Iterator[str]:
    for patch in range(side * side):
        color = "var(--gb-key)" if patch in marked else "var(--gb-line)"
        x, y = patch % side * cell, patch // side * cell
        yield f'<rect x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" fill="{color}"/>'


def _windows(moved: int) -> str:
    """Borders of windows of half the grid's side, moved by so many patches."""
    places = [(start - moved) * CELL for start in range(0, GRID + 1, GRID // 2)]
    inside = [
        place - 1 for place in {*places, *(place + GRID // 2 * CELL for place in places)} if 0 <= place <= GRID * CELL
    ]
    lines = "".join(f"M{place} -1 v{GRID * CELL} M-1 {place} h{GRID * CELL} " for place in sorted(inside))
    return f'<path d="{lines}" stroke="var(--gb-query)" stroke-width="2.5" fill="none"/>'


def _noisy(clear: float) -> Iterator[str]:
    """A disc of cells under noise; clear: 0 for noise alone, 1 for the disc alone."""
    yield '<g fill="var(--gb-prediction)">'
    for place in range(DISC**2):
        row, column = divmod(place, DISC)
        disc = 1.0 if (row - DISC // 2) ** 2 + (column - DISC // 2) ** 2 < DISC else 0.1
        noise = (place * 7919 + 104729) % 97 / 96
        x, y, side = column * DOT, row * DOT, DOT
        share = clear * disc + (1 - clear) * noise
        yield f'<rect x="{x}" y="{y}" width="{side}" height="{side}" opacity="{share:.1f}"/>'
    yield "</g>"
