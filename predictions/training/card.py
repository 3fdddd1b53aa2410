"""Writes the model card: what people should know before they believe the network."""

from textwrap import fill
from typing import Any

from predictions.core import report_tables as tables
from predictions.core.labels import EMOTIONS
from predictions.core.report import Report

MUON = "Muon for the convolutions and AdamW for the rest"
LIMITS_OF_USE = """
An expression is not a state of mind. The answer says how people would name a face, not what the
person feels, means or will do.

In the European Union it is prohibited to infer emotions of people at work or in education, save
for medical or safety reasons: AI Act (Regulation (EU) 2024/1689), Art. 5(1)(f). Do not use this
network there, nor to judge, rank or screen anyone.

Disgust and fear are rare in the data and often missed: see their recall and how few faces it
rests on.

Who is in the photographs (age, skin, sex, culture, disability) is not recorded, so fairness was
not measured. Assume that it differs between groups.

Faces from the side, in the dark, behind a mask or far away, and drawings, are outside of what it
was trained on; it answers all the same. Its confidence means less there.

It sees one still picture and knows nothing of speech, context or the moment before.
"""
LIMITS = tuple(" ".join(limit.split()) for limit in LIMITS_OF_USE.split("\n\n"))


def card(facts: dict[str, Any]) -> str:
    """The card in Markdown, from the facts as the .json holds them."""
    report: Report = facts["metrics"]
    parts = [
        _opening(facts),
        _data(report),
        _results(facts, report),
        _confusion(report),
        _spoilt(report),
        _precision(facts, report),
        _crop(facts, report),
        _seeds(report),
        _recipe(report),
        _limits(report),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _opening(facts: dict[str, Any]) -> str:
    return f"""
# Emotion network {facts["tag"]}

Reads the facial expression of one cropped face as one of {len(EMOTIONS)} words:
{", ".join(EMOTIONS)}. It has {facts["total_params"]:,} parameters and takes
{facts["macs"] / 1e6:.1f} million multiply-accumulates a face. Input: {facts["input_shape"]},
{facts["input"]}. Its first layer reduces colour to brightness: it sees no colour.

Every figure below was measured on validation rows, which also chose the precision and fitted the
temperature. None comes from a test set: expect less from another camera and other people.
`make evaluate DATA=DIR` measures them anew."""


def _data(report: Report) -> str:
    return f"""
## Data

{tables.provenance_table(report)}

No photograph is shipped. FER+ rows learn the distribution of the votes among the seven emotions;
single votes, contempt, "unknown" and "not a face" are left out. Press rows learn their one label,
smoothed by 5 %. FER+ and the first FER2013 labels agree on 68 % of the faces: the truth below is
the majority of about ten people, not what anyone felt."""


def _results(facts: dict[str, Any], report: Report) -> str:
    temperature = facts["temperature"]
    return f"""
## Results on validation

{tables.sets_table(report)}

Intervals of accuracy and recall are Wilson's, those of macro-F1 a bootstrap over the rows. Macro-F1
counts the classes that have at least ten rows. The temperature is {temperature:.4f}, fitted on
validation rows; the calibration error (ECE, 15 bins) is measured on validation rows, too.

Accuracy when it may keep silent on the rows of which it is less sure:

{tables.coverage_table(report)}

Recall, with the number of faces:

{tables.recall_table(report)}

Each class on the first of the sets:

{tables.class_table(report["sets"][0])}

How sure it was there, and how often right:

{tables.reliability_table(report["sets"][0])}"""


def _confusion(report: Report) -> str:
    first = report["sets"][0]
    return f"""
## Confusion

{first["title"]}:

{tables.confusion_table(first)}"""


def _spoilt(report: Report) -> str:
    if "corruptions" not in report:
        return ""
    return f"""
## What a poor picture costs

The same faces, spoilt after they were cut out at 96x96:

{tables.corruption_table(report)}"""


def _precision(facts: dict[str, Any], report: Report) -> str:
    return f"""
## Precision

{tables.precision_table(report)}

Shipped: **{facts["precision"]}**. int8, calibrated on 500 training faces, is taken when it loses at
most half a point of accuracy on the first of the sets. The `.tflite` answers logits; add the bias
if the `.json` has one, and divide them by the temperature before the softmax.

{tables.agreement(report)}"""


def _crop(facts: dict[str, Any], report: Report) -> str:
    crop = facts["crop"]
    text = f"""
## Which crop it expects

A square around one upright face, from the middle of the forehead to below the chin: the box of
{crop["detector"]}, widened by {crop["margin"]:.0%} of its side on each side, then scaled to 96x96.
"""
    if "crop" in report:
        text += f"""
Accuracy on the first of the sets when the crop is so many times as wide, edges repeated:

{tables.crop_table(report)}
"""
    if report.get("end_to_end"):
        one = report["end_to_end"][0]
        text += f"""
The whole path, from picture to label, by the margin around the detector's box in sides of the box.
{one["n"]} validation faces were put into pictures of a webcam's shape, 90 to 200 pixels wide, their
edges repeated outward into a plain wall (`predictions/training/compose.py`). Accuracy is of the
faces that the detector found; of these, as they were first cut, the network gets
{tables.share(one["as_given"])} right. It finds few faces that look aside, of which FER+ has many.

{tables.margin_table(report)}
"""
    return text


def _seeds(report: Report) -> str:
    if "seeds" not in report:
        return ""
    return f"""
## Seeds

The same recipe from other starts, in fp32, on the first of the sets:

{tables.seeds_table(report)}"""


def _recipe(report: Report) -> str:
    recipe = report.get("recipe", {})
    settings = "\n".join(f"- {name}: {value}" for name, value in recipe.items())
    how, by = "`manage.py train_emotions` with these settings repeats it", MUON
    if "conv_times" not in recipe:
        how, by = "An earlier form of `manage.py train_emotions` made it", "AdamW"
    text = (
        f"{how}; `docs/training.md` says what else was tried. {by}, one cosine, averaged weights, "
        "soft targets, class weights by rarity, and pictures moved, relit, covered, blurred and "
        "packed anew as another webcam might."
    )
    return f"""
## How it was trained

{fill(text, 98)}

{settings}"""


def _limits(report: Report) -> str:
    lines = [fill(one, 98, initial_indent="- ", subsequent_indent="  ") for one in report["limits"]]
    return "\n".join(["## Limits of use", "", *lines])
