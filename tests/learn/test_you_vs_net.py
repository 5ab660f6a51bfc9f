"""The contest: fair questions, the network's answers against a plain nearest-mean classifier, intervals by hand."""

import numpy as np
import pytest
import torch
from PIL import Image

from viz_core.errors import ConvscopeError
from viz_core.images.datasets import open_dataset
from viz_core.learn.contest import Question, Share, confusion, degrade, draw_questions, examples_of
from viz_core.learn.you_vs_net import SHOWN, YouVsNet
from viz_core.technique import finish

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


@pytest.fixture
def colours(tmp_path) -> str:
    """A folder of three plainly different kinds of pictures."""
    noise = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / name).mkdir()
        for number in range(12):
            pixels = np.clip(np.array(colour) + noise.normal(0, 20, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    return f"folder:{tmp_path}"


def test_questions_are_fair(colours):
    pictures = open_dataset(colours)
    questions = draw_questions(pictures, 9, 3, seed=1)
    assert len({question.picture for question in questions}) == 9
    for question in questions:
        assert pictures.label(question.picture) == question.label
        assert question.label in question.choices
        assert len(set(question.choices)) == 3
    assert [sum(question.label == name for question in questions) for name in COLOURS] == [3, 3, 3]
    assert questions == draw_questions(pictures, 9, 3, seed=1) != draw_questions(pictures, 9, 3, seed=2)


def test_the_network_never_learns_from_a_picture_that_is_asked_about(colours):
    pictures = open_dataset(colours)
    questions = draw_questions(pictures, 9, 3, seed=1)
    learnt = {index for indices in examples_of(pictures, questions).values() for index in indices}
    assert not learnt & {question.picture for question in questions}


def test_the_network_answers_by_the_nearest_mean(colours):
    technique = YouVsNet(model="random:squeezenet1_1", dataset=colours, questions=6, choices=3, detail=16)
    rows = finish(technique.run()).tables["questions"]
    network, pictures = technique.network(), open_dataset(colours)
    asked = [Question(row["picture"], row["label"], tuple(row["choices"])) for row in rows]

    def feature(pixels: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(pixels.transpose(2, 0, 1)[None] / 255).float()
        layer = network.head().layer
        values = network.activations(x, layer)[layer][0].mean(dim=(1, 2)).numpy()
        return values / np.linalg.norm(values)

    for row, question in zip(rows, asked, strict=True):
        means = {}
        for label, indices in examples_of(pictures, asked).items():
            mean = np.mean([feature(pictures.seen(index, SHOWN)) for index in indices], axis=0)
            means[label] = mean / np.linalg.norm(mean)
        seen = feature(degrade(pictures.seen(question.picture, SHOWN), 16))
        assert row["network"] == max(question.choices, key=lambda label: float(means[label] @ seen))


def test_the_network_tells_plain_colours_apart(colours):
    result = finish(YouVsNet(model="random:squeezenet1_1", dataset=colours, questions=9, choices=3).run())
    assert result.scores["right"] == 9


def test_wilson_interval_by_hand():
    low, high = Share(8, 10).interval
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert Share(0, 0).interval == (0.0, 1.0)


def test_confusion_counts_rows_by_truth():
    questions = (Question(0, "a", ("a", "b")), Question(1, "b", ("a", "b")))
    right, called, counts = confusion(questions, [(0, "a"), (0, "b"), (1, "b")], beside=[(0, "c")])
    assert (right, called) == (["a", "b"], ["a", "b", "c"])
    np.testing.assert_array_equal(counts, [[1, 1, 0], [0, 1, 0]])


def test_a_set_without_labels_gets_a_sentence(colours):
    with pytest.raises(ConvscopeError, match="labels"):
        finish(YouVsNet(dataset=colours, choices=8, model="random:squeezenet1_1").run())
