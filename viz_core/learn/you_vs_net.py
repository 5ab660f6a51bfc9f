"""A round of pictures that people and the network name: who is right, where, and where they disagree."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from viz_core.images.datasets import open_dataset
from viz_core.images.render import grid
from viz_core.learn.contest import Share, answer, degrade, draw_questions, examples_of, prototypes
from viz_core.technique import Result, Run, Section, Step, Technique

SHOWN = 128
TILE_GAP = 4


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
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the round", json_schema_extra={"advanced": True})

    def run(self) -> Run:
        """Let the network learn each label from a few other pictures, then answer every question."""
        network, pictures = self.network(), open_dataset(self.dataset)
        asked = draw_questions(pictures, self.questions, self.choices, self.seed)
        examples = examples_of(pictures, asked)
        total = len(examples) + len(asked)
        shown = [degrade(pictures.seen(question.picture, SHOWN), self.detail) for question in asked]
        known = {}
        for label, prototype in prototypes(network, pictures, examples, SHOWN):
            known[label] = prototype
            if (yield Step(len(known), total, shown[0])):
                return self.finished(asked, shown, [])
        answers: list[tuple[str, float]] = []
        for question, picture in zip(asked, shown, strict=True):
            answers.append(answer(network, picture, known, question))
            if (yield Step(len(known) + len(answers), total, picture)):
                break
        return self.finished(asked, shown, answers)

    def finished(self, asked, shown: list[np.ndarray], answers: list[tuple[str, float]]) -> Result:
        """The questions as a table, with the network's answers as far as it gave them."""
        rows = [
            {"picture": question.picture, "label": question.label, "choices": list(question.choices)}
            for question in asked
        ]
        for row, (choice, sure) in zip(rows, answers, strict=False):
            row |= {"network": choice, "sure": sure}
        share = Share(sum(row["network"] == row["label"] for row in rows[: len(answers)]), len(answers))
        low, high = share.interval
        sheet = grid(shown, gap=TILE_GAP)
        return self.result(
            arrays={"pictures": np.stack(shown), "grid": sheet},
            pictures={"pictures": sheet},
            scores={"right": share.right, "asked": share.asked, "low": low, "high": high},
            tables={"questions": rows},
        )
