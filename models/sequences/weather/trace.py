"""Ask the network, the logistic regression and the base rate about one day."""

import math

import torch

from models.errors import InputError
from models.inputs import check_integer, check_number
from models.sequences.unrolled import UnrolledStep, UnrolledTrace
from models.sequences.weather.features import MONTHS, features_of
from models.sequences.weather.network import RainNetwork

TEMPERATURES = (-30.0, 50.0)
WINDS = (0.0, 40.0)


@torch.inference_mode()
def trace_rain(
    network: RainNetwork, temperature_max: float, temperature_min: float, wind: float, month: int
) -> UnrolledTrace:
    """Did it rain on such a day? One step, asked: "yes" and "no" with their probabilities.

    Temperatures in degrees Celsius (-30 to 50), wind in m/s (0 to 40), month 1 to 12. Raises `InputError` for values
    outside and for a highest temperature below the lowest.
    """
    day = _checked(temperature_max, temperature_min, wind, month)
    hidden, logit = network(_features(network, day))
    rain = float(logit.cpu().double().sigmoid())
    output = tuple(sorted((("yes", rain), ("no", 1 - rain)), key=lambda pair: -pair[1]))
    high, low, speed, number = day
    written = f"{high:g} °C by day, {low:g} °C by night, wind {speed:g} m/s, {MONTHS[number - 1]}"
    step = UnrolledStep(written, hidden.float().cpu().numpy(), output, asked=True)
    answer = f"{output[0][0].capitalize()}, with a probability of {100 * output[0][1]:.0f} %."
    return UnrolledTrace("one to one", (step,), answer)


def baselines(
    network: RainNetwork, temperature_max: float, temperature_min: float, wind: float, month: int
) -> dict[str, float]:
    """Probability of rain by simpler means: the logistic regression on the same inputs, and the base rate.

    Units, limits and errors as for `trace_rain`.
    """
    day = _checked(temperature_max, temperature_min, wind, month)
    scaled = network.scaled(_features(network, day)).cpu().double().tolist()
    weights, bias = network.config.logistic_weights, network.config.logistic_bias
    logit = sum(w * x for w, x in zip(weights, scaled, strict=True)) + bias
    return {"logistic regression": 0.5 + 0.5 * math.tanh(logit / 2), "base rate": network.config.base_rate}


def _checked(
    temperature_max: object, temperature_min: object, wind: object, month: object
) -> tuple[float, float, float, int]:
    low, high = TEMPERATURES
    highest = check_number(temperature_max, name="The highest temperature", low=low, high=high)
    lowest = check_number(temperature_min, name="The lowest temperature", low=low, high=high)
    if highest < lowest:
        raise InputError(f"The highest temperature ({highest:g}) is below the lowest ({lowest:g}).")
    speed = check_number(wind, name="The wind", low=WINDS[0], high=WINDS[1])
    return highest, lowest, speed, check_integer(month, name="The month", low=1, high=len(MONTHS))


def _features(network: RainNetwork, day: tuple[float, float, float, int]) -> torch.Tensor:
    return torch.tensor(features_of(*day), device=network.mean.device)
