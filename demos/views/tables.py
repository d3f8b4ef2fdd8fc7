"""Wide tables scroll by themselves, by keyboard too."""


def scrolls(name: str) -> str:
    """Attributes of the element around a table that may be wider than the page; `name` for who cannot see it."""
    return f'class="gb-scroll" tabindex="0" role="region" aria-label="{name}"'
