"""The two ways in which a request can fail by design; anything else is a defect."""


class InputError(ValueError):
    """The visitor's mistake. Its text is one clear sentence that may be shown as it is."""


class WeightsError(RuntimeError):
    """Weights that are missing, damaged, refused or not here yet. Its text may be shown as it is."""
