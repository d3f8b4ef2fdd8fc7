"""What pages would show whose model is not here: a sketch, said to be one, in words for who does not see it."""

from collections.abc import Iterator

GRID, CELL = 8, 16


def sketch_of_windows() -> str:
    """Windows of patches, moved by half a window in the next block (Swin)."""
    plain = "".join(_patches(range(18, 22), GRID, CELL)) + _windows(0)
    moved = f'<g transform="translate(160 0)">{"".join(_patches(range(18, 22), GRID, CELL))}{_windows(2)}</g>'
    names = '<text x="0" y="146">one block</text><text x="160" y="146">the next: windows moved</text>'
    said = "Eight by eight patches in four windows; in the next block the windows have moved by half of their side."
    return _figure(plain + moved + names, 330, 152, said)


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
