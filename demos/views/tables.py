"""Wide tables scroll by themselves, by keyboard too."""

SCROLLS = 'class="gb-scroll" tabindex="0" role="region" aria-label="Table"'
"""Attributes of the element around a table that may be wider than the page."""
