"""The network's side of the round as a script: it learns each label from a few pictures, then answers."""

import json

import numpy as np

from viz_core.images.datasets import open_dataset
from viz_core.images.render import encode_png
from viz_core.learn.contest import TEMPERATURE, degrade, draw_questions, examples_of, feature_layer
from viz_core.learn.you_vs_net import SHOWN, YouVsNet
from viz_core.scripts.parts import Files, compose, fill, value
from viz_core.scripts.script import Script

OBEYED = ("dataset", "questions", "choices", "detail", "answering", "seconds", "paint")
_BODY = """
asked = json.loads(Path("round.json").read_text(encoding="utf-8"))
labels, questions = asked["labels"], asked["questions"]  # of each the label that is right, and those on offer

def features(files):  # what the network says of pictures, averaged over places, of length 1
    pixels = np.stack([np.asarray(Image.open(file)) for file in files]).transpose(0, 3, 1, 2)
    see(torch.from_numpy(np.ascontiguousarray(pixels, np.float32) / np.float32(255)))
    answers = $answers
    return F.normalize(answers.mean(dim=(2, 3)) if answers.dim() == 4 else answers, dim=1)

# A label is learnt from a few other pictures: the mean of what the network says of them.
examples = [sorted(Path("examples").glob(f"{place:04d}-*.png")) for place in range(len(labels))]
known = torch.stack([F.normalize(features(files).mean(dim=0), dim=0) for files in examples])

# The answer is the label on offer whose mean is nearest by cosine.
right = 0
for number, (label, choices) in enumerate(questions):
    cosines = known[choices] @ features([f"asked/{number:02d}.png"])[0]
    sure, best = (cosines / $temperature).softmax(dim=0).max(dim=0)
    right += choices[best] == label
    print("It is:", labels[label], " the network says:", labels[choices[best]], float(sure))
print("right", right, "of", len(questions))
result = known.numpy()
"""


def write(technique: YouVsNet) -> Script:
    """What the network has learnt of each label; its answers are printed."""
    network, pictures = technique.network(), open_dataset(technique.dataset)
    asked = draw_questions(pictures, technique.questions, technique.offered(pictures), technique.seed)
    examples = examples_of(pictures, asked)
    labels = list(examples)
    questions = [(labels.index(one.label), [labels.index(choice) for choice in one.choices]) for one in asked]
    layer = feature_layer(network)
    body = fill(
        _BODY,
        answers=value(network, layer),
        temperature=TEMPERATURE,
    )
    shown = [degrade(pictures.seen(one.picture, SHOWN), technique.detail) for one in asked]
    round_of = json.dumps({"labels": labels, "questions": questions}, ensure_ascii=False).encode()
    files: Files = {"round.json": lambda: round_of}
    files |= {f"asked/{number:02d}.png": _png(pixels) for number, pixels in enumerate(shown)}
    for place, members in enumerate(examples.values()):
        for number, index in enumerate(members):
            files[f"examples/{place:04d}-{number}.png"] = _png(pictures.seen(index, SHOWN))
    return compose(technique, "prototypes", body, layers=(layer,), files=files)


def _png(pixels: np.ndarray):
    return lambda: encode_png(pixels)
