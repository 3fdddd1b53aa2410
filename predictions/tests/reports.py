"""A small evaluation report with every part."""

from typing import Any


def a_set(name: str, title: str, *, angry: list[int], disgust: list[int]) -> dict[str, Any]:
    n = sum(angry) + sum(disgust)
    return {
        "name": name,
        "title": title,
        "n": n,
        "accuracy": (angry[0] + disgust[1]) / n,
        "accuracy_interval": [0.7, 0.9],
        "macro_f1": 0.7161,
        "macro_f1_interval": [0.65, 0.75],
        "macro_f1_classes": ["angry", "disgust"],
        "top3": None,
        "per_class": {
            "angry": {
                "n": sum(angry),
                "precision": 0.75,
                "recall": 0.9,
                "recall_interval": [0.5958, 0.9821],
                "f1": 0.82,
            },
            "disgust": {
                "n": sum(disgust),
                "precision": None,
                "recall": None,
                "recall_interval": None,
                "f1": None,
            },
        },
        "confusion": [angry, disgust],
        "calibration": {
            "ece_before": 0.0744,
            "ece": 0.0215,
            "bins": [
                {"low": 0.0, "high": 0.2, "n": 0, "confidence": None, "accuracy": None},
                {"low": 0.2, "high": 0.4, "n": 4, "confidence": 0.25, "accuracy": 0.5},
                {"low": 0.8, "high": 1.0, "n": 40, "confidence": 0.9, "accuracy": 0.85},
            ],
        },
        "coverage": [
            {"share": 0.8, "accuracy": 0.92, "threshold": 0.64},
            {"share": 1.0, "accuracy": 0.84, "threshold": 0.25},
        ],
    }


def a_report() -> dict[str, Any]:
    return {
        "classes": ["angry", "disgust"],
        "sets": [
            a_set("strict", "Strict", angry=[9, 1], disgust=[3, 2]),
            a_set("press", "Press", angry=[2, 0], disgust=[0, 0]),
        ],
        "corruptions": [
            {"name": "blur", "title": "blurred, 2 pixels of 96", "accuracy": 0.81, "drop": 0.0277}
        ],
        "crop": [{"side": 0.8, "accuracy": 0.82}],
        "end_to_end": [
            {"margin": 0.02, "found": 0.98, "accuracy": 0.83, "n": 100, "as_given": 0.84},
            {"margin": 0.1, "found": 0.0, "accuracy": None},
        ],
        "agreement": {"n": 100, "training": 1.0, "keras": 0.993},
        "latency_ms": {"p50": 0.2, "p95": 0.24, "n": 200},
        "precision": {
            "fp32": {"accuracy": 0.8433, "macro_f1": 0.72},
            "int8": {"accuracy": 0.8411, "macro_f1": 0.716},
        },
        "seeds": [
            {"seed": 1, "accuracy": 0.84, "macro_f1": 0.7, "ece": 0.02, "recall": {"disgust": 0.4}},
            {"seed": 2, "accuracy": 0.86, "macro_f1": 0.7, "ece": 0.03, "recall": {"disgust": 0.5}},
        ],
        "provenance": [
            {"source": "FER+", "train": 26209, "validation": 3448, "licence": "MIT"},
            {"source": "press", "train": None, "validation": None},
        ],
        "recipe": {"epochs": 52},
        "limits": ["It has limits."],
    }
