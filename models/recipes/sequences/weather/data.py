"""Four years of weather in Seattle: what is known of a day, and whether it rained.

Source: daily records of 2012 to 2015 by NOAA (public domain), `seattle-weather.csv` of the Python package
`vega_datasets` (MIT). A day counts as a day of rain if its `precipitation` is above zero, snow included.
"""

import csv
import importlib.util
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.errors import InputError
from models.sequences.weather.features import features_of

HELD_OUT_YEAR = 2015


class Days(NamedTuple):
    """`features` [days, 5] float64 in the order of `FEATURES`, `rain` [days] bool, `year` [days] int64."""

    features: np.ndarray
    rain: np.ndarray
    year: np.ndarray

    def where(self, chosen: np.ndarray) -> "Days":
        """The days that `chosen` (a mask or indices) picks."""
        return Days(*(column[chosen] for column in self))


def packaged_file() -> Path:
    """`seattle-weather.csv` of the installed package. Raises `InputError` if it is not installed."""
    spec = importlib.util.find_spec("vega_datasets")
    if spec is None or spec.origin is None:
        raise InputError("Install the package vega_datasets, or name its seattle-weather.csv with --data.")
    return Path(spec.origin).parent / "_data" / "seattle-weather.csv"


def read(path: Path) -> Days:
    """All days of the file, in its order. Raises `InputError` for a file of another form."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            days = [_day(row) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path.name} is not a table like seattle-weather.csv.") from error
    if not days:
        raise InputError(f"{path.name} holds no days.")
    features, rain, year = zip(*days, strict=True)
    return Days(np.array(features), np.array(rain), np.array(year))


def split(days: Days) -> tuple[Days, Days]:
    """Days for training and held-out days: the year 2015 is never trained on."""
    held_out = days.year == HELD_OUT_YEAR
    return days.where(~held_out), days.where(held_out)


def _day(row: dict[str, str]) -> tuple[list[float], bool, int]:
    day = date.fromisoformat(row["date"].replace("/", "-"))
    features = features_of(float(row["temp_max"]), float(row["temp_min"]), float(row["wind"]), day.month)
    return features, float(row["precipitation"]) > 0, day.year
