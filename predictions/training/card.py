"""Writes the model card: what people should know before they believe the network."""

from typing import Any

from predictions.core.labels import EMOTIONS

SCORES = {
    "strict": "FER+ faces on which more than half of the crowd agrees",
    "every": "all FER+ faces, doubtful ones too, by majority",
    "press": "press photographs of people it never saw",
}


def card(facts: dict[str, Any]) -> str:
    """The card in Markdown, from the facts as the .json holds them."""
    parts = [
        _opening(facts),
        _data(facts["rows"]),
        _results(facts),
        _confusion(facts["metrics"]["strict"]["confusion"]),
        _precision(facts),
        _crop(facts),
        _recipe(facts),
        LIMITS,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _opening(facts: dict[str, Any]) -> str:
    return f"""
# Emotion network {facts["tag"]}

Reads the facial expression of one cropped face as one of {len(EMOTIONS)} words:
{", ".join(EMOTIONS)}. It has {facts["total_params"]:,} parameters and takes
{facts["macs"] / 1e6:.1f} million multiply-accumulates a face. Input: {facts["input_shape"]},
{facts["input"]}. Its first layer reduces colour to brightness: it sees no colour.

Every figure below was measured on validation rows, which also chose the precision and fitted the
temperature. None comes from a test set: expect less from another camera and other people.
The weights are those of the last epoch, not of the best one."""


def _data(rows: dict[str, int]) -> str:
    return f"""
## Data

| source | training | validation | licence |
|---|---|---|---|
| FER2013 faces (48x48 gray) with FER+ crowd votes | {rows["train_ferplus"]:,} \
| {rows["val_ferplus"]:,} ({rows["val_ferplus_strict"]:,} strict) | votes MIT; the photographs \
were collected from the web for a contest in 2013, without an open licence |
| press photographs (muxspace), split by person | {rows["train_press"]:,} | {rows["val_press"]:,} \
| repository Apache-2.0 |

No photograph is shipped. FER+ rows learn the distribution of the votes among the seven emotions;
single votes, contempt, "unknown" and "not a face" are left out. Press rows learn their one label,
smoothed by 5 %. FER+ and the first FER2013 labels agree on 68 % of the faces: the truth below is
the majority of about ten people, not what anyone felt."""


def _results(facts: dict[str, Any]) -> str:
    scores = facts["metrics"]
    lines = [
        "## Results on validation",
        "",
        "| rows | n | accuracy (95 % interval) | macro-F1 | ECE before | ECE after temperature |",
        "|---|---|---|---|---|---|",
    ]
    for name, words in SCORES.items():
        one = scores[name]
        low, high = one["accuracy_interval"]
        lines.append(
            f"| {words} | {one['rows']:,} | {one['accuracy']:.3f} ({low:.3f} to {high:.3f}) "
            f"| {one['macro_f1']:.3f} | {one['ece_before']:.3f} | {one['ece_after']:.3f} |"
        )
    lines += [
        "",
        f"The temperature is {facts['temperature']:.4f}, fitted on all validation rows together.",
        "The calibration error (ECE, 15 bins) is measured on the same rows.",
        "",
        "Recall, with the number of faces:",
        "",
        "| emotion | FER+ strict | all FER+ | press |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {emotion} | " + " | ".join(_recall(scores[name], emotion) for name in SCORES) + " |"
        for emotion in EMOTIONS
    ]
    return "\n".join(lines)


def _recall(scores: dict[str, Any], emotion: str) -> str:
    share = scores["recall"][emotion]
    return "none" if share is None else f"{share:.2f} (n={scores['n'][emotion]})"


def _confusion(matrix: list[list[int]]) -> str:
    lines = [
        "## Confusion, FER+ strict",
        "",
        "| truth \\ answer | " + " | ".join(EMOTIONS) + " |",
        "|---|" + "---|" * len(EMOTIONS),
    ]
    lines += [
        f"| {emotion} | " + " | ".join(str(count) for count in row) + " |"
        for emotion, row in zip(EMOTIONS, matrix, strict=True)
    ]
    return "\n".join(lines)


def _precision(facts: dict[str, Any]) -> str:
    fp32, int8 = facts["metrics_fp32"]["strict"], facts["metrics_int8"]["strict"]
    return f"""
## Precision

| .tflite | strict accuracy | macro-F1 |
|---|---|---|
| fp32 | {fp32["accuracy"]:.4f} | {fp32["macro_f1"]:.3f} |
| int8, calibrated on 500 training faces | {int8["accuracy"]:.4f} | {int8["macro_f1"]:.3f} |

Shipped: **{facts["precision"]}**. int8 is taken when it loses at most half a point. The `.tflite`
answers logits; divide them by the temperature before the softmax."""


def _crop(facts: dict[str, Any]) -> str:
    crop = facts["crop"]
    sides = "\n".join(
        f"- {side} times the side: {share:.3f}" for side, share in facts["accuracy_by_crop"].items()
    )
    return f"""
## Which crop it expects

A square around one upright face, from the middle of the forehead to below the chin: the box of
{crop["detector"]}, widened by {crop["margin"]:.0%} of its side on each side (the median of both
packs), then scaled to 96x96. Strict accuracy on validation when the crop is tighter or looser, with
edges repeated where the photograph ends:

{sides}"""


def _recipe(facts: dict[str, Any]) -> str:
    settings = "\n".join(f"- {name}: {value}" for name, value in facts["recipe"].items())
    return f"""
## How it was trained

`manage.py train_emotions --data DIR` repeats it. AdamW, one cosine, averaged weights, soft targets,
class weights by rarity, and pictures moved, relit, covered, blurred and packed anew as another
webcam might. The settings:

{settings}"""


LIMITS = """
## Limits of use

- **An expression is not a state of mind.** The answer says how people would name a face, not what
  the person feels, means or will do.
- In the European Union it is prohibited to infer emotions of people at work or in education, save
  for medical or safety reasons: AI Act (Regulation (EU) 2024/1689), Art. 5(1)(f). Do not use this
  network there, nor to judge, rank or screen anyone.
- Disgust and fear are rare in the data and often missed: see their recall and how few faces it
  rests on.
- Who is in the photographs (age, skin, sex, culture, disability) is not recorded, so fairness was
  not measured. Assume that it differs between groups.
- Faces from the side, in the dark, behind a mask or far away, and drawings, are outside of what it
  was trained on; it answers all the same. Its confidence means less there.
- It sees one still picture and knows nothing of speech, context or the moment before.
"""
