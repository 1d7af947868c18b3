"""A few inputs of a classifier with their true class and what each graph took them for, chosen where the graphs differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from harness.report.html.pictures import GRAPHS, SHOWN, GraphPanel, Picture, picture_uri
from harness.report.run_view import Model, RunView
from harness.tasks.classify.dataset import LabelledInputs
from harness.tasks.images import image_size

FOLDER = "classifications"


class Taken(TypedDict):
    """What one input was taken for, as the results keep it."""

    input: str
    true: int
    best: list[int]
    scores: list[float]


def taken_for(view: RunView, model: str, data: str = "") -> dict[str, list[Taken]]:
    """Graph -> what it took each input for, of the data set `data` ("" for any)."""
    found = {graph: view.run.found(FOLDER, model, graph) for graph in GRAPHS}
    kept = {graph: content for graph, content in found.items() if content is not None}
    return {graph: content["inputs"] for graph, content in kept.items() if data in ("", content["data"])}


def class_names(view: RunView, model: str) -> list[str]:
    """The classes that a model's answers are numbers of."""
    found = (view.run.found(FOLDER, model, graph) for graph in GRAPHS)
    return next((content["classes"] for content in found if content), [])


def class_pictures(view: RunView, dataset: LabelledInputs) -> list[Picture]:
    """At most SHOWN images: the one that is surest and right, and those that most graphs get wrong or are least sure of."""
    found = {model: taken_for(view, model.name, dataset.identity) for model in view.models}
    found = {model: graphs for model, graphs in found.items() if graphs}
    if not found or not dataset.files:
        return []
    wrong = np.zeros(dataset.count)
    for graphs in found.values():
        for rows in graphs.values():
            sure = np.array([row["scores"][0] for row in rows])
            wrong += [row["best"][0] != row["true"] for row in rows] - (sure / (1 + np.abs(sure).max()))
    chosen = [*np.argsort(wrong, kind="stable")[:1], *np.argsort(-wrong, kind="stable")]
    return [
        _picture(dataset, position, found, number)
        for number, position in enumerate(list(dict.fromkeys(map(int, chosen)))[:SHOWN])
    ]


def _picture(dataset: LabelledInputs, position: int, found: Mapping[Model, Mapping[str, list[Taken]]], number: int) -> Picture:
    """One image with what each graph of each model took it for."""
    file = dataset.files[position]
    width, height = image_size(file)
    truth = GraphPanel("truth", (), words=(dataset.class_names[int(dataset.labels[position])],))
    panels = {
        model.name: (truth, *(_panel(graph, rows[position], dataset) for graph, rows in graphs.items()))
        for model, graphs in found.items()
    }
    name = f"{file.parent.name}/{file.name}"  # files of two classes often have one name
    return Picture(key=f"image-{number}", name=name, uri=picture_uri(file), width=width, height=height, panels=panels)


def _panel(graph: str, row: Taken, dataset: LabelledInputs) -> GraphPanel:
    """The best two classes of one graph with their scores."""
    words = tuple(f"{dataset.class_names[k]} {score:.2f}" for k, score in zip(row["best"][:2], row["scores"], strict=False))
    return GraphPanel(graph, (), missed=int(row["best"][0] != row["true"]), words=words)
