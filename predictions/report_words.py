"""A report in people's words. What reports say in English is told in Spanish too."""

from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from predictions.core.report_view import Column, Row
from predictions.words import EMOTION_WORDS

NO_BREAK: Final = "\N{NO-BREAK SPACE}"
HEADS: Final = {
    "accuracy": _("Accuracy"),
    "as_given": _("Accuracy when cut by hand"),
    "class": _("Class"),
    "corruption": _("What was done to the picture"),
    "confidence": _("Mean confidence"),
    "drop": _("Lost, in points"),
    "ece": _("Calibration error"),
    "ece_before": _("Calibration error before the temperature"),
    "f1": _("F1"),
    "format": _("Numbers of the network"),
    "found": _("Faces found"),
    "high": _("up to"),
    "licence": _("Licence"),
    "low": _("Confidence from"),
    "macro_f1": _("Macro-F1"),
    "macro_f1_classes": _("Classes in macro-F1"),
    "margin": _("Margin around the face"),
    "n": _("Number"),
    "p50": _("Half are faster than"),
    "p95": _("19 of 20 are faster than"),
    "precision": _("Precision"),
    "recall": _("Recall"),
    "same_keras": _("The same answer as the Keras file"),
    "same_training": _("The same answer as the training code"),
    "seed": _("Seed"),
    "share": _("Most confident answers"),
    "side": _("Side of the crop"),
    "source": _("Source"),
    "test": _("Never seen, to report"),
    "threshold": _("Confidence at least"),
    "title": _("Pictures"),
    "top3": _("Among the first three"),
    "train": _("For training"),
    "truth": _("Truth"),
    "validation": _("For validation"),
}
# What shipped reports say; a test looks that nothing is missing here.
SENTENCES: Final = (
    gettext_noop("FER+ faces on which more than half of the crowd agrees"),
    gettext_noop("all FER+ faces, doubtful ones too, by majority"),
    gettext_noop("press photographs of people it never saw"),
    gettext_noop("hands of the sources that it learnt from"),
    gettext_noop("hands of a source that it never saw"),
    gettext_noop("blurred, 2 pixels of 96"),
    gettext_noop("JPEG of quality 30"),
    gettext_noop("dark, 30 % of the light"),
    gettext_noop("turned by 20° to the left"),
    gettext_noop("turned by 20° to the right"),
    gettext_noop("a band over the upper third"),
    gettext_noop("a band over the lower third"),
    gettext_noop("gray noise, 20 of 255"),
    gettext_noop("FER2013 faces (48x48 gray) with FER+ crowd votes"),
    gettext_noop("press photographs (muxspace), split by person"),
    gettext_noop(
        "votes MIT; the photographs were collected from the web for a contest in 2013, without an "
        "open licence"
    ),
    gettext_noop("repository Apache-2.0"),
    gettext_noop(
        "An expression is not a state of mind. The answer says how people would name a face, not "
        "what the person feels, means or will do."
    ),
    gettext_noop(
        "In the European Union it is prohibited to infer emotions of people at work or in "
        "education, save for medical or safety reasons: AI Act (Regulation (EU) 2024/1689), Art. "
        "5(1)(f). Do not use this network there, nor to judge, rank or screen anyone."
    ),
    gettext_noop(
        "Disgust and fear are rare in the data and often missed: see their recall and how few "
        "faces it rests on."
    ),
    gettext_noop(
        "Who is in the photographs (age, skin, sex, culture, disability) is not recorded, so "
        "fairness was not measured. Assume that it differs between groups."
    ),
    gettext_noop(
        "Faces from the side, in the dark, behind a mask or far away, and drawings, are outside of "
        "what it was trained on; it answers all the same. Its confidence means less there."
    ),
    gettext_noop(
        "It sees one still picture and knows nothing of speech, context or the moment before."
    ),
    gettext_noop("photographs of hands: keptsecret"),
    gettext_noop("photographs of hands: hackmit"),
    gettext_noop("photographs of hands: longhongvo"),
    gettext_noop("photographs of hands: massey"),
    gettext_noop("photographs of hands: t32rahman"),
    gettext_noop("repository MIT"),
    gettext_noop("public domain (CC0)"),
    gettext_noop("repository MIT; reported, never learnt from"),
    gettext_noop(
        "J and Z are signed by a movement. A still picture shows at most their beginning or "
        "end, so every answer that names one of them is a guess, and says so."
    ),
    gettext_noop(
        "It learnt from the hands of about ten people in a few rooms. On other people, cameras "
        "and rooms it is right far less often than on validation rows: the figure to believe is"
        " that of the source it never saw."
    ),
    gettext_noop(
        "It spells letters of the American Sign Language; it does not understand signing, which"
        " is a language with words and a grammar of its own. Do not use it instead of an "
        "interpreter."
    ),
    gettext_noop(
        "It sees one hand that fills a good part of the picture. Without a hand, or with two, "
        "it may still name a letter."
    ),
    gettext_noop(
        "Whose hands they are (age, skin, sex, injuries) is not recorded, so fairness was not "
        "measured. Light skin is most of the training data."
    ),
)


def said(text: str) -> str:
    """A sentence of a report in the reader's language, or as it is."""
    return gettext(text) if text else ""


def class_word(name: str) -> str:
    return str(EMOTION_WORDS.get(name, name))


def head(column: Column) -> str:
    if not column.name:
        return str(HEADS.get(column.key, column.key))
    if column.kind == "share":
        return gettext("Recall of {name}").format(name=class_word(column.name))
    return class_word(column.name)


def cell(column: Column, row: Row) -> str:
    """What a cell shows; its interval stands behind the value."""
    shown = _value(column, row[column.key])
    if column.ends is None or row[column.ends[0]] is None:
        return shown
    low, high = (_value(column, row[end]) for end in column.ends)
    return f"{shown} ({low.removesuffix(f'{NO_BREAK}%')}{NO_BREAK}–{NO_BREAK}{high})"


def _value(column: Column, value: object) -> str:
    if column.key == "seed" and value is None:
        return gettext("Mean")
    match value:
        case None:
            return "—"
        case str():
            return class_word(value) if column.kind == "class" else said(value)
        case int() | float():
            return _number(column, value)
    return str(value)


def _number(column: Column, value: float) -> str:
    match column.kind:
        case "count":
            return _rounded(value, 0)
        case "share":
            return f"{_rounded(value * 100, 1)}{NO_BREAK}%"
        case "points":
            return _rounded(value * 100, 1)
        case "ms":
            return f"{_rounded(value, 2)}{NO_BREAK}ms"
        case "number":
            return _rounded(value, 2)
    return _rounded(value, 3)


def _rounded(value: float, decimals: int) -> str:
    """Django's own function cuts decimals off."""
    return number_format(round(value, decimals), decimals)
