"""The ways in which a request can fail by design; anything else is a defect."""


class SpokenError(Exception):
    """A failure whose text is one clear sentence that may be shown as it is."""


class InputError(SpokenError, ValueError):
    """The visitor's mistake."""


class WeightsError(SpokenError, RuntimeError):
    """Weights that are missing, damaged, refused or not here yet."""


class EngineError(SpokenError, RuntimeError):
    """Where it is computed, there is no room, no answer, or no machine any more."""
