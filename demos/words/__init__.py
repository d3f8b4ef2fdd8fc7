"""The interface's own words."""

LANGUAGES = ("en", "ko", "de")
