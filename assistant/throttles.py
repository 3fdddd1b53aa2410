"""How often a stranger may ask."""

from predictions.throttles import AnonymousPredictions


class AnonymousImages(AnonymousPredictions):
    """Pictures that are looked at: each costs some tenths of a second."""

    scope = "anonymous_images"
    rate = "60/min"
