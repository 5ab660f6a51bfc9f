"""Turns a training run into the files that ship: `python -m viz_core.models.export --run DIR --twin standard`."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from viz_core.models.bundled import ASSETS, MEAN, STD, TWINS, BundledNet, class_names, fold, parameter_count
from viz_core.models.random_twin import random_net
from viz_core.models.training_recipe import recipe_of

LICENCE = "Trained on images of ImageNet, which are for non-commercial research and teaching only."
DATA = "Tiny-ImageNet-200 (Stanford CS231n): 100,000 training images of 64 px in 200 classes of ImageNet"
UNTRAINED = "none: the weights are random"
FREE = "MIT, like Convscope"
RANDOM_RECIPE = {"seed": 0, "weights": "Kaiming normal", "scale": "every layer to mean 0 and variance 1 on 1/f noise"}
INPUT_SIZE = 96


def averaged_net(*states: dict[str, Any]) -> BundledNet:
    """The averaged weights of a checkpoint as a network that still has its batch norm, in eval mode.

    Several checkpoints, each from a run that began with the one before, give the mean of their weights: a network between
    them, which keeps most of what each does best (Wortsman et al. 2022).
    """
    config = states[0]["config"]
    net = BundledNet(config["classes"], config["first"], config["stages"], batch_norm=True)
    averages = [state["average"] for state in states]
    net.load_state_dict({name: sum(average[name] for average in averages) / len(averages) for name in averages[0]})
    return net.eval()


def ship(net: BundledNet, twin: str, recipe: dict[str, Any], folder: Path = ASSETS) -> None:
    """Write the weights of a folded network in half precision, and its card with the results still empty."""
    weights = {name: value.detach().half().contiguous() for name, value in net.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{twin}.safetensors").write_bytes(save(weights))
    card = {
        "name": twin,
        "input_size": INPUT_SIZE,
        "mean": MEAN,
        "std": STD,
        "data": UNTRAINED if twin == "random" else DATA,
        "licence": FREE if twin == "random" else LICENCE,
        "architecture": net.architecture,
        "parameters": parameter_count(net),
        "recipe": recipe,
        "results": {},
        "classes": [names._asdict() for names in class_names()],
    }
    write_card(card, folder / f"{twin}.json")


def export(checkpoints: Sequence[Path], twin: str, folder: Path = ASSETS) -> None:
    """Ship the averaged weights of a checkpoint, or the mean of several, the batch norm folded away."""
    states = [torch.load(checkpoint, map_location="cpu", weights_only=True) for checkpoint in checkpoints]
    recipe = recipe_of(states[-1]) | {"runs_averaged": len(states)}
    ship(fold(averaged_net(*states)), twin, recipe, folder)


def write_card(card: dict[str, Any], path: Path) -> None:
    """Write a card that people can read and compare: one value a line, one class a line."""
    path.write_text("{\n" + ",\n".join(_entries(card, "  ")) + "\n}\n", encoding="utf-8")


def _entries(values: dict[str, Any], indent: str) -> list[str]:
    return [f"{indent}{json.dumps(key)}: {_value(value, indent)}" for key, value in values.items()]


def _value(value: Any, indent: str) -> str:
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(_entries(value, deeper)) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(deeper + json.dumps(item, ensure_ascii=False) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(prog="python -m viz_core.models.export", description=export.__doc__)
    parser.add_argument(
        "--run", type=Path, nargs="+", help="folder of the training run, with its checkpoint; several: their mean"
    )
    parser.add_argument("--twin", choices=TWINS, required=True)
    options = parser.parse_args(arguments)
    if options.twin == "random":
        ship(random_net(), "random", RANDOM_RECIPE)
    elif options.run is None:
        parser.error(f"the {options.twin} twin is exported from a run: give --run")
    else:
        export([run / "checkpoint.pt" for run in options.run], options.twin)


if __name__ == "__main__":
    main()
