"""A round of pictures that people and the network name: who is right, where, and where they disagree."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet
from viz_core.images.render import grid
from viz_core.images.tensor import to_tensor
from viz_core.learn.contest import (
    Question,
    Share,
    answer,
    best_five,
    degrade,
    draw_questions,
    examples_of,
    is_right,
    prototypes,
)
from viz_core.learn.looked import deletion_area, looks, shares_of
from viz_core.models.graph import GraphModel
from viz_core.tape import taped
from viz_core.technique import Result, Run, Section, Step, Technique

SHOWN = 128
TILE_GAP = 4
MAPS = ("occlusion", "gradcam")


class YouVsNet(Technique):
    """Ask people and the network the same questions about the same pictures, made as small as you like.

    Geirhos et al. 2018, "Generalisation in humans and deep neural networks".
    """

    slug: ClassVar[str] = "you-vs-net"
    section: ClassVar[Section] = "learn"
    order: ClassVar[int] = 30
    icon: ClassVar[str] = "groups"
    live: ClassVar[bool] = True
    eager: ClassVar[bool] = True

    dataset: str = Field(
        "builtin",
        description="labelled pictures to ask about",
        json_schema_extra={"widget": "dataset", "advanced": True},
    )
    questions: int = Field(10, ge=3, le=40, description="how many pictures to ask about")
    choices: int = Field(5, ge=2, le=8, description="answers to choose from")
    detail: int = Field(
        24, ge=4, le=128, description="pixels a side that the pictures keep, for people and network alike"
    )
    answering: Literal["choices", "search"] = Field(
        "choices", description="how to answer: one of the choices, or up to five labels found by search"
    )
    seconds: int = Field(0, ge=0, le=120, description="time for each picture, seconds; 0: as long as people want")
    paint: bool = Field(False, description="after each answer people paint where they looked")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the round", json_schema_extra={"advanced": True})

    def offered(self, pictures: PictureSet) -> int:
        """How many labels to choose from: in a search all there are."""
        return len(pictures.labels or ()) if self.answering == "search" else self.choices

    @taped
    def run(self) -> Run:
        """Let the network learn each label from a few other pictures, then answer every question."""
        network, pictures = self.network(), open_dataset(self.dataset)
        asked = draw_questions(pictures, self.questions, self.offered(pictures), self.seed)
        examples = examples_of(pictures, asked)
        total = len(examples) + len(asked) * (2 if self.paint else 1)
        shown = [degrade(pictures.seen(question.picture, SHOWN), self.detail) for question in asked]
        known: dict[str, torch.Tensor] = {}
        for label, prototype in prototypes(network, pictures, examples, SHOWN):
            known[label] = prototype
            if (yield Step(len(known), total, shown[0])):
                return self.finished(asked, shown, [], known, [])
        answers: list[tuple[str, float]] = []
        for question, picture in zip(asked, shown, strict=True):
            in_search = self.answering == "search"
            answers.append(
                best_five(network, picture, known) if in_search else answer(network, picture, known, question)
            )
            if (yield Step(len(known) + len(answers), total, picture)):
                break
        looked: list[dict[str, tuple[np.ndarray | None, float]]] = []
        for question, picture in zip(asked, shown, strict=True) if self.paint else ():
            found = looks(network, picture, known, question.choices, question.label, self.seed)
            looked.append({name: (values, area) for name, values, area in found})
            if (yield Step(len(known) + len(answers) + len(looked), total, picture)):
                break
        return self.finished(asked, shown, answers, known, looked)

    def finished(
        self,
        asked: Sequence[Question],
        shown: list[np.ndarray],
        answers: list[tuple[str, float]],
        known: dict[str, torch.Tensor],
        looked: list[dict[str, tuple[np.ndarray | None, float]]],
    ) -> Result:
        """The questions as a table, with the network's answers as far as it gave them, and where it looked."""
        rows: list[dict[str, Any]] = [
            {"picture": question.picture, "label": question.label, "choices": list(question.choices)}
            for question in asked
        ]
        for row, (choice, sure) in zip(rows, answers, strict=False):
            row |= {"network": choice, "sure": sure}
        share = Share(sum(is_right(row["network"], row["label"]) for row in rows[: len(answers)]), len(answers))
        low, high = share.interval
        sheet = grid(shown, gap=TILE_GAP)
        maps = {
            name: np.stack([values for one in looked if (values := one[name][0]) is not None])
            for name in MAPS
            if looked
        }
        return self.result(
            arrays={"pictures": np.stack(shown), "grid": sheet, **maps}
            | ({"prototypes": torch.stack(list(known.values())).cpu().numpy()} if known else {}),
            pictures={"pictures": sheet},
            scores={"right": share.right, "asked": share.asked, "low": low, "high": high},
            tables={
                "questions": rows,
                "labels": [{"label": label} for label in known],
                "areas": [{name: area for name, (_, area) in one.items()} for one in looked],
            },
        )


def people_area(result: Result, network: GraphModel, place: int, painted: np.ndarray) -> float:
    """The deletion area of what people painted (16, 16) on the picture of a question, by the network of the result."""
    row = result.tables["questions"][place]
    labels = [entry["label"] for entry in result.tables["labels"]]
    known = dict(zip(labels, torch.from_numpy(result.arrays["prototypes"]).to(network.device), strict=True))
    shares = shares_of(network, known, row["choices"], row["label"])
    x = to_tensor(result.arrays["pictures"][place]).to(network.device)
    return deletion_area(network, shares, x, painted)
