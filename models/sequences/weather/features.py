"""A day as the network reads it."""

import math

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

FEATURES = ("highest temperature", "lowest temperature", "wind", "month (sine)", "month (cosine)")


def features_of(temperature_max: float, temperature_min: float, wind: float, month: int) -> list[float]:
    """One day as the network reads it: degrees Celsius, m/s, and the month on a circle, December next to January."""
    angle = 2 * math.pi * (month - 1) / 12
    return [temperature_max, temperature_min, wind, math.sin(angle), math.cos(angle)]
