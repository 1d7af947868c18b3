"""Names of the files in a results folder that belong to one model, whatever a checkpoint or a user called it."""

from __future__ import annotations

from core.safe_paths import file_name


def placement_name(model: str, profile: str) -> str:
    """The name of the file with the place of a model's operators."""
    return f"placement/{file_name(f'{model}-{profile}', '.json')}"


def cycles_name(model: str, profile: str) -> str:
    """The name of the file with what the cycle model says of a model's operations."""
    return f"cycles/{file_name(f'{model}-{profile}', '.json')}"


def rules_name(model: str, device: str) -> str:
    """The name of the file with what a rule set says of a model's operators."""
    return f"rules/{file_name(f'{model}-{device}', '.json')}"


def found_name(folder: str, model: str, graph: str) -> str:
    """The name of the file with what a graph of a model found; `folder` is its task's: detections, classifications."""
    return f"{folder}/{file_name(f'{model}-{graph}', '.json')}"
