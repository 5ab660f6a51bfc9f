"""People against the network: the same questions for both, and what came out."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import normalize

from viz_core.errors import ConvscopeError
from viz_core.images.picture_set import PictureSet
from viz_core.images.render import resize
from viz_core.images.tensor import to_tensor
from viz_core.models.graph import GraphModel

EXAMPLES = 8  # pictures from which the network learns what a label looks like
MOST_NAMED = 5  # labels in an answer by search
SEPARATOR = "\n"  # between the labels of an answer
TEMPERATURE = 0.05  # of the softmax over cosines


@dataclass(frozen=True)
class Question:
    """Which of the `choices` is on picture number `picture` of the set? The answer is `label`."""

    picture: int
    label: str
    choices: tuple[str, ...]


def draw_questions(pictures: PictureSet, count: int, choices: int, seed: int) -> tuple[Question, ...]:
    """Questions about different pictures, their labels in equal shares; raises ConvscopeError for a set without labels."""
    if pictures.labels is None or len(pictures.labels) < choices:
        raise ConvscopeError("learn_errors.too_few_labels", choices=choices)
    numbers = np.random.default_rng(seed)
    members = {label: numbers.permutation(_members(pictures, label)).tolist() for label in pictures.labels}
    asked = [label for label in numbers.permutation(pictures.labels) if len(members[label]) > 1]
    questions = []
    for turn in range(min(count, len(pictures) // 2)):
        label = str(asked[turn % len(asked)])
        if not members[label]:
            continue
        wrong = numbers.choice([other for other in pictures.labels if other != label], choices - 1, replace=False)
        offered = numbers.permutation([label, *wrong])
        questions.append(Question(members[label].pop(), label, tuple(map(str, offered))))
    return tuple(questions)


def _members(pictures: PictureSet, label: str) -> list[int]:
    return [index for index in range(len(pictures)) if pictures.label(index) == label]


def examples_of(pictures: PictureSet, questions: Sequence[Question]) -> dict[str, list[int]]:
    """Pictures from which the network learns each label on offer; none of them is asked about."""
    asked = {question.picture for question in questions}
    labels = sorted({choice for question in questions for choice in question.choices})
    return {label: [i for i in _members(pictures, label) if i not in asked][:EXAMPLES] for label in labels}


def feature_layer(network: GraphModel) -> str:
    """The last layer before the classes where a global average follows it, else the classes themselves."""
    head = network.head()
    return network.layer_names[-1] if head is None else head.layer


def describe(network: GraphModel, x: torch.Tensor) -> torch.Tensor:
    """What that layer says of each picture, averaged over positions: (N, channels); differentiable."""
    layer = feature_layer(network)
    values = network.activations(x, layer)[layer]
    return values.mean(dim=(2, 3)) if values.dim() == 4 else values


def features(network: GraphModel, x: torch.Tensor) -> torch.Tensor:
    """What the network says of each picture, of length 1: (N, channels)."""
    with torch.inference_mode():
        return normalize(describe(network, x), dim=1)


def degrade(pixels: np.ndarray, side: int) -> np.ndarray:
    """A square picture (S, S, 3) with only `side` × `side` pixels of detail left, at its old size."""
    full = pixels.shape[0]
    return pixels if side >= full else resize(resize(pixels, (side, side)), (full, full))


def prototypes(
    network: GraphModel, pictures: PictureSet, examples: dict[str, list[int]], size: int
) -> Iterator[tuple[str, torch.Tensor]]:
    """The mean feature of each label's examples, of length 1, one label after another."""
    for label, indices in examples.items():
        seen = [features(network, x.to(network.device)) for _, x in pictures.batches(size, EXAMPLES, indices=indices)]
        yield label, normalize(torch.cat(seen).mean(dim=0), dim=0)


def named(choice: str) -> tuple[str, ...]:
    """The labels of an answer: one, or up to five from a search, the surest first; none where the time was over."""
    return tuple(filter(None, choice.split(SEPARATOR)))


def is_right(choice: str, label: str) -> bool:
    """Whether the label is among those of an answer."""
    return label in named(choice)


def first_named(choice: str) -> str:
    """The surest label of an answer, or nothing."""
    return next(iter(named(choice)), "")


def best_five(network: GraphModel, shown: np.ndarray, known: dict[str, torch.Tensor]) -> tuple[str, float]:
    """The network's five surest labels of all it knows, as one answer, and how sure it is of the first."""
    feature = features(network, to_tensor(shown).to(network.device))[0]
    labels = list(known)
    shares = (torch.stack([known[label] @ feature for label in labels]) / TEMPERATURE).softmax(dim=0)
    best = shares.topk(min(MOST_NAMED, len(labels)))
    return SEPARATOR.join(labels[place] for place in best.indices.tolist()), float(best.values[0])


def choose(feature: torch.Tensor, known: dict[str, torch.Tensor], choices: Sequence[str]) -> tuple[str, float]:
    """The choice whose prototype is nearest by cosine, and how sure: its share in a softmax over the choices."""
    cosines = torch.stack([known[choice] @ feature for choice in choices])
    shares = (cosines / TEMPERATURE).softmax(dim=0)
    best = int(shares.argmax())
    return choices[best], float(shares[best])


def answer(
    network: GraphModel, shown: np.ndarray, known: dict[str, torch.Tensor], question: Question
) -> tuple[str, float]:
    """The network's choice for a picture as it was shown, (S, S, 3) uint8, and how sure it is."""
    feature = features(network, to_tensor(shown).to(network.device))[0]
    return choose(feature, known, question.choices)


@dataclass(frozen=True)
class Share:
    """A share of right answers with its 95 % interval (Wilson 1927)."""

    right: int
    asked: int

    @property
    def value(self) -> float:
        """Right answers of all, in [0, 1]; 0 where nothing was asked."""
        return self.right / self.asked if self.asked else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end of the 95 % interval, in [0, 1]."""
        if not self.asked:
            return 0.0, 1.0
        z, n, p = 1.959963984540054, self.asked, self.value
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)


def confusion(
    questions: Sequence[Question], answers: Sequence[tuple[int, str]], beside: Sequence[tuple[int, str]] = ()
) -> tuple[list[str], list[str], np.ndarray]:
    """What was right, what it was called, and how often each of the first (row) was called each of the second (column) first.

    Answers are (question, choice). Columns begin with what was right; those that are only called so `beside` have one, too,
    so that the tables of two who answered can be compared.
    """
    right = sorted({question.label for question in questions})
    named_first = {first_named(choice) for _, choice in (*answers, *beside)}
    called = right + sorted(named_first - set(right))
    counts = np.zeros((len(right), len(called)), int)
    for place, choice in answers:
        counts[right.index(questions[place].label), called.index(first_named(choice))] += 1
    return right, called, counts
