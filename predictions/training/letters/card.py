"""Writes the model card of a letter network."""

from textwrap import fill
from typing import Any

from predictions.core import report_tables as tables
from predictions.core.report import Report

LIMITS_OF_USE = """
J and Z are signed by a movement. A still picture shows at most their beginning or end, so every
answer that names one of them is a guess, and says so.

It learnt from the hands of about ten people in a few rooms. On other people, cameras and rooms it
is right far less often than on validation rows: the figure to believe is that of the source it
never saw.

It spells letters of the American Sign Language; it does not understand signing, which is a
language with words and a grammar of its own. Do not use it instead of an interpreter.

It sees one hand that fills a good part of the picture. Without a hand, or with two, it may still
name a letter.

Whose hands they are (age, skin, sex, injuries) is not recorded, so fairness was not measured.
Light skin is most of the training data.
"""
LIMITS = tuple(" ".join(limit.split()) for limit in LIMITS_OF_USE.split("\n\n"))


def card(facts: dict[str, Any]) -> str:
    """The card in Markdown, from the facts as the .json holds them."""
    report: Report = facts["metrics"]
    parts = [
        _opening(facts),
        _data(report),
        _results(facts, report),
        *(_each(scores) for scores in report["sets"]),
        _left_out(facts),
        _threshold(facts),
        _spoilt(report),
        _precision(facts, report),
        _seeds(report),
        _recipe(report),
        _limits(report),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _opening(facts: dict[str, Any]) -> str:
    small = facts["metrics"]["recipe"]["small"]
    purpose = (
        "Made to be taken to hardware: plain convolutions, pooling and dense layers."
        if small
        else ""
    )
    return f"""
# Letter network {facts["tag"]}

Reads the letter of the American Sign Language that one hand shows: A to Z. {purpose}
It has {facts["total_params"]:,} parameters and takes {facts["macs"] / 1e6:.1f} million
multiply-accumulates a picture. Input: {facts["input_shape"]}, {facts["input"]}."""


def _data(report: Report) -> str:
    rows = (
        [
            one["source"],
            f"{one['train']:,}",
            f"{one['validation']:,}",
            f"{one['test']:,}",
            one["licence"],
        ]
        for one in report.get("provenance", [])
    )
    return f"""
## Data

{tables.table(["source", "training", "validation", "test", "licence"], rows)}

No photograph is shipped but a few of massey's validation rows (CC0), as test pictures. The frames
of a source are mostly one hand in one room, so rows of the same source flatter; the test source was
looked at for this report alone."""


def _results(facts: dict[str, Any], report: Report) -> str:
    return f"""
## Results

{tables.sets_table(report)}

Intervals of accuracy are Wilson's, those of macro-F1 a bootstrap over the rows. The temperature is
{facts["temperature"]:.4f}, fitted on {facts["temperature_from"]}; ECE has 15 bins.

Accuracy when it may keep silent on the rows of which it is less sure:

{tables.coverage_table(report)}"""


def _each(scores: Any) -> str:
    return f"""
## Letter by letter: {scores["title"]}

{tables.class_table(scores)}

How sure it was, and how often right:

{tables.reliability_table(scores)}

{tables.confusion_table(scores)}"""


def _left_out(facts: dict[str, Any]) -> str:
    if not facts["left_out"]:
        return ""
    rows = (
        [
            one["source"],
            f"{one['n']:,}",
            tables.share(one["accuracy"]),
            tables.share(one["top3"]),
            tables.share(one["ece"]),
        ]
        for one in facts["left_out"]
    )
    return f"""
## Sources held out

The same kind of network, trained for fewer epochs without one of the sources, on all rows of that
one. Massey held out chose the settings, and the answers of all gave the temperature and the
threshold:

{tables.table(["source", "n", "accuracy", "top-3", "ECE"], rows)}"""


def _threshold(facts: dict[str, Any]) -> str:
    found = facts["abstention"]
    text = f"""
## No letter

Below a confidence of {facts["threshold"]:.2f} the answer is "no letter": about four of
five such answers would be wrong."""
    if "left_out_right_of_named" in found:
        text += f""" Of the hands of sources held out it names {found["left_out_named"]:.0%},
{found["left_out_right_of_named"]:.0%} of them rightly."""
    if "rooms_named" in found:
        text += f"""
Of 300 rooms whose hand was painted over it still names a letter in {found["rooms_named"]:.0%}."""
    return text


def _spoilt(report: Report) -> str:
    return f"""
## What a poor picture costs

On validation rows:

{tables.corruption_table(report)}

When the picture shows so many times as much around the hand, edges repeated:

{tables.crop_table(report)}"""


def _precision(facts: dict[str, Any], report: Report) -> str:
    return f"""
## Precision

{tables.precision_table(report)}

Shipped: **{facts["precision"]}**. int8, calibrated on 500 training hands, is taken when it loses at
most half a point on validation rows. The `.tflite` answers logits; divide them by the temperature
before the softmax."""


def _seeds(report: Report) -> str:
    seeds = [one for one in report.get("seeds", []) if "unseen" in one]
    if not seeds:
        return ""
    rows: list[list[object]] = []
    columns = [
        [one["accuracy"], one["unseen"]["accuracy"], one["unseen"]["top3"], one["unseen"]["ece"]]
        for one in seeds
    ]
    for one, figures in zip(seeds, columns, strict=True):
        rows.append([one["seed"], *map(tables.share, figures)])
    means = [sum(column) / len(column) for column in zip(*columns, strict=True)]
    rows.append(["mean", *map(tables.share, means)])
    heads = ["seed", "validation", "unseen source", "its top-3", "its ECE"]
    return f"""
## Seeds

The same recipe from other starts, in fp32; the first was shipped, not the best:

{tables.table(heads, rows)}"""


def _recipe(report: Report) -> str:
    settings = "\n".join(f"- {name}: {value}" for name, value in report.get("recipe", {}).items())
    return f"""
## How it was trained

`manage.py train_asl --data DIR` repeats it, with `--small` for the small network;
`docs/training.md` says what else was tried. Muon and AdamW, one cosine, averaged weights, smoothed
and mixed labels; the hand cut out and put before other rooms, moved, bent, relit, covered, blurred
and packed anew. The settings:

{settings}"""


def _limits(report: Report) -> str:
    lines = [
        fill(one, 98, initial_indent="- ", subsequent_indent="  ")
        for one in report.get("limits", [])
    ]
    return "\n".join(["## Limits of use", "", *lines])
