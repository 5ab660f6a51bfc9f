"""Turns a training run into the files that ship: `python -m viz_core.models.export --run DIR --twin standard`."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from viz_core.models.bundled import ASSETS, MEAN, STD, BundledNet, class_names, fold

LICENCE = "Trained on images of ImageNet, which are for non-commercial research and teaching only."
DATA = "Tiny-ImageNet-200 (Stanford CS231n): 100,000 training images of 64 px in 200 classes of ImageNet"
INPUT_SIZE = 128


def averaged_net(state: dict[str, Any]) -> BundledNet:
    """The averaged weights of a checkpoint as a network that still has its batch norm, in eval mode."""
    config = state["config"]
    net = BundledNet(config["classes"], config["first"], config["stages"], batch_norm=True)
    net.load_state_dict(state["average"])
    return net.eval()


def card_of(state: dict[str, Any], twin: str, net: BundledNet) -> dict[str, Any]:
    """The model card as data, the results still empty."""
    config = state["config"]
    recipe = config | {
        "steps": state["step"],
        "pictures": state["step"] * config["batch"],
        "progress": state["progress"],
    }
    return {
        "name": twin,
        "architecture": net.architecture,
        "input_size": INPUT_SIZE,
        "mean": list(MEAN),
        "std": list(STD),
        "data": DATA,
        "licence": LICENCE,
        "recipe": recipe | {"minutes_trained": round(state["minutes"], 1)},
        "results": {},
        "classes": [names._asdict() for names in class_names()],
    }


def export(checkpoint: Path, twin: str, folder: Path = ASSETS) -> None:
    """Write the weights, folded and in half precision, and the card of a twin into the folder."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net = fold(averaged_net(state))
    weights = {name: value.detach().half().contiguous() for name, value in net.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / f"{twin}.safetensors")
    write_card(card_of(state, twin, net), folder / f"{twin}.json")


def write_card(card: dict[str, Any], path: Path) -> None:
    """Write a card that people can read and compare: one key a line, the classes one a line."""
    classes = ",\n".join("    " + json.dumps(names, ensure_ascii=False) for names in card["classes"])
    head = json.dumps({key: value for key, value in card.items() if key != "classes"}, indent=2, ensure_ascii=False)
    path.write_text(f'{head[:-2]},\n  "classes": [\n{classes}\n  ]\n}}\n', encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(prog="python -m viz_core.models.export", description=export.__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run, with its checkpoint")
    parser.add_argument("--twin", choices=("standard", "robust"), required=True)
    options = parser.parse_args(arguments)
    export(options.run / "checkpoint.pt", options.twin)


if __name__ == "__main__":
    main()
