from django import template

from predictions.words import EMOTION_WORDS

register = template.Library()


@register.filter
def emotion(name: str) -> str:
    """An emotion class in the reader's language."""
    return str(EMOTION_WORDS.get(name, name))
